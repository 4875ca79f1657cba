#include "components/email/authorized_mails.hpp"

#include <utility>

#include <fmt/format.h>

#include "component/config.hpp"
#include "component/login_outcome.hpp"
#include "components/email/mail_server.hpp"
#include "components/http/fault_outcome.hpp"

namespace millrace::components {
using component::CredentialType;
using component::Login;
using component::Outcome;
using io::MailAnswer;
using io::MailCall;
using io::TransferFault;

namespace {

void add_login(MailCall& call, const Login& login) {
  if (!login.username.empty()) call.username = login.username;
  (login.type == CredentialType::basic ? call.password : call.token) = login.secret;
}

class MailLogin final : public component::Verification {
 public:
  MailLogin(std::unique_ptr<io::Transfers> transfers, component::CredentialSource* credential)
      : mails_(std::move(transfers), credential) {}

  void start(MailCall server, std::function<void(Status)> done) {
    server.only_log_in = true;
    const auto target = "login at " + server.url;
    mails_.send(std::move(server), target, [done = std::move(done)](const Result<MailAnswer, Outcome>& answer) {
      done(answer ? Status(Done{}) : Status(Error{Error::Kind::permission, answer.error().failure.message}));
    });
  }

 private:
  AuthorizedMails mails_;
};

}  // namespace

struct AuthorizedMails::Attempt {
  MailCall call;  ///< without a login
  std::string target;
  Done done;
  bool repeated = false;
};

void AuthorizedMails::send(MailCall call, std::string target, Done done) {
  if (credential_ == nullptr) {
    transfers_->mail(std::move(call), [target = std::move(target), done = std::move(done)](auto result) {
      if (!result) return done(outcome_of_fault(result.error(), "smtp", target));
      done(std::move(*result));
    });
    return;
  }
  auto attempt = std::make_shared<Attempt>(Attempt{std::move(call), std::move(target), std::move(done)});
  credential_->login([this, attempt](const Result<Login>& login) {
    if (!login) return attempt->done(component::outcome_without_login(login.error()));
    send_as(attempt, *login);
  });
}

void AuthorizedMails::send_as(const std::shared_ptr<Attempt>& attempt, const Login& login) {
  auto call = attempt->call;
  add_login(call, login);
  transfers_->mail(std::move(call), [this, attempt, login](Result<MailAnswer, TransferFault> result) {
    if (!result) return failed(attempt, login, result.error());
    result->response = redacted(std::move(result->response), login);
    attempt->done(std::move(*result));
  });
}

void AuthorizedMails::failed(const std::shared_ptr<Attempt>& attempt, const Login& login, TransferFault fault) {
  fault.message = redacted(std::move(fault.message), login);
  auto outcome = outcome_of_fault(fault, "smtp", attempt->target);
  if (fault.kind != TransferFault::Kind::login || std::exchange(attempt->repeated, true)) {
    return attempt->done(std::move(outcome));
  }
  credential_->refused(login, [this, attempt, outcome, old = login.generation](const Result<Login>& next) {
    if (!next) return attempt->done(component::outcome_without_login(next.error()));
    if (next->generation == old) return attempt->done(outcome);
    send_as(attempt, *next);
  });
}

Result<std::unique_ptr<component::Verification>> verify_mail_login(const component::Descriptor& descriptor,
                                                                   const boost::json::object& given,
                                                                   component::Services& services,
                                                                   std::function<void(Status)> done) {
  auto config = component::Config::read(descriptor, given);
  if (!config) return config.error();
  auto server = read_mail_server(*config);
  if (!server) return server.error();
  auto transfers = services.outside.transfers();
  if (!transfers) return transfers.error();
  auto login = std::make_unique<MailLogin>(std::move(*transfers), services.credential);
  login->start(std::move(*server), std::move(done));
  return std::unique_ptr<component::Verification>(std::move(login));
}

}  // namespace millrace::components
