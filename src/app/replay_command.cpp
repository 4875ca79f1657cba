#include "app/replay_command.hpp"

#include <charconv>
#include <chrono>
#include <thread>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/time_argument.hpp"
#include "component/json_document.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds looking_interval{200};

/// A number where it is one, for the API tells 3 from "3".
json::value number_or_text(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size() ? json::value(number) : json::value(text);
}

Result<json::object> order_of(const ReplayOptions& options) {
  json::object order;
  const auto put = [&](const char* name, const std::string& text) {
    if (!text.empty()) order[name] = text;
  };
  const auto& which = options.which;
  put("execution", which.id);
  put("flow", which.flow);
  put("state", which.state);
  put("failed_step", which.step);
  put("error", which.error);
  put("message", options.message);
  put("step", options.from);
  if (!which.version.empty()) order["of_version"] = number_or_text(which.version);
  if (!options.on.empty()) order["version"] = number_or_text(options.on);
  for (const auto& [name, text] : {std::pair("since", which.since), std::pair("until", which.until)}) {
    if (text.empty()) continue;
    const auto time = time_argument(text, std::string("--") + name);
    if (!time) return time.error();
    order[name] = *time;
  }
  if (options.rate > 0) order["rate"] = options.rate;
  if (options.dry_run) order["dry_run"] = true;
  if (options.with_redacted) order["with_redacted"] = true;
  if (!options.body.empty()) {
    auto edited = component::parse_document(options.body);
    if (!edited) return Error{Error::Kind::invalid, "--body is " + edited.error().message};
    order["body"] = std::move(*edited);
  }
  return order;
}

std::string line_of(const json::object& replay) {
  auto line = fmt::format("replay {}  {}  sent {}  skipped {}", cell(replay, "id"), cell(replay, "state"),
                          cell(replay, "sent"), cell(replay, "skipped"));
  if (const auto reason = cell(replay, "reason"); reason != "-") line += "  " + reason;
  return line;
}

void print(const ReplayOptions& options, const json::value& replay) {
  fmt::print("{}\n", options.which.json ? json::serialize(replay) : line_of(replay.as_object()));
}

void print_preview(const json::object& preview) {
  fmt::print("would send {} messages, and skip {}\n", cell(preview, "would_send"), cell(preview, "would_skip"));
  for (const auto& entry : preview.at("examples").as_array()) {
    const auto& one = entry.as_object();
    const auto* body = one.at("envelope").is_object() ? one.at("envelope").as_object().if_contains("body") : nullptr;
    fmt::print("  {}  {}@{}  {}\n", cell(one, "message"), cell(one, "flow"), cell(one, "version"),
               body == nullptr ? "" : json::serialize(*body));
  }
}

std::string path_of(const std::string& id, std::string_view rest = {}) {
  return fmt::format("/v1/replays/{}{}", percent_encoded(id), rest);
}

/// Prints the replay, when it has ended if that is waited for.
Status show(ApiClient& client, const ReplayOptions& options, const std::string& id) {
  for (;;) {
    const auto shown = client.ask({.target = path_of(id)});
    if (!shown) return shown.error();
    if (!options.wait || cell(shown->body.as_object(), "state") != "running") {
      print(options, shown->body);
      return Done{};
    }
    std::this_thread::sleep_for(looking_interval);
  }
}

}  // namespace

int start_replay(const ReplayOptions& options) {
  return with_api(options.which.server, [&](ApiClient& client) -> Status {
    const auto order = order_of(options);
    if (!order) return order.error();
    const auto started = client.ask({.method = "POST", .target = "/v1/replays", .body = json::serialize(*order)});
    if (!started) return started.error();
    if (!options.dry_run) return show(client, options, cell(started->body.as_object(), "id"));
    if (options.which.json) {
      fmt::print("{}\n", json::serialize(started->body));
    } else {
      print_preview(started->body.as_object());
    }
    return Done{};
  });
}

int list_replays(const ReplayOptions& options) {
  return with_api(options.which.server, [&](ApiClient& client) -> Status {
    const auto replays = client.all("/v1/replays");
    if (!replays) return replays.error();
    if (options.which.json) {
      fmt::print("{}\n", json::serialize(json::object{{"replays", *replays}}));
      return Done{};
    }
    std::vector<std::vector<std::string>> rows = {{"REPLAY", "STATE", "SENT", "SKIPPED", "STARTED", "BY", "ORDER"}};
    for (const auto& entry : *replays) {
      const auto& one = entry.as_object();
      rows.push_back({cell(one, "id"), cell(one, "state"), cell(one, "sent"), cell(one, "skipped"),
                      time_cell(one, "created_at"), cell(one, "created_by"), json::serialize(one.at("order"))});
    }
    print_table(rows);
    return Done{};
  });
}

int show_replay(const ReplayOptions& options) {
  return with_api(options.which.server, [&](ApiClient& client) { return show(client, options, options.id); });
}

int stop_replay(const ReplayOptions& options) {
  return with_api(options.which.server, [&](ApiClient& client) -> Status {
    const auto stopped = client.ask({.method = "POST", .target = path_of(options.id, "/stop"), .body = "{}"});
    if (!stopped) return stopped.error();
    print(options, stopped->body);
    return Done{};
  });
}

}  // namespace millrace::app
