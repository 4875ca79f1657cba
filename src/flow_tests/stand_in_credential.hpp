#pragma once

#include <string>
#include <utility>

#include "component/credential.hpp"
#include "component/descriptor.hpp"

namespace millrace::flow_tests {

/// What a flow test has in a credential's place, so that a test needs no secret: a login of the first type that the
/// function takes, user `name`, secret `name-secret`.
inline component::Login stand_in_login(const std::string& name, const component::Descriptor& function) {
  component::Login login;
  login.type = function.credential_types.empty() ? component::CredentialType::basic : function.credential_types.front();
  login.username = name;
  login.secret = name + "-secret";
  login.header = "X-API-Key";
  login.generation = "1";
  return login;
}

class StandInCredential final : public component::CredentialSource {
 public:
  explicit StandInCredential(component::Login login) : login_(std::move(login)) {}
  void login(Done done) override { done(login_); }
  void refused(const component::Login&, Done done) override { done(login_); }

 private:
  component::Login login_;
};

}  // namespace millrace::flow_tests
