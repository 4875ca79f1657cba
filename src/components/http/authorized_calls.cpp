#include "components/http/authorized_calls.hpp"

#include <utility>

#include "component/base64.hpp"
#include "component/login_outcome.hpp"
#include "components/http/add_query.hpp"
#include "components/http/fault_outcome.hpp"

namespace millrace::components {
using component::CredentialType;
using component::Login;
using component::Outcome;
using io::HttpAnswer;

struct AuthorizedCalls::Attempt {
  io::HttpCall call;  ///< without a login
  std::string target;
  Done done;
  bool repeated = false;
};

void AuthorizedCalls::send(StepCall call, std::string target, Done done) {
  if (credential_ == nullptr || !call.to_configured_host) {
    transfers_->http(std::move(call.http), [target = std::move(target), done = std::move(done)](auto result) {
      if (!result) return done(outcome_of_fault(result.error(), "http", target));
      done(std::move(*result));
    });
    return;
  }
  auto attempt = std::make_shared<Attempt>(Attempt{std::move(call.http), std::move(target), std::move(done)});
  credential_->login([this, attempt](const Result<Login>& login) {
    if (!login) return attempt->done(component::outcome_without_login(login.error()));
    send_as(attempt, *login);
  });
}

void AuthorizedCalls::send_as(const std::shared_ptr<Attempt>& attempt, const Login& login) {
  auto call = attempt->call;
  if (auto added = add_login(call, login); !added)
    return attempt->done(component::outcome_without_login(added.error()));
  transfers_->http(std::move(call), [this, attempt, login](Result<HttpAnswer, io::TransferFault> result) {
    if (!result) return attempt->done(outcome_of_fault(result.error(), "http", attempt->target));
    answered(attempt, login, std::move(*result));
  });
}

void AuthorizedCalls::answered(const std::shared_ptr<Attempt>& attempt, const Login& login, HttpAnswer answer) {
  answer.header_lines = redacted(std::move(answer.header_lines), login);
  answer.body = redacted(std::move(answer.body), login);
  answer.url = redacted(std::move(answer.url), login);
  if (answer.status != 401 || std::exchange(attempt->repeated, true)) return attempt->done(std::move(answer));
  auto kept = std::make_shared<HttpAnswer>(std::move(answer));
  credential_->refused(login, [this, attempt, kept, old = login.generation](const Result<Login>& next) {
    if (!next) return attempt->done(component::outcome_without_login(next.error()));
    if (next->generation == old) return attempt->done(std::move(*kept));
    send_as(attempt, *next);
  });
}

Status add_login(io::HttpCall& call, const Login& login) {
  if ((login.secret + login.username).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    return Error{Error::Kind::invalid, "the credential holds a line break"};
  }
  switch (login.type) {
    case CredentialType::basic:
      call.headers.push_back("Authorization: Basic " + component::base64_encoded(login.username + ":" + login.secret));
      return Done{};
    case CredentialType::bearer:
    case CredentialType::oauth2_client_credentials:
    case CredentialType::oauth2_authorization_code:
      call.headers.push_back("Authorization: Bearer " + login.secret);
      return Done{};
    case CredentialType::api_key:
      if (login.header.empty()) {
        add_query(call.url, {{login.query, login.secret}});
      } else {
        call.headers.push_back(login.header + ": " + login.secret);
        call.redirects_max = 0;
      }
      return Done{};
    case CredentialType::webhook_secret:
    case CredentialType::component:
      break;
  }
  return Error{Error::Kind::invalid,
               "a credential of type " + std::string(to_string(login.type)) + " is no login for HTTP requests"};
}

}  // namespace millrace::components
