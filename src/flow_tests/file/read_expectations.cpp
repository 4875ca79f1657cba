#include <fmt/format.h>

#include "flow/value.hpp"
#include "flow_tests/file/readers.hpp"

namespace millrace::flow_tests {
using flow::join;
using flow::Node;
using flow::NodePtr;
using flow::Reading;

namespace {

std::optional<ExpectedList> read_count(Reading& reading, const Node& node, const std::string& path) {
  const auto count = flow::read_integer(reading, node, path, 0, 10'000'000);
  if (!count) return std::nullopt;
  ExpectedList list;
  list.count = static_cast<std::size_t>(*count);
  list.offset = node.offset;
  list.path = path;
  return list;
}

ExpectedStep read_step(Reading& reading, const std::string& step, const Node& node, const std::string& path) {
  ExpectedStep expected;
  expected.step = step;
  expected.offset = node.offset;
  expected.path = path;
  if (!is_mapping(reading, node, path, "what is expected of the step")) return expected;
  reading.check_keys(node, path, step_fields());
  for (const auto& entry : node.entries) {
    const auto place = join(path, entry.key);
    if (entry.key == "inputs") expected.inputs = read_list(reading, entry.value, place, message_parts());
    if (entry.key == "outputs") expected.outputs = read_list(reading, entry.value, place, message_parts());
    if (entry.key == "requests") expected.requests = read_list(reading, entry.value, place, request_parts());
    if (entry.key == "mails") expected.mails = read_list(reading, entry.value, place, mail_parts());
    if (entry.key == "dead_letters") {
      expected.dead_letters = read_list(reading, entry.value, place, dead_letter_parts());
    }
    if (entry.key == "filtered") expected.filtered = read_count(reading, *entry.value, place);
    if (entry.key == "attempts") expected.attempts = read_count(reading, *entry.value, place);
    if (entry.key == "that") expected.that = read_condition(reading, *entry.value, place);
    if (entry.key == "snapshot") {
      Expected snapshot;
      const PartField part{"snapshot", "snapshot", PartField::How::contains, PartField::Type::any, ""};
      auto wanted = flow::read_any(reading, *entry.value, place);
      if (wanted) snapshot.checks.push_back({part, std::move(*wanted), entry.value, place});
      expected.snapshot = std::move(snapshot);
    }
  }
  return expected;
}

void read_steps(Reading& reading, const Node& node, const std::string& path, Expectations& expect) {
  if (!is_mapping(reading, node, path, "steps by their id")) return;
  reading.check_repeats(node, path);
  for (const auto& entry : node.entries) {
    expect.steps.push_back(read_step(reading, entry.key, *entry.value, join(path, entry.key)));
  }
}

/// { min: 23h, max: 25h } or the one duration it must be.
std::optional<ExpectedElapsed> read_elapsed(Reading& reading, const Node& node, const std::string& path) {
  ExpectedElapsed elapsed;
  elapsed.offset = node.offset;
  elapsed.path = path;
  if (node.kind != Node::Kind::mapping) {
    const auto span = read_span(reading, node, path);
    if (!span) return std::nullopt;
    elapsed.min = *span;
    elapsed.max = *span;
    return elapsed;
  }
  reading.check_keys(node, path, {"min", "max"});
  elapsed.max = milliseconds::max();
  if (const auto* min = node.find("min")) {
    elapsed.min = read_span(reading, *min, join(path, "min")).value_or(elapsed.min);
  }
  if (const auto* max = node.find("max")) {
    elapsed.max = read_span(reading, *max, join(path, "max")).value_or(elapsed.max);
  }
  return elapsed;
}

}  // namespace

const Names& step_fields() {
  static const Names names = {"inputs", "outputs",      "filtered", "attempts", "requests",
                              "mails",  "dead_letters", "snapshot", "that"};
  return names;
}

Expectations read_expectations(Reading& reading, const NodePtr& node, const std::string& path) {
  Expectations expect;
  if (!is_mapping(reading, *node, path, "what is expected")) return expect;
  reading.check_keys(*node, path, {"answers", "steps", "dead_letters", "elapsed", "that"});
  for (const auto& entry : node->entries) {
    const auto place = join(path, entry.key);
    if (entry.key == "answers") expect.answers = read_list(reading, entry.value, place, answer_parts());
    if (entry.key == "steps") read_steps(reading, *entry.value, place, expect);
    if (entry.key == "dead_letters") expect.dead_letters = read_list(reading, entry.value, place, dead_letter_parts());
    if (entry.key == "elapsed") expect.elapsed = read_elapsed(reading, *entry.value, place);
    if (entry.key == "that") expect.that = read_condition(reading, *entry.value, place);
  }
  return expect;
}

}  // namespace millrace::flow_tests
