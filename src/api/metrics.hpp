#pragma once

#include <string>

#include "api/broker_facts.hpp"
#include "broker/virtual_hosts.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// What a broker is doing, in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/);
/// docs/broker.md lists the names.
std::string metrics_text(const broker::VirtualHosts& hosts, const BrokerFacts& facts);
/// The same as an answer to GET /metrics.
io::posix::HttpResponse metrics_answer(const broker::VirtualHosts& hosts, const BrokerFacts& facts);

/// A door for Prometheus alone: GET /metrics.
class MetricsApi final : public io::posix::HttpHandler {
 public:
  MetricsApi(broker::VirtualHosts hosts, BrokerFacts facts) : hosts_(std::move(hosts)), facts_(std::move(facts)) {}

  std::uint64_t body_max(const io::posix::HttpRequest&) const override { return 0; }
  void handle(io::posix::HttpRequest request, io::posix::Respond respond) override;

 private:
  broker::VirtualHosts hosts_;
  BrokerFacts facts_;
};

}  // namespace millrace::api
