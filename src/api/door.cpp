#include "api/door.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/url/params_view.hpp>
#include <boost/url/parse_query.hpp>
#include <boost/url/pct_string_view.hpp>
#include <fmt/format.h>

#include "component/json_document.hpp"
#include "component/json_text.hpp"
#include "core/id.hpp"
#include "core/log.hpp"
#include "io/posix/http_problem.hpp"
#include "store/answers.hpp"
#include "store/tokens.hpp"

namespace millrace::api {
namespace {

using io::posix::HttpRequest;
using io::posix::HttpResponse;
using io::posix::problem;
using io::posix::Respond;

constexpr std::size_t key_size_max = 255;

std::int64_t milliseconds(io::WallTime time) {
  return time.time_since_epoch().count();
}

bool is_placeholder(std::string_view segment) {
  return segment.starts_with('{');
}

std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const auto segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

/// Whether a path fits a pattern; then `values` has what stands at the placeholders.
bool fits(std::string_view pattern, std::string_view path, std::vector<std::string>& values) {
  values.clear();
  while (pattern.starts_with('/') && path.starts_with('/')) {
    const auto wanted = take_segment(pattern);
    const auto segment = take_segment(path);
    if (!is_placeholder(wanted)) {
      if (wanted != segment) return false;
      continue;
    }
    const auto decoded = boost::urls::make_pct_string_view(segment);
    if (!decoded || segment.empty()) return false;
    values.push_back(decoded->decode());
  }
  return pattern.empty() && path.empty();
}

std::string media_type_of(const HttpRequest& request) {
  auto type = std::string(request.header("content-type"));
  type.erase(std::min(type.find(';'), type.size()));
  while (type.ends_with(' ')) type.pop_back();
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

bool takes(Operation::Body body, const std::string& type) {
  switch (body) {
    case Operation::Body::none:
      return true;
    case Operation::Body::json:
      return type == "application/json";
    case Operation::Body::flow_document:
      return type == "application/yaml" || type == "application/json" || type == "text/yaml" ||
             type == "application/x-yaml";
  }
  return false;
}

Status read_query(const Operation& operation, Call& call) {
  const auto parsed = boost::urls::parse_query(call.request.query);
  if (!parsed) return Error{Error::Kind::invalid, "the query is malformed"};
  for (const auto& parameter : boost::urls::params_view(*parsed)) {
    if (std::ranges::find(operation.query, parameter.key) == operation.query.end()) {
      return Error{Error::Kind::invalid, fmt::format("there is no parameter {} here", parameter.key)};
    }
    call.query[parameter.key] = parameter.value;
  }
  return Done{};
}

Status read_body(Call& call) {
  auto body = component::parse_document(call.request.body);
  if (!body) return Error{Error::Kind::invalid, "the body is " + body.error().message};
  if (!body->is_object()) return Error{Error::Kind::invalid, "the body must be a JSON object"};
  call.body = std::move(body->as_object());
  return Done{};
}

HttpResponse unauthorized(const std::string& detail) {
  auto response = problem(401, "Unauthorized", detail);
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

/// The token's text of an Authorization header (RFC 6750 §2.1); empty if there is none.
std::string bearer_token(const HttpRequest& request) {
  constexpr std::string_view scheme = "bearer ";
  auto header = request.header("authorization");
  if (header.size() <= scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(header[i])) != scheme[i]) return {};
  }
  header.remove_prefix(scheme.size());
  return std::string(header);
}

Caller caller_of(const store::Token& token) {
  Caller caller{"token " + token.name, {}};
  for (const auto& text : token.scopes) {
    if (const auto scope = scope_of(text)) caller.scopes.push_back(*scope);
  }
  return caller;
}

Scope scope_of_broker(const HttpRequest& request) {
  return request.method == "GET" && request.path != "/v1/broker/messages" ? Scope::flows_read : Scope::operate;
}

HttpResponse forbidden(Scope scope) {
  return problem(403, "Forbidden", fmt::format("this needs a token with the scope {}", to_string(scope)));
}

}  // namespace

Door::Match Door::match(const HttpRequest& request) const {
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  Match found;
  // Of the patterns that a path fits, the one that says most of it literally is meant (OpenAPI 3.1 §4.8.8).
  std::size_t placeholders = std::numeric_limits<std::size_t>::max();
  for (const auto& operation : parts_.operations) {
    std::vector<std::string> values;
    if (!fits(operation.path, request.path, values) || values.size() > placeholders) continue;
    if (values.size() < std::exchange(placeholders, values.size())) found = {};
    found.allowed += (found.allowed.empty() ? "" : ", ") + std::string(operation.method);
    if (operation.method != method) continue;
    found.operation = &operation;
    found.path = std::move(values);
  }
  return found;
}

std::uint64_t Door::body_max(const HttpRequest& head) const {
  constexpr std::uint64_t of_others = 64u << 10;
  const auto found = match(head);
  return found.operation == nullptr ? of_others : found.operation->body_max;
}

void Door::handle(HttpRequest request, Respond respond) {
  if (request.path == "/healthz") return respond({200, "application/json", R"({"status":"ok"})", {}});
  if (request.path == "/readyz") {
    if (parts_.ready()) return respond({200, "application/json", R"({"status":"ready"})", {}});
    return respond(problem(503, "Service unavailable", "the platform starts or stops"));
  }
  if (access_ == Access::local) return admit(std::move(request), {"local", {Scope::admin}}, respond);
  const auto text = bearer_token(request);
  if (text.empty()) return respond(unauthorized("send a token as Authorization: Bearer"));
  const auto now = milliseconds(parts_.loop.wall_now());
  parts_.store.run<store::Token>(
      [text, now](store::Database& database) { return store::Tokens(database).find(text, now); },
      [this, request = std::move(request), respond](const Result<store::Token>& token) mutable {
        if (token) return admit(std::move(request), caller_of(*token), respond);
        const bool refused = token.error().kind == Error::Kind::permission;
        respond(refused ? unauthorized(token.error().message) : problem(token.error()));
      });
}

void Door::admit(HttpRequest request, Caller caller, const Respond& respond) {
  if (BrokerApi::takes(request)) {
    const auto scope = scope_of_broker(request);
    if (!caller.may(scope)) return respond(forbidden(scope));
    return parts_.broker.handle(std::move(request), respond);
  }
  const auto found = match(request);
  if (found.allowed.empty()) return respond(problem(404, "Not found", "there is nothing at " + request.path));
  if (found.operation == nullptr) {
    auto response = problem(405, "Method not allowed", fmt::format("{} takes {}", request.path, found.allowed));
    response.headers.emplace_back("Allow", found.allowed);
    return respond(std::move(response));
  }
  if (!caller.may(found.operation->scope)) return respond(forbidden(found.operation->scope));
  prepare(found, {std::move(request), found.path, {}, {}, std::move(caller), respond});
}

void Door::prepare(const Match& match, Call call) {
  const auto& operation = *match.operation;
  if (auto read = read_query(operation, call); !read) return call.respond(problem(read.error()));
  if (!call.request.body.empty() && !takes(operation.body, media_type_of(call.request))) {
    const bool json = operation.body == Operation::Body::json;
    return call.respond(
        problem(415, "Unsupported media type",
                json ? "application/json is wanted" : "application/yaml or application/json is wanted"));
  }
  if (operation.body == Operation::Body::json && !call.request.body.empty()) {
    if (auto read = read_body(call); !read) return call.respond(problem(read.error()));
  }
  if (operation.method == "POST" && !call.request.header("idempotency-key").empty()) {
    return once(operation, std::move(call));
  }
  operation.handle(std::move(call));
}

void Door::once(const Operation& operation, Call call) {
  const auto key = std::string(call.request.header("idempotency-key"));
  if (key.size() > key_size_max) {
    return call.respond(problem(400, "Bad request", "an Idempotency-Key may have 255 characters"));
  }
  const auto who = call.caller.who;
  const auto digest = derived_id({call.request.method, call.request.path, call.request.query, call.request.body});
  const auto now = milliseconds(parts_.loop.wall_now());
  if (operation.keeps_answer) {
    call.respond = [this, who, key, digest, now, answer = call.respond](HttpResponse response) {
      if (response.status >= 500) return answer(std::move(response));
      const store::KeptAnswer kept{digest, response.status, response.body};
      parts_.store.run<Done>(
          [=](store::Database& database) { return store::Answers(database).keep(who, key, kept, now); },
          [answer, response](const Status& done) {
            if (!done) log::error("an answer could not be kept", {{"reason", done.error().message}});
            answer(response);
          });
    };
  }
  using Kept = std::optional<store::KeptAnswer>;
  auto shared = std::make_shared<Call>(std::move(call));
  parts_.store.run<Kept>(
      [who, key, now](store::Database& database) { return store::Answers(database).find(who, key, now); },
      [handle = operation.handle, shared, digest](const Result<Kept>& kept) {
        if (!kept) return shared->respond(problem(kept.error()));
        if (!*kept) return handle(std::move(*shared));
        if ((*kept)->request != digest) {
          return shared->respond(
              problem(422, "Unprocessable content", "this Idempotency-Key came with another request before"));
        }
        const bool failed = (*kept)->status >= 400;
        HttpResponse response{(*kept)->status,
                              failed ? "application/problem+json" : "application/json",
                              (*kept)->body,
                              {{"Idempotency-Replayed", "true"}}};
        shared->respond(std::move(response));
      });
}

}  // namespace millrace::api
