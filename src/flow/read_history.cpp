#include "flow/read_history.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "core/nearest.hpp"
#include "flow/value.hpp"
#include "history/redaction.hpp"

namespace millrace::flow {
namespace {

namespace json = boost::json;
using history::Policy;

const std::vector<std::string> words = {"full", "errors", "sampled", "none"};
constexpr std::size_t name_size_max = 100;
constexpr std::size_t names_max = 100;

std::optional<Policy::Record> read_word(Reading& reading, const Node& node, const std::string& path) {
  if (node.kind == Node::Kind::mapping || node.kind == Node::Kind::list) {
    reading.problem(node, path, "must be full, errors, sampled or none, but is " + describe(node));
    return std::nullopt;
  }
  const auto text = reading.scalar(node, path);
  if (!text) return std::nullopt;
  const auto record = history::record_of(text->text);
  if (!record) {
    reading.problem(node, path, fmt::format("\"{}\" is none of: full, errors, sampled, none", node.text),
                    suggestion(text->text, words));
  }
  return record;
}

/// A member's name, or a path of them with dots between.
bool is_name_or_path(std::string_view text) {
  return !text.empty() && text.size() <= name_size_max && text.front() != '.' && text.back() != '.' &&
         text.find("..") == std::string_view::npos;
}

void read_redact(Reading& reading, const Node& node, Policy& policy) {
  const std::string path = "history.redact";
  if (node.kind != Node::Kind::list) {
    reading.problem(node, path, "must be a list of names, but is " + describe(node), "write [iban, body.card.number]");
    return;
  }
  std::size_t paths = 0;
  std::size_t parts = 0;
  for (const auto& item : node.items) {
    const auto text = reading.scalar(*item, path);
    if (!text) return;
    if (!is_name_or_path(text->text)) {
      reading.problem(*item, path, fmt::format("\"{}\" is no name of a member", item->text),
                      "write a name (iban), or a path from the top of the message (body.card.number)");
      continue;
    }
    const auto dots = static_cast<std::size_t>(std::ranges::count(text->text, '.'));
    if (dots > 0) ++paths;
    if (dots > 0) parts += dots + 1;
    policy.redact.push_back(text->text);
  }
  const bool fits = policy.redact.size() <= names_max && paths <= history::Redaction::paths_max &&
                    parts <= history::Redaction::parts_max;
  if (fits) return;
  reading.problem(node, path,
                  fmt::format("has more than {} names, or than {} paths with {} parts in all", names_max,
                              history::Redaction::paths_max, history::Redaction::parts_max),
                  "write names instead of paths");
}

}  // namespace

std::optional<Policy> read_history(Reading& reading, const Node& node) {
  Policy policy;
  if (node.kind != Node::Kind::mapping) {
    const auto record = read_word(reading, node, "history");
    if (!record) return std::nullopt;
    policy.record = *record;
    if (policy.record != Policy::Record::sampled) return policy;
    reading.problem(node, "history", "does not say how many", "write { record: sampled, fraction: 0.1 }");
    return std::nullopt;
  }
  const auto before = reading.problem_count();
  reading.check_keys(node, "history", {"record", "fraction", "redact"});
  if (const Node* record = node.find("record")) {
    policy.record = read_word(reading, *record, "history.record").value_or(Policy::Record::full);
  }
  const Node* fraction = node.find("fraction");
  if (fraction != nullptr) {
    policy.fraction = read_number(reading, *fraction, "history.fraction").value_or(1);
    if (policy.fraction < 0 || policy.fraction > 1) {
      reading.problem(*fraction, "history.fraction", "must be from 0 to 1, but is " + fraction->text);
    }
    if (policy.record != Policy::Record::sampled) {
      reading.problem(*fraction, "history.fraction", "is for record: sampled");
    }
  } else if (policy.record == Policy::Record::sampled) {
    reading.problem(node, "history.fraction", "missing", "add the part of executions to record, such as 0.1");
  }
  if (const Node* redact = node.find("redact")) read_redact(reading, *redact, policy);
  return reading.problem_count() == before ? std::optional(policy) : std::nullopt;
}

json::object history_schema() {
  json::array records;
  for (const auto& word : words) records.emplace_back(word);
  const json::object record{{"description", "Everything, only what fails, a fraction of the executions, or nothing."},
                            {"enum", records}};
  json::array short_words = records;
  short_words.erase(std::ranges::find(short_words, json::value("sampled")));
  const json::object fraction{{"description", "How many of the executions are recorded whole, with sampled."},
                              {"type", "number"},
                              {"minimum", 0},
                              {"maximum", 1}};
  const json::object redact{
      {"description", "Members whose values are not recorded, by name or path, beside passwords, tokens and the like."},
      {"type", "array"},
      {"maxItems", names_max},
      {"items", json::object{{"type", "string"}, {"minLength", 1}, {"maxLength", name_size_max}}}};
  const json::object mapping{
      {"type", "object"},
      {"properties", json::object{{"record", record}, {"fraction", fraction}, {"redact", redact}}},
      {"additionalProperties", false}};
  return {{"description", "What is recorded of the flow's executions; if not said, what the platform says."},
          {"anyOf", json::array{json::object{{"enum", short_words}}, mapping}}};
}

}  // namespace millrace::flow
