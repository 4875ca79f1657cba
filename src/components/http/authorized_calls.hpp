#pragma once

#include <functional>
#include <memory>
#include <string>

#include "component/action.hpp"
#include "io/transfers.hpp"

namespace millrace::components {

/// A step's call, before anything is said about who makes it.
struct StepCall {
  io::HttpCall http;
  bool to_configured_host = true;  ///< false: an address that a response has led to; no login goes there
};

/// Sends a step's calls with the login of its credential, if it has one: in the Authorization header, or in a header or
/// query parameter of its own. A service that answers 401 gets the call once more, if there is another secret by then
/// (a token that was refreshed, a password that was changed).
///
/// The secret is taken out of what comes back, also where a service echoes it. A key in a header of its own does not
/// follow redirects, for they may lead elsewhere (libcurl keeps Authorization from other hosts by itself). One object a
/// step; it outlives what is under way, and the credential outlives it.
class AuthorizedCalls {
 public:
  /// An answer, or what the message comes to without one.
  using Done = std::function<void(Result<io::HttpAnswer, component::Outcome>)>;

  AuthorizedCalls(std::unique_ptr<io::Transfers> transfers, component::CredentialSource* credential)
      : transfers_(std::move(transfers)), credential_(credential) {}

  /// `target` names the call in failures: "POST https://crm.example.com/orders".
  void send(StepCall call, std::string target, Done done);

 private:
  struct Attempt;
  void send_as(const std::shared_ptr<Attempt>& attempt, const component::Login& login);
  void answered(const std::shared_ptr<Attempt>& attempt, const component::Login& login, io::HttpAnswer answer);

  std::unique_ptr<io::Transfers> transfers_;
  component::CredentialSource* credential_;
};

/// The call as this login makes it. Error::invalid if that is no login for HTTP.
Status add_login(io::HttpCall& call, const component::Login& login);

}  // namespace millrace::components
