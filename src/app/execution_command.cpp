#include "app/execution_command.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/time_argument.hpp"
#include "component/utf8.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

constexpr std::size_t page_max = 200;
constexpr std::size_t shown_max = 160;  ///< characters of a body in a tree
constexpr std::chrono::milliseconds looking_interval{300};

void print_json(const json::value& value) {
  fmt::print("{}\n", json::serialize(value));
}

/// Items of a collection, page by page, until there are `limit`.
Result<json::array> items(ApiClient& client, const std::string& query, std::size_t limit) {
  json::array all;
  std::string cursor;
  do {
    const auto size = std::min(page_max, limit - all.size());
    auto target = fmt::format("/v1/executions?limit={}{}{}", size, query.empty() ? "" : "&", query);
    if (!cursor.empty()) target += "&cursor=" + percent_encoded(cursor);
    auto page = client.ask({.target = target});
    if (!page) return page.error();
    for (auto& item : page->body.at("items").as_array()) all.push_back(std::move(item));
    const auto& next = page->body.at("next");
    cursor = next.is_null() ? "" : std::string(next.as_string());
  } while (!cursor.empty() && all.size() < limit);
  return all;
}

std::string milliseconds(std::int64_t count) {
  if (count < 1'000) return fmt::format("{} ms", count);
  if (count < 120'000) return fmt::format("{:.1f} s", static_cast<double>(count) / 1e3);
  return fmt::format("{} min", count / 60'000);
}

std::string took(const json::object& execution) {
  return milliseconds(execution.at("last_at").as_int64() - execution.at("began_at").as_int64());
}

std::string failure_text(const json::value& failure) {
  if (failure.is_null()) return "";
  const auto& what = failure.as_object();
  return fmt::format("{}: {}: {}", cell(what, "step"), cell(what, "code"), cell(what, "message"));
}

std::string shortened(std::string text, std::size_t size) {
  if (text.size() <= size) return text;
  return std::string(component::utf8::head(text, size)) + "…";
}

std::string body_text(const json::value& message) {
  if (!message.is_object()) return "(not recorded)";
  const auto* body = message.as_object().if_contains("body");
  return shortened(json::serialize(body == nullptr ? message : *body), shown_max);
}

std::string attempt_text(const std::string& step, const json::object& attempt) {
  auto line = fmt::format("{}  {}", step, cell(attempt, "outcome"));
  if (attempt.at("attempt").to_number<std::int64_t>() > 1) line += fmt::format("  try {}", cell(attempt, "attempt"));
  const auto microseconds = attempt.at("took_us").to_number<std::int64_t>();
  line += fmt::format("  {}  {} ms", time_cell(attempt, "at"), static_cast<double>(microseconds) / 1e3);
  if (const auto& failure = attempt.at("failure"); !failure.is_null()) {
    line += fmt::format("  {}: {}", cell(failure.as_object(), "code"), cell(failure.as_object(), "message"));
  }
  return line;
}

/// The messages of an execution as a tree.
class Tree {
 public:
  explicit Tree(const json::array& messages) : messages_(messages) {}

  void print() const {
    for (const auto& entry : messages_) {
      const auto& message = entry.as_object();
      const auto parent = cell(message, "parent");
      if (!known(parent)) print(message, 0);
    }
  }

 private:
  bool known(const std::string& id) const {
    return std::ranges::any_of(messages_, [&](const auto& entry) { return cell(entry.as_object(), "id") == id; });
  }

  void print(const json::object& message, std::size_t depth) const {
    constexpr std::size_t depth_max = 200;
    if (depth > depth_max) return;
    const std::string indent(depth * 2, ' ');
    fmt::print("{}{} → {}  {}\n", indent, cell(message, "from"), cell(message, "id"), body_text(message.at("message")));
    for (const auto& entry : message.at("steps").as_array()) {
      const auto& step = entry.as_object();
      for (const auto& attempt : step.at("attempts").as_array()) {
        fmt::print("{}  {}\n", indent, attempt_text(cell(step, "step"), attempt.as_object()));
        for (const auto& output : attempt.as_object().at("outputs").as_array()) {
          const auto* unread = output.as_object().if_contains("message");
          if (unread != nullptr) fmt::print("{}    = {}\n", indent, body_text(*unread));
        }
      }
    }
    const auto id = cell(message, "id");
    for (const auto& entry : messages_) {
      if (cell(entry.as_object(), "parent") == id) print(entry.as_object(), depth + 1);
    }
  }

  const json::array& messages_;
};

void print_head(const json::object& execution) {
  fmt::print("execution {}  {} version {}  {}  via {}  {}  took {}\n", cell(execution, "id"), cell(execution, "flow"),
             cell(execution, "version"), cell(execution, "state"), cell(execution, "via"),
             time_cell(execution, "began_at"), took(execution));
  if (const auto& replay = execution.at("replay"); !replay.is_null()) {
    fmt::print("replay {} of {}\n", cell(replay.as_object(), "id"), cell(replay.as_object(), "of"));
  }
}

std::string path_of(const std::string& id) {
  return "/v1/executions/" + percent_encoded(id);
}

}  // namespace

Result<std::string> execution_query(const ExecutionOptions& options) {
  std::string query;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) query += fmt::format("{}{}={}", query.empty() ? "" : "&", name, percent_encoded(value));
  };
  add("flow", options.flow);
  add("version", options.version);
  add("state", options.state);
  add("step", options.step);
  add("error", options.error);
  for (const auto& [name, text] : {std::pair("since", options.since), std::pair("until", options.until)}) {
    if (text.empty()) continue;
    const auto time = time_argument(text, std::string("--") + name);
    if (!time) return time.error();
    add(name, std::to_string(*time));
  }
  return query;
}

