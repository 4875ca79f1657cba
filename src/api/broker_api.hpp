#pragma once

#include <optional>
#include <string_view>

#include <boost/json/array.hpp>

#include "api/broker_facts.hpp"
#include "broker/virtual_hosts.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// What operators ask of the queues, through DATA/control.sock:
///
///   GET  /v1/broker/queues, exchanges, bindings              of all virtual hosts
///   GET  /v1/broker/connections, channels, consumers
///   GET  /v1/broker/messages?queue=NAME[&vhost=/][&count=10]   the first ready ones, without taking them
///   POST /v1/broker/purge?queue=NAME[&vhost=/]                 drops the ready ones; answered when durable
///   GET  /metrics                                            Prometheus' text format
///
/// A message's body comes as base64, for it may be anything. Errors are problem details (RFC 9457).
class BrokerApi final : public io::posix::HttpHandler {
 public:
  BrokerApi(broker::VirtualHosts hosts, BrokerFacts facts) : hosts_(std::move(hosts)), facts_(std::move(facts)) {}

  /// Whether a request is for this and not for another part of the control socket.
  static bool takes(const io::posix::HttpRequest& request);

  std::uint64_t body_max(const io::posix::HttpRequest&) const override { return 0; }
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  /// Nothing if there is no such kind.
  std::optional<boost::json::array> list(std::string_view kind) const;
  void handle_queue(const io::posix::HttpRequest& request, const io::posix::Respond& respond);

  broker::VirtualHosts hosts_;
  BrokerFacts facts_;
};

}  // namespace millrace::api
