#include "gateway/route.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "flow/plan.hpp"

namespace millrace::gateway {
namespace {

std::string text(const boost::json::object& config, std::string_view name) {
  const auto* value = config.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number(const boost::json::object& config, std::string_view name, std::int64_t otherwise) {
  const auto* value = config.if_contains(name);
  return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : otherwise;
}

/// From `auth` and the fields that go with it.
Guard configured_guard(const boost::json::object& config) {
  Guard guard;
  guard.tolerance = std::chrono::milliseconds(number(config, "tolerance", 300'000));
  const auto auth = text(config, "auth");
  if (auth == "basic") {
    guard.auth = Guard::Auth::basic;
    guard.username = text(config, "username");
    guard.secret = text(config, "password");
  } else if (auth == "bearer") {
    guard.auth = Guard::Auth::bearer;
    guard.secret = text(config, "token");
  } else if (auth == "hmac") {
    guard.auth = Guard::Auth::hmac;
    guard.secret = text(config, "secret");
  }
  return guard;
}

}  // namespace

bool Route::takes(std::string_view method) const {
  return std::ranges::find(methods, method) != methods.end();
}

std::string normal_path(std::string_view path) {
  std::string plain;
  for (std::size_t i = 0; i < path.size(); ++i) {
    unsigned int byte = 0;
    const char* digits = path.data() + i + 1;
    const bool escaped = path[i] == '%' && i + 2 < path.size() && std::isxdigit(static_cast<unsigned char>(*digits)) &&
                         std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    // "%2F" is not a slash between segments: it stays as it is, like a "%" that escapes nothing.
    if (!escaped || byte == '/') {
      plain += path[i];
    } else {
      plain += static_cast<char>(byte);
      i += 2;
    }
  }
  plain.erase(0, plain.find_first_not_of('/'));
  while (plain.ends_with('/')) plain.pop_back();
  return plain;
}

std::optional<Route> make_route(const flow::Flow& flow, std::int64_t version) {
  const auto& trigger = flow.trigger();
  if (trigger.kind != component::Descriptor::Kind::webhook_trigger) return std::nullopt;
  const auto& config = trigger.config;
  Route route;
  route.flow = flow.name;
  route.step = trigger.id;
  route.exchange = flow::names::exchange(flow.name, version);
  route.key = flow::names::first_key(trigger);
  const auto first = trigger.has_worker ? std::vector<std::string>{trigger.id} : flow.successors(trigger.id);
  for (const auto& step : first) {
    route.first_queues.push_back(flow::names::step_queue(flow.name, version, step));
  }
  route.path = normal_path(text(config, "path"));
  if (const auto* methods = config.if_contains("methods"); methods != nullptr && methods->is_array()) {
    for (const auto& method : methods->get_array()) route.methods.emplace_back(method.get_string());
  } else {
    route.methods = {"POST"};
  }
  route.body_max = static_cast<std::uint64_t>(number(config, "body_max", 10'000'000));
  route.guard = configured_guard(config);
  // That of a trigger with a program of its own is what its program logs in with.
  if (!trigger.has_worker) route.credential = trigger.credential;
  route.reply_timeout = std::chrono::milliseconds(number(config, "reply_timeout", 30'000));
  route.replies = std::ranges::any_of(flow.steps, [](const flow::Step& step) { return step.function == "http.reply"; });
  if (const auto* waits = config.if_contains("wait_for_reply")) route.replies = waits->is_bool() && waits->get_bool();
  return route;
}

}  // namespace millrace::gateway
