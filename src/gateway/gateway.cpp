#include "gateway/gateway.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "component/json_text.hpp"
#include "component/message.hpp"
#include "core/log.hpp"
#include "flow/plan.hpp"
#include "gateway/authentication.hpp"
#include "gateway/body.hpp"
#include "gateway/form.hpp"
#include "io/posix/http_problem.hpp"

namespace millrace::gateway {
namespace json_text = component::json_text;
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using io::posix::problem;

namespace {

HttpResponse accepted(const std::string& execution) {
  return {202, "application/json", "{\"execution\":\"" + execution + "\"}", {}};
}

bool is_secret(std::string_view header) {
  return header == "authorization" || header == "cookie" || header == "proxy-authorization" ||
         header == "webhook-signature";
}

/// Names in the order of their first mention; the values of one name as one list (RFC 9110 §5.3).
std::string headers_json(const HttpRequest& request) {
  std::vector<std::pair<std::string_view, std::string>> merged;
  for (const auto& [name, value] : request.headers) {
    if (is_secret(name)) continue;
    const auto known = std::ranges::find(merged, name, &std::pair<std::string_view, std::string>::first);
    if (known == merged.end()) {
      merged.emplace_back(name, value);
    } else {
      known->second.append(", ").append(value);
    }
  }
  std::string out = "{";
  for (const auto& [name, value] : merged) {
    if (out.size() > 1) out += ',';
    json_text::append_quoted(out, name);
    out += ':';
    json_text::append_quoted(out, value);
  }
  return out + "}";
}

/// A header that decides what is done with the request, and stands there more than once; empty if none does.
std::string_view repeated_header(const HttpRequest& request) {
  for (const std::string_view name : {"content-type", "content-encoding", "authorization", "idempotency-key",
                                      "webhook-id", "webhook-timestamp", "webhook-signature"}) {
    const auto is_it = [&](const auto& header) { return header.first == name; };
    if (std::ranges::count_if(request.headers, is_it) > 1) return name;
  }
  return {};
}

const Route* taker(const std::vector<const Route*>& routes, std::string_view method) {
  const auto found = std::ranges::find_if(routes, [&](const Route* route) { return route->takes(method); });
  return found == routes.end() ? nullptr : *found;
}

std::string allowed(const std::vector<const Route*>& routes) {
  std::string methods;
  for (const auto* route : routes) methods += fmt::format("{}, ", fmt::join(route->methods, ", "));
  return methods + "OPTIONS";
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

Gateway::Gateway(io::Loop& loop, broker::Broker& broker, const std::vector<flow::Flow>& flows, Limits limits,
                 std::function<std::string()> new_id)
    : loop_(loop),
      broker_(broker),
      limits_(limits),
      new_id_(std::move(new_id)),
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

std::vector<const Route*> Gateway::at(std::string_view path) const {
  std::vector<const Route*> found;
  const auto wanted = normal_path(path);
  for (const auto& route : routes_) {
    if (route.path == wanted) found.push_back(&route);
  }
  return found;
}

std::uint64_t Gateway::body_max(const HttpRequest& head) const {
  const auto* route = taker(at(head.path), head.method);
  return route == nullptr ? 64u << 10 : route->body_max;
}

Gateway::Execution Gateway::execution_of(const Route& route, const HttpRequest& request) const {
  auto key = request.header("webhook-id");
  if (key.empty()) key = request.header("idempotency-key");
  if (key.empty()) return {new_id_(), false};
  return {derived_id({route.flow, route.step, key}), true};
}

bool Gateway::backlogged(const Route& route) {
  return std::ranges::any_of(first_queues_[route.flow], [&](const std::string& name) {
    const auto status = broker_.queue(name);
    return status && status->ready > limits_.backlog_max;
  });
}

broker::MessagePtr Gateway::make_message(const Route& route, const Execution& execution, std::string envelope) const {
  amqp::Properties properties;
  properties.content_type = "application/json";
  properties.delivery_mode = 2;
  if (execution.keyed) properties.message_id = execution.id;
  amqp::FieldTable headers;
  headers.set("messageId", execution.id);
  headers.set("threadId", execution.id);
  headers.set("taskId", route.flow);
  headers.set("stepId", route.step);
  if (route.replies) headers.set("reply_to", replies_.key());
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
  const auto here = at(request.path);
  const auto* route = taker(here, request.method);
  if (route == nullptr && request.method == "OPTIONS" && (request.path == "*" || !here.empty())) {
    return respond({204, {}, {}, {{"Allow", here.empty() ? "POST, OPTIONS" : allowed(here)}}});
  }
  if (here.empty()) return respond(problem(404, "Not found", "no flow has a webhook at this path"));
  if (route == nullptr) {
    auto response = problem(405, "Method not allowed", "this webhook takes " + allowed(here));
    response.headers.emplace_back("Allow", allowed(here));
    return respond(std::move(response));
  }
  if (const auto name = repeated_header(request); !name.empty()) {
    return respond(problem(400, "Bad request", fmt::format("the header {} comes twice", name)));
  }
  if (auto known = authenticate(*route, request, loop_.wall_now()); !known) {
    auto response = problem(401, "Unauthorized", known.error().message);
    if (route->auth == Route::Auth::basic) response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"webhook\"");
    if (route->auth == Route::Auth::bearer) response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return respond(std::move(response));
  }
  const auto body = read_body(request);
  if (!body && body.error().kind == Error::Kind::unsupported) {
    return respond(problem(415, "Unsupported media type", body.error().message));
  }
  if (!body) return respond(problem(400, "Bad request", body.error().message));
  if (backlogged(*route)) {
    auto response = problem(429, "Too many requests", "the flow has a full backlog; try again later");
    response.headers.emplace_back("Retry-After", "10");
    return respond(std::move(response));
  }
  const auto execution = execution_of(*route, request);
  accept(*route, execution, make_message(*route, execution, make_envelope(execution.id, request, *body)),
         std::move(respond));
}

void Gateway::accept(const Route& route, const Execution& execution, broker::MessagePtr message,
                     io::posix::Respond respond) {
  // A repeat of what is still waited for: both callers get the reply.
  if (execution.keyed && replies_.join(execution.id, respond)) return;
  const auto unavailable = [](const std::string& reason) {
    auto response = problem(503, "Service unavailable", "the message could not be stored: " + reason);
    response.headers.emplace_back("Retry-After", "5");
    return response;
  };
  broker::Batch batch;
  batch.publishes.push_back(std::move(message));
  const auto repeated = std::make_shared<bool>(false);
  auto durable = [this, respond, execution, repeated, replies = route.replies, unavailable](Status stored) {
    if (!stored) return respond(unavailable(stored.error().message));
    if (!*repeated) ++accepted_total_;
    if (!replies || *repeated) respond(accepted(execution.id));
  };
  const auto answer = broker_.commit(session_, std::move(batch), std::move(durable));
  if (!answer) return respond(unavailable(answer.error().text));
  if (!answer->unroutable.empty()) log::error("webhook_unroutable", {{"flow", route.flow}, {"step", route.step}});
  *repeated = !answer->repeated.empty();
  if (route.replies && !*repeated) replies_.wait(execution.id, route.reply_timeout, std::move(respond));
}

}  // namespace millrace::gateway
