#include "gateway/gateway.hpp"

#include <algorithm>

#include "amqp/properties.hpp"
#include "component/json_text.hpp"
#include "component/message.hpp"
#include "core/id.hpp"
#include "core/log.hpp"
#include "flow/plan.hpp"
#include "gateway/authentication.hpp"
#include "gateway/body.hpp"

namespace millrace::gateway {
namespace json_text = component::json_text;
using io::posix::HttpRequest;
using io::posix::HttpResponse;

namespace {

HttpResponse problem(int status, std::string_view title, std::string_view detail) {
  return {status,
          "application/problem+json",
          "{\"title\":" + json_text::quoted(title) + ",\"status\":" + std::to_string(status) +
              ",\"detail\":" + json_text::quoted(detail) + "}",
          {}};
}

HttpResponse accepted(const std::string& execution) {
  return {202, "application/json", "{\"execution\":\"" + execution + "\"}", {}};
}

bool is_secret(std::string_view header) {
  return header == "authorization" || header == "cookie" || header == "proxy-authorization" ||
         header == "webhook-signature";
}

std::string headers_json(const HttpRequest& request) {
  std::string out = "{";
  for (const auto& [name, value] : request.headers) {
    if (is_secret(name)) continue;
    if (out.size() > 1) out += ',';
    json_text::append_quoted(out, name);
    out += ':';
    json_text::append_quoted(out, value);
  }
  return out + "}";
}

std::string make_envelope(const std::string& id, const HttpRequest& request, const Body& body) {
  std::string out = "{\"id\":\"" + id + "\",\"body\":" + body.body + ",\"headers\":" + headers_json(request) +
                    ",\"attachments\":" + (body.attachments.empty() ? "{}" : body.attachments) + ",\"method\":";
  json_text::append_quoted(out, request.method);
  out += ",\"path\":";
  json_text::append_quoted(out, request.path);
  return out + ",\"query\":" + form_as_json(request.query) + "}";
}

std::vector<std::string> replying_flows(const std::vector<Route>& routes) {
  std::vector<std::string> flows;
  for (const auto& route : routes) {
    if (route.replies) flows.push_back(route.flow);
  }
  return flows;
}

}  // namespace

Gateway::Gateway(io::Loop& loop, broker::Broker& broker, const std::vector<flow::Flow>& flows, Limits limits)
    : loop_(loop),
      broker_(broker),
      limits_(limits),
      routes_(make_routes(flows)),
      session_(broker.begin_session()),
      replies_(loop, broker, session_, replying_flows(routes_)) {
  for (const auto& flow : flows) {
    for (const auto& step : flow.successors(flow.trigger().id)) {
      first_queues_[flow.name].push_back(flow::names::step_queue(flow.name, step));
    }
  }
}

Gateway::~Gateway() {
  broker_.end_session(session_, broker::SessionEnd::clean);
}

const Route* Gateway::find(std::string_view path, std::string_view method, bool& path_known) const {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  path_known = false;
  for (const auto& route : routes_) {
    if (route.path != path) continue;
    path_known = true;
    if (route.takes(method)) return &route;
  }
  return nullptr;
}

std::string Gateway::allowed(std::string_view path) const {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  std::string methods;
  for (const auto& route : routes_) {
    if (route.path != path) continue;
    for (const auto& method : route.methods) methods += (methods.empty() ? "" : ", ") + method;
  }
  return methods;
}

std::uint64_t Gateway::body_max(const HttpRequest& head) const {
  bool path_known = false;
  const auto* route = find(head.path, head.method, path_known);
  return route == nullptr ? 64u << 10 : route->body_max;
}

Gateway::Execution Gateway::execution_of(const Route& route, const HttpRequest& request) const {
  auto key = request.header("webhook-id");
  if (key.empty()) key = request.header("idempotency-key");
  if (key.empty()) return {random_id(), false};
  return {derived_id({route.flow, route.step, key}), true};
}

bool Gateway::backlogged(const Route& route) {
  return std::ranges::any_of(first_queues_[route.flow], [&](const std::string& name) {
    const auto status = broker_.queue(name);
    return status && status->ready > limits_.backlog_max;
  });
}

broker::MessagePtr Gateway::make_message(const Route& route, const HttpRequest&, const Execution& execution,
                                         std::string envelope, bool wants_reply) const {
  amqp::Properties properties;
  properties.content_type = "application/json";
  properties.delivery_mode = 2;
  if (execution.keyed) properties.message_id = execution.id;
  amqp::FieldTable headers;
  headers.set("messageId", execution.id);
  headers.set("threadId", execution.id);
  headers.set("taskId", route.flow);
  headers.set("stepId", route.step);
  if (wants_reply) headers.set("reply_to", replies_.key());
  properties.headers = std::move(headers);
  auto message = std::make_shared<broker::Message>();
  message->exchange = flow::names::exchange(route.flow);
  message->routing_key = flow::names::output_key(route.step);
  message->properties = amqp::encode_properties(properties);
  message->body = std::move(envelope);
  return message;
}

void Gateway::handle(HttpRequest request, io::posix::Respond respond) {
  if (request.path == "/healthz") return respond({200, "application/json", R"({"status":"ok"})", {}});
  bool path_known = false;
  const auto* route = find(request.path, request.method, path_known);
  if (route == nullptr && path_known) {
    auto response = problem(405, "Method not allowed", "this webhook takes " + allowed(request.path));
    response.headers.emplace_back("Allow", allowed(request.path));
    return respond(std::move(response));
  }
  if (route == nullptr) return respond(problem(404, "Not found", "no flow has a webhook at this path"));
  if (auto known = authenticate(*route, request, loop_.wall_now()); !known) {
    auto response = problem(401, "Unauthorized", known.error().message);
    if (route->auth == Route::Auth::basic) response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"webhook\"");
    if (route->auth == Route::Auth::bearer) response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return respond(std::move(response));
  }
  const auto body = read_body(request);
  if (!body) return respond(problem(400, "Bad request", body.error().message));
  if (backlogged(*route)) {
    auto response = problem(429, "Too many requests", "the flow has a full backlog; try again later");
    response.headers.emplace_back("Retry-After", "10");
    return respond(std::move(response));
  }
  const auto execution = execution_of(*route, request);
  const bool wants_reply = route->replies && !execution.keyed;
  auto envelope = make_envelope(execution.id, request, *body);
  accept(*route, execution, make_message(*route, request, execution, std::move(envelope), wants_reply), wants_reply,
         std::move(respond));
}

void Gateway::accept(const Route& route, const Execution& execution, broker::MessagePtr message, bool wants_reply,
                     io::posix::Respond respond) {
  const auto unavailable = [](const std::string& reason) {
    auto response = problem(503, "Service unavailable", "the message could not be stored: " + reason);
    response.headers.emplace_back("Retry-After", "5");
    return response;
  };
  broker::Batch batch;
  batch.publishes.push_back(std::move(message));
  auto durable = [this, respond, execution, wants_reply, timeout = route.reply_timeout, unavailable](Status stored) {
    if (!stored) return respond(unavailable(stored.error().message));
    ++accepted_total_;
    if (!wants_reply) respond(accepted(execution.id));
  };
  if (wants_reply) {
    // The flow may reply before its message is known to be durable, so waiting begins first.
    replies_.wait(execution.id, route.reply_timeout, respond);
  }
  const auto answer = broker_.commit(session_, std::move(batch), std::move(durable));
  if (!answer) return respond(unavailable(answer.error().text));
  if (!answer->unroutable.empty()) log::error("webhook_unroutable", {{"flow", route.flow}, {"step", route.step}});
}

}  // namespace millrace::gateway
