#pragma once

#include "credentials/oauth2/visits.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// The door for the world: webhooks, and below its own path what authorization servers send people back with. Answers
/// with a small page for a person: 200 when the credential is authorised, 400 when nobody is expected with this state,
/// 502 when the server has not agreed. Visits and webhooks outlive it.
class AuthorizationCallback final : public io::posix::HttpHandler {
 public:
  static constexpr std::string_view path = "/oauth2/callback";

  AuthorizationCallback(credentials::oauth2::Visits& visits, io::posix::HttpHandler& webhooks)
      : visits_(visits), webhooks_(webhooks) {}

  std::uint64_t body_max(const io::posix::HttpRequest& head) const override;
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  credentials::oauth2::Visits& visits_;
  io::posix::HttpHandler& webhooks_;
};

}  // namespace millrace::api