int list_executions(const ExecutionOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto query = execution_query(options);
    if (!query) return query.error();
    const auto all = items(client, *query, options.limit);
    if (!all) return all.error();
    if (options.json) {
      print_json(json::object{{"executions", *all}});
      return Done{};
    }
    std::vector<std::vector<std::string>> rows = {
        {"EXECUTION", "BEGAN", "FLOW", "STATE", "HANDLED", "RETRIES", "TOOK", "FAILURE"}};
    for (const auto& entry : *all) {
      const auto& one = entry.as_object();
      rows.push_back({cell(one, "id"), time_cell(one, "began_at"),
                      fmt::format("{}@{}", cell(one, "flow"), cell(one, "version")), cell(one, "state"),
                      cell(one, "handled"), cell(one, "retries"), took(one),
                      shortened(failure_text(one.at("failure")), shown_max)});
    }
    print_table(rows);
    return Done{};
  });
}

int show_execution(const ExecutionOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto shown = client.ask({.target = path_of(options.id)});
    if (!shown) return shown.error();
    if (options.json) {
      print_json(shown->body);
      return Done{};
    }
    const auto& execution = shown->body.as_object();
    print_head(execution);
    Tree(execution.at("messages").as_array()).print();
    for (const auto& letter : execution.at("dead_letters").as_array()) {
      const auto& dead = letter.as_object();
      fmt::print("dead letter {}  at {}  {}: {}\n", cell(dead, "id"), cell(dead, "step"), cell(dead, "code"),
                 cell(dead, "reason"));
    }
    return Done{};
  });
}

int follow_execution(const ExecutionOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    std::set<std::string> told;
    for (;;) {
      const auto shown = client.ask({.target = path_of(options.id)});
      if (!shown) return shown.error();
      const auto& execution = shown->body.as_object();
      for (const auto& message : execution.at("messages").as_array()) {
        for (const auto& step : message.at("steps").as_array()) {
          for (const auto& attempt : step.at("attempts").as_array()) {
            const auto line = options.json
                                  ? json::serialize(json::object{
                                        {"message", message.at("id")}, {"step", step.at("step")}, {"attempt", attempt}})
                                  : attempt_text(cell(step.as_object(), "step"), attempt.as_object());
            if (told.insert(json::serialize(message.at("id")) + line).second) fmt::print("{}\n", line);
          }
        }
      }
      std::fflush(stdout);
      if (cell(execution, "state") != "running") {
        if (!options.json) fmt::print("{}\n", cell(execution, "state"));
        return Done{};
      }
      std::this_thread::sleep_for(looking_interval);
    }
  });
}

}  // namespace millrace::app
