#include "gateway/gateway.hpp"

#include <algorithm>

#include <boost/url/pct_string_view.hpp>
#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "component/json_text.hpp"
#include "component/message.hpp"
#include "component/origin.hpp"
#include "core/log.hpp"
#include "gateway/authentication.hpp"
#include "gateway/body.hpp"
#include "gateway/call_trace.hpp"
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
std::string headers_json(const HttpRequest& request, const Guard& guard) {
  std::vector<std::pair<std::string_view, std::string>> merged;
  for (const auto& [name, value] : request.headers) {
    if (is_secret(name) || name == guard.header) continue;
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

HttpResponse unauthorized(const Guard& guard, const std::string& why) {
  auto response = problem(401, "Unauthorized", why);
  if (guard.auth == Guard::Auth::basic) response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"webhook\"");
  if (guard.auth == Guard::Auth::bearer) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

/// Nobody is let in while it cannot be told who may be.
HttpResponse unguarded(const Route& route) {
  auto response = problem(503, "Service unavailable",
                          fmt::format("the credential {} of the flow {} is not there", route.credential, route.flow));
  response.headers.emplace_back("Retry-After", "60");
  return response;
}

/// A query without one of its parameters.
std::string without_parameter(std::string_view query, std::string_view name) {
  if (name.empty()) return std::string(query);
  std::string kept;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto decoded = boost::urls::make_pct_string_view(pair.substr(0, pair.find('=')));
    if (decoded && decoded->decode() == name) continue;
    kept.append(kept.empty() ? "" : "&").append(pair);
  }
  return kept;
}

template <class Served>
const Served* taker(const std::vector<const Served*>& here, std::string_view method) {
  const auto found = std::ranges::find_if(here, [&](const Served* served) { return served->route.takes(method); });
  return found == here.end() ? nullptr : *found;
}

template <class Served>
std::string allowed(const std::vector<const Served*>& here) {
  std::string methods;
  for (const auto* served : here) methods += fmt::format("{}, ", fmt::join(served->route.methods, ", "));
  return methods + "OPTIONS";
}

/// What the message has of the request: all but what the caller has shown to be let in.
std::string make_envelope(const std::string& id, const HttpRequest& request, const Body& body, const Guard& guard) {
  std::string out = "{\"id\":\"" + id + "\",\"body\":" + body.body + ",\"headers\":" + headers_json(request, guard) +
                    ",\"attachments\":" + (body.attachments.empty() ? "{}" : body.attachments) + ",\"method\":";
  json_text::append_quoted(out, request.method);
  out += ",\"path\":";
  json_text::append_quoted(out, request.path);
  return out + ",\"query\":" + form_as_json(without_parameter(request.query, guard.query)) + "}";
}

}  // namespace

Gateway::Gateway(io::Loop& loop, broker::Queues& broker, Limits limits, Logins logins,
                 std::function<std::string()> new_id)
    : loop_(loop),
      broker_(broker),
      limits_(limits),
      logins_(std::move(logins)),
      new_id_(std::move(new_id)),
      session_(broker.begin_session()),
      replies_(loop, broker, session_) {}

Gateway::~Gateway() {
  broker_.end_session(session_, broker::SessionEnd::clean);
}

Status Gateway::serve(Route route, bool open) {
  withdraw(route.flow);
  for (const auto* other : at(route.path)) {
    const auto shared = std::ranges::find_if(route.methods, [&](const auto& one) { return other->route.takes(one); });
    if (shared == route.methods.end()) continue;
    if (other->open || !open) {
      return Error{Error::Kind::conflict,
                   fmt::format("{} /{} is already the webhook of the flow {}", *shared, route.path, other->route.flow)};
    }
    const auto gives_way = other->route.flow;
    withdraw(gives_way);
  }
  if (route.replies) replies_.listen(route.exchange);
  auto name = route.flow;
  auto& served = served_[std::move(name)];
  served = {std::move(route), open};
  addresses_[served.route.path].push_back(&served);
  return Done{};
}

void Gateway::withdraw(const std::string& flow) {
  const auto known = served_.find(flow);
  if (known == served_.end()) return;
  const auto here = addresses_.find(known->second.route.path);
  std::erase(here->second, &known->second);
  if (here->second.empty()) addresses_.erase(here);
  served_.erase(known);
}

const Route* Gateway::route(const std::string& flow) const {
  const auto known = served_.find(flow);
  return known == served_.end() ? nullptr : &known->second.route;
}

std::optional<Guard> Gateway::guard(const Route& route) const {
  if (route.credential.empty()) return route.guard;
  const auto login = logins_ ? logins_(route.credential) : std::nullopt;
  if (!login) return std::nullopt;
  return guard_of(*login, route.guard.tolerance);
}

