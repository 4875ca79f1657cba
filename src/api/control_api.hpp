#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "api/broker_api.hpp"
#include "api/dead_letters.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// What operators ask through DATA/control.sock (whoever may open it may do everything):
///
///   GET    /v1/status
///   GET    /v1/dead-letters[?flow=NAME]         without their messages
///   GET    /v1/dead-letters/{id}                with its message
///   POST   /v1/dead-letters/{id}/retry          back to its step; answered when durable
///   DELETE /v1/dead-letters/{id}                for good; answered when durable
///
/// and what BrokerApi answers. An id may be the beginning of one, percent-encoded where it must be. Errors are problem
/// details (RFC 9457).
class ControlApi final : public io::posix::HttpHandler {
 public:
  using Status = std::function<boost::json::object()>;
  /// `broker`, if there is one, answers what is BrokerApi's; it outlives this.
  ControlApi(DeadLetters dead_letters, Status status, BrokerApi* broker = nullptr)
      : dead_letters_(std::move(dead_letters)), status_(std::move(status)), broker_(broker) {}

  std::uint64_t body_max(const io::posix::HttpRequest&) const override { return 0; }
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  void handle_letter(const io::posix::HttpRequest& request, std::string_view rest, const io::posix::Respond& respond);

  DeadLetters dead_letters_;
  Status status_;
  BrokerApi* broker_;
};

}  // namespace millrace::api
