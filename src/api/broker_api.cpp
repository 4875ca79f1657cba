#include "api/broker_api.hpp"

#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/parse_query.hpp>
#include <fmt/format.h>

#include "broker/broker.hpp"
#include "component/base64.hpp"
#include "io/posix/http_problem.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using io::posix::problem;
using io::posix::Respond;

constexpr std::string_view metrics_path = "/metrics";
constexpr std::string_view prefix = "/v1/broker/";

HttpResponse ok(const json::value& body) {
  return {200, "application/json", json::serialize(body), {}};
}

HttpResponse refused(const broker::Refusal& refusal) {
  const int status = refusal.code == amqp::ReplyCode::not_found ? 404 : 409;
  return problem(status, status == 404 ? "Not found" : "Conflict", refusal.text);
}

json::object to_json(const std::string& host, const broker::QueueStatus& queue) {
  return {{"vhost", host},
          {"name", queue.name},
          {"ready", queue.ready},
          {"unsettled", queue.unsettled},
          {"consumers", queue.consumers},
          {"published_total", queue.published_total},
          {"settled_total", queue.settled_total}};
}

json::object to_json(const broker::ConnectionStatus& connection) {
  return {{"user", connection.user},           {"vhost", connection.host},
          {"peer", connection.peer},           {"name", connection.name},
          {"channels", connection.channels},   {"consumers", connection.consumers},
          {"unsettled", connection.unsettled}, {"output_waiting", connection.output_waiting},
          {"paused", connection.paused}};
}

/// A label's value in Prometheus' text format.
std::string label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    c == '\n' ? out += "\\n" : out += c;
  }
  return out;
}

std::string metrics(const broker::VirtualHosts& hosts, std::size_t connections) {
  struct Family {
    const char* name;
    const char* type;
    const char* help;
    std::uint64_t (*value)(const broker::QueueStatus&);
  };
  constexpr Family families[] = {
      {"millrace_queue_messages_ready", "gauge", "Messages that wait for a consumer",
       [](const auto& q) { return q.ready; }},
      {"millrace_queue_messages_unsettled", "gauge", "Messages out with consumers",
       [](const auto& q) { return q.unsettled; }},
      {"millrace_queue_consumers", "gauge", "Consumers", [](const auto& q) { return std::uint64_t{q.consumers}; }},
      {"millrace_queue_published_total", "counter", "Messages taken in",
       [](const auto& q) { return q.published_total; }},
      {"millrace_queue_settled_total", "counter", "Messages acknowledged",
       [](const auto& q) { return q.settled_total; }},
  };
  std::string text = fmt::format(
      "# HELP millrace_connections Client connections\n# TYPE millrace_connections gauge\n"
      "millrace_connections {}\n",
      connections);
  for (const auto& family : families) {
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", family.name, family.help, family.type);
    for (const auto& [host, broker] : hosts.all()) {
      for (const auto& queue : broker.get().queues()) {
        text += fmt::format("{}{{vhost=\"{}\",queue=\"{}\"}} {}\n", family.name, label(host), label(queue.name),
                            family.value(queue));
      }
    }
  }
  return text;
}

struct Asked {
  std::string host = "/";
  std::string queue;
  std::size_t count = 10;
};

Result<Asked> read(std::string_view query) {
  Asked asked;
  const auto fields = boost::urls::parse_query(query);
  if (!fields) return Error{Error::Kind::invalid, "the query is malformed"};
  for (const auto& field : *fields) {
    const std::string value = field.value.decode();
    if (field.key == "vhost") asked.host = value;
    if (field.key == "queue") asked.queue = value;
    if (field.key != "count") continue;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), asked.count);
    if (failed != std::errc() || end != value.data() + value.size() || asked.count > 1000) {
      return Error{Error::Kind::invalid, "count is a number up to 1000"};
    }
  }
  return asked;
}

json::object to_json(const broker::Message& message) {
  return {{"exchange", message.exchange},
          {"routing_key", message.routing_key},
          {"body_base64", component::base64_encoded(message.body)}};
}

void purge(broker::Broker& broker, const std::string& queue, const Respond& respond) {
  const auto session = broker.begin_session();
  auto count = std::make_shared<std::uint64_t>(0);
  auto purged = broker.purge_queue(session, queue, [count, respond](const Status& stored) {
    respond(stored ? ok(json::object{{"purged", *count}}) : problem(stored.error()));
  });
  broker.end_session(session, broker::SessionEnd::clean);
  if (!purged) return respond(refused(purged.error()));
  *count = *purged;
}

}  // namespace

bool BrokerApi::takes(const HttpRequest& request) {
  return request.path == metrics_path || request.path.starts_with(prefix);
}

void BrokerApi::handle(HttpRequest request, Respond respond) {
  if (request.path == "/v1/broker/messages" || request.path == "/v1/broker/purge")
    return handle_queue(request, respond);
  if (request.method != "GET") return respond(problem(405, "Method not allowed", "GET is wanted"));
  if (request.path == metrics_path) {
    return respond({200, "text/plain; version=0.0.4", metrics(hosts_, connections_().size()), {}});
  }
  json::array all;
  if (request.path == "/v1/broker/queues") {
    for (const auto& [host, broker] : hosts_.all()) {
      for (const auto& queue : broker.get().queues()) all.push_back(to_json(host, queue));
    }
    return respond(ok(json::object{{"queues", std::move(all)}}));
  }
  if (request.path == "/v1/broker/connections") {
    for (const auto& connection : connections_()) all.push_back(to_json(connection));
    return respond(ok(json::object{{"connections", std::move(all)}}));
  }
  respond(problem(404, "Not found", "there is nothing at " + request.path));
}

void BrokerApi::handle_queue(const HttpRequest& request, const Respond& respond) {
  const auto asked = read(request.query);
  if (!asked) return respond(problem(asked.error()));
  auto* broker = hosts_.find(asked->host);
  if (broker == nullptr) return respond(problem(404, "Not found", "there is no vhost '" + asked->host + "'"));
  if (request.path == "/v1/broker/purge") {
    if (request.method != "POST") return respond(problem(405, "Method not allowed", "POST is wanted"));
    return purge(*broker, asked->queue, respond);
  }
  const auto messages = broker->peek(asked->queue, 0, asked->count);
  if (!messages) return respond(refused(messages.error()));
  json::array all;
  for (const auto& message : *messages) all.push_back(to_json(*message));
  respond(ok(json::object{{"messages", std::move(all)}}));
}

}  // namespace millrace::api
