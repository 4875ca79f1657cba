#include "replay/order.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/json_document.hpp"
#include "core/time/timestamp.hpp"

namespace millrace::replay {
namespace {

namespace json = boost::json;
using history::State;

Error bad(std::string_view name, std::string_view expected) {
  return {Error::Kind::invalid, fmt::format("\"{}\" must be {}", name, expected)};
}

Result<std::int64_t> time_of(const json::value& value, std::string_view name) {
  if (value.is_int64() && value.get_int64() >= 0) return value.get_int64();
  if (value.is_string()) {
    const auto time = parse_timestamp(std::string_view(value.get_string()));
    if (time) return std::int64_t{time->time_since_epoch().count()};
  }
  return bad(name, "a time: ms since the Unix epoch, or such as 2026-01-31T12:00:00Z");
}

/// Takes the members of an order one by one.
class Reading {
 public:
  Result<Order> read(const json::object& from) {
    for (const auto& [name, value] : from) {
      if (auto done = take(name, value); !done) return done.error();
    }
    const auto& what = order_.what;
    if (what.query.flow.empty() && what.execution.empty()) {
      return Error{Error::Kind::invalid, "say which: \"flow\", or \"execution\""};
    }
    if (!what.message.empty() && what.execution.empty()) {
      return Error{Error::Kind::invalid, "\"message\" is one of an \"execution\""};
    }
    return order_;
  }

 private:
  Status take(std::string_view name, const json::value& value) {
    auto& what = order_.what;
    if (name == "flow") return text(name, value, what.query.flow);
    if (name == "execution") return text(name, value, what.execution);
    if (name == "message") return text(name, value, what.message);
    if (name == "step") return text(name, value, what.step);
    if (name == "error") return text(name, value, what.query.error);
    if (name == "failed_step") return text(name, value, what.query.step);
    if (name == "of_version") return number(name, value, what.query.version);
    if (name == "state") return state(value);
    if (name == "since") return time(name, value, what.query.since);
    if (name == "until") return time(name, value, what.query.until);
    if (name == "version") return version(value);
    if (name == "rate") return rate(value);
    if (name == "with_redacted") return flag(name, value, order_.with_redacted);
    if (name == "body") {
      order_.body = json::serialize(value);
      return Done{};
    }
    return Error{
        Error::Kind::invalid,
        fmt::format("there is no \"{}\" here (known: flow, execution, message, step, state, failed_step, error, "
                    "of_version, since, until, version, rate, body, with_redacted, dry_run)",
                    name)};
  }

  static Status text(std::string_view name, const json::value& value, std::string& into) {
    if (!value.is_string() || value.get_string().empty()) return bad(name, "text");
    into = std::string(value.get_string());
    return Done{};
  }
  static Status number(std::string_view name, const json::value& value, std::int64_t& into) {
    if (!value.is_int64() || value.get_int64() < 1) return bad(name, "a number from 1");
    into = value.get_int64();
    return Done{};
  }
  static Status flag(std::string_view name, const json::value& value, bool& into) {
    if (!value.is_bool()) return bad(name, "true or false");
    into = value.get_bool();
    return Done{};
  }
  static Status time(std::string_view name, const json::value& value, std::int64_t& into) {
    const auto at = time_of(value, name);
    if (!at) return at.error();
    into = *at;
    return Done{};
  }
  Status state(const json::value& value) {
    const auto known =
        value.is_string() ? history::state_of(std::string_view(value.get_string())) : std::optional<State>();
    if (!known) return bad("state", "running, done, failed or incomplete");
    order_.what.query.states = {*known};
    return Done{};
  }
  Status version(const json::value& value) {
    if (value.is_int64() && value.get_int64() >= 1) {
      order_.version = Order::Version::numbered;
      order_.number = value.get_int64();
      return Done{};
    }
    const bool original = value.is_string() && value.get_string() == "original";
    if (!original && !(value.is_string() && value.get_string() == "current")) {
      return bad("version", "\"current\", \"original\" or the number of one");
    }
    order_.version = original ? Order::Version::original : Order::Version::current;
    return Done{};
  }
  Status rate(const json::value& value) {
    boost::system::error_code failed;
    order_.rate = value.to_number<double>(failed);
    if (failed || order_.rate <= 0 || order_.rate > 1e6) return bad("rate", "a number of messages a second, over 0");
    return Done{};
  }

  Order order_;
};

void put(json::object& to, const char* name, const std::string& value) {
  if (!value.empty()) to[name] = value;
}

}  // namespace

json::object Order::to_json() const {
  json::object out;
  put(out, "flow", what.query.flow);
  put(out, "execution", what.execution);
  put(out, "message", what.message);
  put(out, "step", what.step);
  put(out, "failed_step", what.query.step);
  put(out, "error", what.query.error);
  if (!what.query.states.empty()) out["state"] = to_string(what.query.states.front());
  if (what.query.version != 0) out["of_version"] = what.query.version;
  if (what.query.since != 0) out["since"] = what.query.since;
  if (what.query.until != 0) out["until"] = what.query.until;
  if (version == Version::original) out["version"] = "original";
  if (version == Version::current) out["version"] = "current";
  if (version == Version::numbered) out["version"] = number;
  if (rate > 0) out["rate"] = rate;
  if (!body.empty()) out["body"] = component::document_or_text(body);
  if (with_redacted) out["with_redacted"] = true;
  return out;
}

Result<Order> Order::from_json(const json::object& from) {
  return Reading().read(from);
}

}  // namespace millrace::replay
