#pragma once

#include <optional>
#include <string>

#include "component/credential.hpp"
#include "component/step_settings.hpp"
#include "component/worker_environment.hpp"
#include "io/posix/http_server.hpp"
#include "io/posix/loop.hpp"

namespace millrace::hosting::sailor {

/// The part of elastic.io's HTTP API about the credential of a component's step; another's is 403. JSON, an error as
/// {"error": why}.
///
///   PUT  /v1/accounts/{id}                            {"keys": {…}}: kept by the platform when it is answered (200)
///   GET  /v2/workspaces/{workspace}/secrets/{id}      as JSON:API: {"data": {"id", "type", "attributes": {…}}}
///   POST /v2/workspaces/{workspace}/secrets/{id}/refresh   the same with a new token, if it has OAuth 2.0
class Accounts {
 public:
  /// `source`: of the step's credential; nullptr: it names none. All outlive what is asked.
  Accounts(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment,
           const component::StepSettings& settings, component::CredentialSource* source);

  /// Answers a request that is about credentials; false: it is about something else.
  bool answer(const io::posix::HttpRequest& request, const io::posix::Respond& respond) const;

 private:
  struct Target {
    std::string id;
    bool is_secret = false;
    bool refreshes = false;
  };
  static std::optional<Target> target_of(const std::string& path);
  void keep(const io::posix::HttpRequest& request, const io::posix::Respond& respond) const;
  void tell(bool refreshes, const io::posix::Respond& respond) const;
  io::posix::HttpResponse secret(const Result<component::Login>& login) const;

  io::posix::AsioLoop& loop_;
  const component::WorkerEnvironment& environment_;
  std::string credential_;   ///< its name
  std::string token_field_;  ///< component::Program::token_field
  component::CredentialSource* source_;
};

}  // namespace millrace::hosting::sailor