std::vector<const Gateway::Served*> Gateway::at(std::string_view path) const {
  const auto here = addresses_.find(normal_path(path));
  if (here == addresses_.end()) return {};
  return {here->second.begin(), here->second.end()};
}

std::uint64_t Gateway::body_max(const HttpRequest& head) const {
  const auto* served = taker(at(head.path), head.method);
  return served == nullptr ? 64u << 10 : served->route.body_max;
}

Gateway::Execution Gateway::execution_of(const Route& route, const HttpRequest& request) const {
  auto key = request.header("webhook-id");
  if (key.empty()) key = request.header("idempotency-key");
  if (key.empty()) return {new_id_(), false};
  return {derived_id({route.flow, key}), true};
}

bool Gateway::backlogged(const Route& route) const {
  return std::ranges::any_of(route.first_queues, [&](const std::string& name) {
    const auto status = broker_.queue(name);
    return status && status->ready > limits_.backlog_max;
  });
}

broker::MessagePtr Gateway::make_message(const Route& route, const Execution& execution, const tracing::Context& trace,
                                         std::string envelope) const {
  const auto traceparent = trace.traceparent();
  component::Origin origin;
  origin.message = origin.execution = execution.id;
  origin.flow = route.flow;
  origin.step = route.step;
  if (route.replies) origin.reply_to = replies_.key();
  origin.traceparent = traceparent;
  origin.tracestate = trace.state;
  origin.keyed = execution.keyed;
  origin.at = loop_.wall_now();
  auto message = std::make_shared<broker::Message>();
  message->exchange = route.exchange;
  message->routing_key = route.key;
  message->properties = amqp::encode_properties(component::properties_of(origin));
  message->body = std::move(envelope);
  return message;
}

void Gateway::handle(HttpRequest request, io::posix::Respond respond) {
  if (request.path == "/healthz") return respond({200, "application/json", R"({"status":"ok"})", {}});
  const auto here = at(request.path);
  const auto* taken_by = taker(here, request.method);
  if (taken_by == nullptr && request.method == "OPTIONS" && (request.path == "*" || !here.empty())) {
    return respond({204, {}, {}, {{"Allow", here.empty() ? "POST, OPTIONS" : allowed(here)}}});
  }
  if (here.empty()) return respond(problem(404, "Not found", "no flow has a webhook at this path"));
  if (taken_by == nullptr) {
    auto response = problem(405, "Method not allowed", "this webhook takes " + allowed(here));
    response.headers.emplace_back("Allow", allowed(here));
    return respond(std::move(response));
  }
  const auto* route = &taken_by->route;
  if (const auto name = repeated_header(request); !name.empty()) {
    return respond(problem(400, "Bad request", fmt::format("the header {} comes twice", name)));
  }
  const auto guard = this->guard(*route);
  if (!guard) return respond(unguarded(*route));
  if (auto known = authenticate(*guard, request, loop_.wall_now()); !known) {
    return respond(unauthorized(*guard, known.error().message));
  }
  if (!taken_by->open) {
    auto response = problem(503, "Service unavailable", fmt::format("the flow {} is stopped", route->flow));
    response.headers.emplace_back("Retry-After", "60");
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
  auto trace = trace_of(request);
  if (tracer_ != nullptr) {
    auto active = tracer_->begin(trace);
    trace = active.context;
    respond = traced(*tracer_, std::move(active), *route, request, execution.id, std::move(respond));
  }
  accept(*route, execution, make_message(*route, execution, trace, make_envelope(execution.id, request, *body, *guard)),
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
  batch.publishes.push_back(message);
  const auto repeated = std::make_shared<bool>(false);
  auto durable = [this, respond, execution, repeated, message = std::move(message), replies = route.replies,
                  unavailable](Status stored) {
    if (!stored) return respond(unavailable(stored.error().message));
    if (!*repeated) ++accepted_total_;
    if (!*repeated && began_) {
      const std::shared_ptr<const std::string> envelope(message, &message->body);
      began_({message->exchange, execution.id, execution.id, envelope, "webhook"});
    }
    if (!replies || *repeated) respond(accepted(execution.id));
  };
  const auto answer = broker_.commit(session_, std::move(batch), std::move(durable));
  if (!answer) return respond(unavailable(answer.error().text));
  if (!answer->unroutable.empty()) log::error("webhook_unroutable", {{"flow", route.flow}, {"step", route.step}});
  *repeated = !answer->repeated.empty();
  if (route.replies && !*repeated) replies_.wait(execution.id, route.reply_timeout, std::move(respond));
}

}  // namespace millrace::gateway
