// A step's `retry:`: by name, by numbers, or as a list of delays.
#include <algorithm>

#include <fmt/format.h>

#include "flow/draft.hpp"
#include "flow/value.hpp"

namespace millrace::flow {
namespace {

using component::RetryPolicy;

const std::vector<std::string> retry_fields = {"initial", "factor", "max", "attempts", "delays"};
constexpr const char* mend = "write { initial: 1s, factor: 2, max: 5m, attempts: 20 }, or \"standard-webhooks\"";

void read_name(Reading& reading, const Node& node, const std::string& path, RetryPolicy& policy) {
  const auto text = reading.scalar(node, path);
  if (!text) return;
  if (text->text == "standard-webhooks") {
    policy = RetryPolicy::standard_webhooks();
  } else if (text->text != "default") {
    reading.problem(node, path, fmt::format("there is no retry schedule \"{}\"", node.text), mend);
  }
}

void read_bounds(Reading& reading, const Node& retry, const std::string& path, RetryPolicy& policy) {
  const Node* initial = retry.find("initial");
  const Node* max = retry.find("max");
  if (initial != nullptr) {
    if (const auto value = read_duration(reading, *initial, join(path, "initial"))) {
      policy.initial = std::chrono::milliseconds(*value);
      if (max == nullptr) policy.max = std::max(policy.max, policy.initial);
    }
  }
  if (max == nullptr) return;
  const auto value = read_duration(reading, *max, join(path, "max"));
  if (!value) return;
  policy.max = std::chrono::milliseconds(*value);
  if (initial == nullptr) policy.initial = std::min(policy.initial, policy.max);
  if (policy.max < policy.initial) {
    reading.problem(*max, join(path, "max"), "is shorter than \"initial\"",
                    "the longest delay cannot be below the first");
  }
}

void read_delays(Reading& reading, const Node& retry, const Node& delays, const std::string& path,
                 RetryPolicy& policy) {
  for (const char* other : {"initial", "factor", "max", "attempts"}) {
    const Node* node = retry.find(other);
    if (node == nullptr) continue;
    reading.problem(*node, join(path, other), "stands beside \"delays\", which says it all", "keep one of them");
  }
  const std::string list = join(path, "delays");
  if (delays.kind != Node::Kind::list || delays.items.empty() || delays.items.size() >= attempts_max) {
    reading.problem(delays, list, "must be a list of 1 to 999 durations", "write [5s, 5m, 30m, 2h]");
    return;
  }
  for (std::size_t i = 0; i < delays.items.size(); ++i) {
    const auto delay = read_duration(reading, *delays.items[i], fmt::format("{}[{}]", list, i));
    if (delay) policy.delays.emplace_back(*delay);
  }
  policy.attempts = static_cast<std::uint32_t>(policy.delays.size()) + 1;
}

void read_numbers(Reading& reading, const Node& node, const std::string& path, RetryPolicy& policy) {
  reading.check_keys(node, path, retry_fields);
  policy = {};
  if (const Node* delays = node.find("delays")) return read_delays(reading, node, *delays, path, policy);
  read_bounds(reading, node, path, policy);
  if (const Node* factor = node.find("factor")) {
    const auto value = read_number(reading, *factor, join(path, "factor"));
    if (value) policy.factor = *value;
    if (value && (*value < 1 || *value > 1'000)) {
      reading.problem(*factor, join(path, "factor"), fmt::format("must be between 1 and 1000, but is {}", *value));
    }
  }
  if (const Node* attempts = node.find("attempts")) {
    const auto value = read_integer(reading, *attempts, join(path, "attempts"), 1, attempts_max);
    if (value) policy.attempts = static_cast<std::uint32_t>(*value);
  }
}

}  // namespace

void read_retry(Reading& reading, Draft& draft) {
  if (draft.step.is_trigger) draft.step.retry = {};  // a poll that waited for hours would hold up those after it
  const Node* node = draft.node->find("retry");
  if (node == nullptr) return;
  const std::string path = join(draft.path, "retry");
  if (draft.step.is_trigger && draft.function != nullptr && !draft.function->descriptor.has_worker()) {
    reading.problem(*node, path, fmt::format("{} has nothing to retry", draft.step.function),
                    "put \"retry\" into the actions after it");
    return;
  }
  if (node->kind == Node::Kind::text) return read_name(reading, *node, path, draft.step.retry);
  if (node->kind != Node::Kind::mapping) {
    reading.problem(*node, path, "must be a mapping or a schedule's name, but is " + describe(*node), mend);
    return;
  }
  read_numbers(reading, *node, path, draft.step.retry);
}

}  // namespace millrace::flow
