#include "flow/running.hpp"

#include <algorithm>

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "core/nearest.hpp"
#include "flow/value.hpp"

namespace millrace::flow {
namespace {

using component::Field;

constexpr double memory_min = 16e6;  // an engine's own minimum is 6 MiB; no worker of ours starts with less than this
constexpr double memory_limit_max = 1e15;

void read_driver(Reading& reading, const Node& node, const std::string& path, Running& running) {
  static const std::vector<std::string> drivers = {"process", "docker"};
  const auto text = reading.scalar(node, path);
  if (!text) return;
  if (text->text == "process") {
    running.driver = Running::Driver::process;
  } else if (text->text == "docker") {
    running.driver = Running::Driver::docker;
  } else {
    reading.problem(node, path, fmt::format("\"{}\" is none of: process, docker", node.text),
                    suggestion(text->text, drivers));
  }
}

/// A reference as `docker pull` takes it; what exactly is allowed is the engine's affair.
bool is_image(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-/:@").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= 512 && std::all_of(name.begin(), name.end(), fits) &&
         std::string_view("._-/:@").find(name.front()) == std::string_view::npos;
}

void read_image(Reading& reading, const Node& node, const std::string& path, Running& running) {
  const auto text = reading.scalar(node, path);
  if (!text) return;
  if (!is_image(text->text)) {
    reading.problem(node, path, fmt::format("\"{}\" cannot be the name of an image", node.text),
                    "write NAME:TAG, or REGISTRY/NAME:TAG");
    return;
  }
  running.image = text->text;
  if (!running.driver) running.driver = Running::Driver::docker;
}

void read_limits(Reading& reading, const Node& node, const std::string& path, Running& running) {
  if (node.kind != Node::Kind::mapping) {
    reading.problem(node, path, "must be a mapping, but is " + describe(node),
                    "write { memory: 256MB, cpu: 0.5, pids: 64 }");
    return;
  }
  bool passthrough = false;
  const auto limits = read_fields(reading, node, path, limits_fields(), passthrough);
  if (const auto* memory = limits.if_contains("memory")) running.memory_max = memory->to_number<std::uint64_t>();
  if (const auto* cpu = limits.if_contains("cpu")) running.cpu_max = cpu->to_number<double>();
  if (const auto* pids = limits.if_contains("pids")) running.pids_max = pids->to_number<std::uint32_t>();
}

Field field(std::string name, Field::Type type, std::string summary, double minimum, double maximum) {
  Field it;
  it.name = std::move(name);
  it.type = type;
  it.summary = std::move(summary);
  it.minimum = minimum;
  it.maximum = maximum;
  return it;
}

}  // namespace

std::vector<Field> limits_fields() {
  return {
      field("memory", Field::Type::size, "The memory of one worker; one that wants more is ended.", memory_min,
            memory_limit_max),
      field("cpu", Field::Type::number, "How many processors one worker may keep busy; containers only.", 0.01, 1'024),
      field("pids", Field::Type::integer, "How many processes and threads one worker may have; containers only.", 8,
            1'000'000)};
}

Running read_running(Reading& reading, const Node& mapping, const std::string& path, const Running& otherwise) {
  Running running = otherwise;
  const Node* driver = mapping.find("driver");
  const Node* image = mapping.find("image");
  const Node* limits = mapping.find("limits");
  if (driver != nullptr) read_driver(reading, *driver, join(path, "driver"), running);
  if (image != nullptr) read_image(reading, *image, join(path, "image"), running);
  if (limits != nullptr) read_limits(reading, *limits, join(path, "limits"), running);
  const auto run_by = running.driver ? running.driver : reading.otherwise().driver;
  if (run_by != Running::Driver::process) return running;
  if (image != nullptr) {
    reading.problem(*image, join(path, "image"), "an image runs as a container, but the driver is process",
                    "write \"driver: docker\"");
  }
  const bool contained = running.cpu_max || running.pids_max;
  const Node* said_here = limits != nullptr ? limits : driver;
  if (contained && said_here != nullptr) {
    reading.problem(*said_here, join(path, limits != nullptr ? "limits" : "driver"),
                    "processors and processes can be limited only for containers, but the driver is process",
                    "write \"driver: docker\", or limit the memory alone");
  }
  return running;
}

bool is_foreign_function(std::string_view name) {
  const auto dot = name.find('.');
  if (dot == 0 || dot == std::string_view::npos || dot + 1 == name.size() || name.size() > 128) return false;
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  const auto component = name.substr(0, dot);
  const auto function = name.substr(dot + 1);
  return std::all_of(component.begin(), component.end(), is_word) &&
         std::all_of(function.begin(), function.end(), is_word);
}

}  // namespace millrace::flow
