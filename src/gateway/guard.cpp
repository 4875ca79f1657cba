#include "gateway/guard.hpp"

#include "gateway/media_type.hpp"

namespace millrace::gateway {
namespace {

Guard::Auth auth_of(component::CredentialType type) {
  using component::CredentialType;
  switch (type) {
    case CredentialType::basic:
      return Guard::Auth::basic;
    case CredentialType::api_key:
      return Guard::Auth::api_key;
    case CredentialType::webhook_secret:
      return Guard::Auth::hmac;
    case CredentialType::bearer:
    case CredentialType::oauth2_client_credentials:
    case CredentialType::oauth2_authorization_code:
    case CredentialType::component:
      break;
  }
  return Guard::Auth::bearer;
}

}  // namespace

Guard guard_of(const component::Login& login, std::chrono::milliseconds tolerance) {
  return {auth_of(login.type), login.username, login.secret, lower(login.header), login.query, tolerance};
}

}  // namespace millrace::gateway
