#include "flow/instances.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "flow/draft.hpp"
#include "flow/value.hpp"

namespace millrace::flow {
namespace {

const std::vector<std::string> range_fields = {"min", "max", "target_backlog"};

Instances fixed(std::int64_t count) {
  const auto instances = static_cast<std::uint32_t>(count);
  return {instances, instances, 0};
}

void read_range(Reading& reading, const Node& node, const std::string& path, Instances& instances) {
  reading.check_keys(node, path, range_fields);
  const auto number = [&](const char* name, std::int64_t least, std::int64_t most, std::uint32_t& into) {
    const Node* value = node.find(name);
    if (value == nullptr) return false;
    const auto read = read_integer(reading, *value, join(path, name), least, most);
    if (read) into = static_cast<std::uint32_t>(*read);
    return read.has_value();
  };
  Instances range{0, 0, target_backlog_default};
  (void)number("min", 0, instances_max, range.min);
  const bool has_max = number("max", 1, instances_max, range.max);
  (void)number("target_backlog", 1, target_backlog_max, range.target_backlog);
  if (node.find("max") == nullptr) {
    reading.problem(node, join(path, "max"), "missing", "say how many instances there may be at most");
  }
  if (!has_max) return;
  if (range.min > range.max) {
    reading.problem(*node.find("min"), join(path, "min"),
                    fmt::format("is {}, more than \"max\", {}", range.min, range.max),
                    "the fewest cannot be more than the most");
    return;
  }
  instances = range;
}

}  // namespace

void read_instances(Reading& reading, Draft& draft) {
  const Node* node = draft.node->find("instances");
  if (node == nullptr) return;
  const std::string path = join(draft.path, "instances");
  if (draft.step.is_trigger) {
    reading.problem(*node, path, "a trigger runs once, for it alone keeps the position at its source",
                    "put \"instances\" into the actions after it");
    return;
  }
  if (node->kind == Node::Kind::mapping) return read_range(reading, *node, path, draft.step.instances);
  if (const auto value = read_integer(reading, *node, path, 1, instances_max)) draft.step.instances = fixed(*value);
}

}  // namespace millrace::flow
