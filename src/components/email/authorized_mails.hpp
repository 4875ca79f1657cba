#pragma once

#include <functional>
#include <memory>
#include <string>

#include "component/action.hpp"
#include "io/transfers.hpp"

namespace millrace::components {

/// Sends a step's mails with the login of its credential, if it has one. A server that refuses the login gets the mail
/// once more, if there is another secret by then. One object a step; it outlives what is under way, and the credential
/// outlives it.
class AuthorizedMails {
 public:
  /// An answer, or what the message comes to without one.
  using Done = std::function<void(Result<io::MailAnswer, component::Outcome>)>;

  AuthorizedMails(std::unique_ptr<io::Transfers> transfers, component::CredentialSource* credential)
      : transfers_(std::move(transfers)), credential_(credential) {}

  void send(io::MailCall call, std::string target, Done done);

 private:
  struct Attempt;
  void send_as(const std::shared_ptr<Attempt>& attempt, const component::Login& login);
  void failed(const std::shared_ptr<Attempt>& attempt, const component::Login& login, io::TransferFault fault);

  std::unique_ptr<io::Transfers> transfers_;
  component::CredentialSource* credential_;
};

/// Verification of email.send: connects to the server of its config and logs in, without a mail.
Result<std::unique_ptr<component::Verification>> verify_mail_login(const component::Descriptor& descriptor,
                                                                   const boost::json::object& config,
                                                                   component::Services& services,
                                                                   std::function<void(Status)> done);

}  // namespace millrace::components
