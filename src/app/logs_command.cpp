#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/looking_command.hpp"
#include "app/time_argument.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

Result<std::string> target_of(const ApiOptions& options) {
  const auto slash = options.flow.find('/');
  auto target = "/v1/flows/" + percent_encoded(options.flow.substr(0, slash));
  if (slash != std::string::npos) target += "/steps/" + percent_encoded(options.flow.substr(slash + 1));
  target += fmt::format("/logs?limit={}", options.lines);
  if (!options.level.empty()) target += "&level=" + percent_encoded(options.level);
  if (options.since.empty()) return target;
  const auto since = time_argument(options.since, "--since");
  if (!since) return since.error();
  return target + fmt::format("&since={}", *since);
}

void print(const json::object& line, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", json::serialize(line));
  } else {
    const auto instance = line.contains("instance") ? "." + cell(line, "instance") : std::string();
    auto text = line.contains("text") ? cell(line, "text") : cell(line, "event");
    for (const auto& [name, value] : line.at("facts").as_object()) {
      text += fmt::format("  {}={}", std::string_view(name), std::string_view(value.as_string()));
    }
    for (const auto* name : {"execution", "message"}) {
      if (line.contains(name)) text += fmt::format("  {}={}", name, cell(line, name));
    }
    fmt::print("{}  {:<7}  {}{}  {}\n", time_cell(line, "at"), cell(line, "level"), cell(line, "step"), instance, text);
  }
  std::fflush(stdout);
}

}  // namespace

int show_logs(const ApiOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto target = target_of(options);
    if (!target) return target.error();
    if (options.follow) {
      return client.follow(*target,
                           [&](const std::string&, const json::value& line) { print(line.as_object(), options.json); });
    }
    const auto lines = client.ask({.target = *target});
    if (!lines) return lines.error();
    for (const auto& line : lines->body.at("items").as_array()) print(line.as_object(), options.json);
    return Done{};
  });
}

}  // namespace millrace::app
