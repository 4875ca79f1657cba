#include "api/broker_api.hpp"

#include <charconv>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/parse_query.hpp>

#include "api/metrics.hpp"
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

json::value to_json(const amqp::FieldTable& table);

json::value to_json(const amqp::FieldValue& field) {
  return std::visit(
      [](const auto& v) -> json::value {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, bool> || std::is_floating_point_v<T>) return v;
        if constexpr (std::is_integral_v<T>) return static_cast<std::int64_t>(v);
        if constexpr (std::is_same_v<T, std::string>) return json::value(v);
        if constexpr (std::is_same_v<T, amqp::FieldTable>) return to_json(v);
        return nullptr;  // no argument is of the other types
      },
      field.value);
}

json::value to_json(const amqp::FieldTable& table) {
  json::object object;
  for (const auto& [name, field] : table.entries()) object[name] = to_json(field);
  return object;
}

json::object to_json(const std::string& host, const broker::QueueStatus& queue, const broker::QueueSpec& spec) {
  return {{"vhost", host},
          {"name", queue.name},
          {"ready", queue.ready},
          {"unsettled", queue.unsettled},
          {"consumers", queue.consumers},
          {"published_total", queue.published_total},
          {"settled_total", queue.settled_total},
          {"durable", spec.durable},
          {"exclusive", spec.exclusive},
          {"auto_delete", spec.auto_delete},
          {"arguments", to_json(spec.arguments)}};
}

json::object to_json(const std::string& host, const broker::ExchangeSpec& exchange) {
  return {{"vhost", host},
          {"name", exchange.name},
          {"type", exchange.type},
          {"durable", exchange.durable},
          {"auto_delete", exchange.auto_delete},
          {"internal", exchange.internal},
          {"arguments", to_json(exchange.arguments)}};
}

json::object to_json(const std::string& host, const broker::BindingSpec& binding) {
  return {{"vhost", host},
          {"source", binding.source},
          {"destination", binding.destination},
          {"destination_kind", binding.to_exchange ? "exchange" : "queue"},
          {"routing_key", binding.key},
          {"arguments", to_json(binding.arguments)}};
}

json::object to_json(const broker::ConnectionStatus& connection) {
  return {{"user", connection.user},
          {"vhost", connection.host},
          {"peer", connection.peer},
          {"name", connection.name},
          {"channels", connection.channels.size()},
          {"consumers", connection.consumers()},
          {"unsettled", connection.unsettled()},
          {"output_waiting", connection.output_waiting},
          {"paused", connection.paused},
          {"tls", connection.tls},
          {"published_total", connection.traffic.published},
          {"delivered_total", connection.traffic.delivered}};
}

json::object to_json(const broker::ConnectionStatus& connection, const broker::ChannelStatus& channel) {
  return {{"peer", connection.peer},
          {"user", connection.user},
          {"vhost", connection.host},
          {"number", channel.number},
          {"mode", channel.mode},
          {"prefetch", channel.prefetch},
          {"consumers", channel.consumers.size()},
          {"unsettled", channel.unsettled},
          {"unconfirmed", channel.unconfirmed}};
}

json::object to_json(const broker::ConnectionStatus& connection, const broker::ChannelStatus& channel,
                     const broker::ConsumerStatus& consumer) {
  return {{"vhost", connection.host},        {"queue", consumer.queue},       {"tag", consumer.tag},
          {"peer", connection.peer},         {"channel", channel.number},     {"acknowledges", consumer.acknowledges},
          {"exclusive", consumer.exclusive}, {"prefetch", consumer.prefetch}, {"unsettled", consumer.unsettled}};
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
  if (request.path == metrics_path) return respond(metrics_answer(hosts_, facts_));
  const auto kind = std::string_view(request.path).substr(prefix.size());
  auto all = list(kind);
  if (!all) return respond(problem(404, "Not found", "there is nothing at " + request.path));
  respond(ok(json::object{{kind, std::move(*all)}}));
}

std::optional<json::array> BrokerApi::list(std::string_view kind) const {
  json::array all;
  if (kind == "connections" || kind == "channels" || kind == "consumers") {
    for (const auto& connection : facts_.connections()) {
      if (kind == "connections") all.push_back(to_json(connection));
      for (const auto& channel : connection.channels) {
        if (kind == "channels") all.push_back(to_json(connection, channel));
        if (kind != "consumers") continue;
        for (const auto& consumer : channel.consumers) all.push_back(to_json(connection, channel, consumer));
      }
    }
    return all;
  }
  if (kind != "queues" && kind != "exchanges" && kind != "bindings") return std::nullopt;
  for (const auto& [host, reference] : hosts_.all()) {
    const auto& broker = reference.get();
    if (kind == "queues") {
      for (const auto& queue : broker.queues()) all.push_back(to_json(host, queue, *broker.queue_spec(queue.name)));
    } else if (kind == "exchanges") {
      for (const auto& exchange : broker.exchanges()) all.push_back(to_json(host, exchange));
    } else {
      for (const auto& binding : broker.bindings()) all.push_back(to_json(host, binding));
    }
  }
  return all;
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
