#include "flow_tests/file/read_file.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/time/timestamp.hpp"
#include "flow_tests/file/readers.hpp"

namespace millrace::flow_tests {
using flow::join;
using flow::Node;
using flow::NodePtr;
using flow::Problems;
using flow::Reading;

namespace {

constexpr io::WallTime usual_start = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);

std::map<std::string, std::string, std::less<>> read_env(Reading& reading, const Node& root) {
  std::map<std::string, std::string, std::less<>> variables;
  const auto* env = root.find("env");
  if (env == nullptr || !is_mapping(reading, *env, "env", "names to text")) return variables;
  reading.check_repeats(*env, "env");
  for (const auto& entry : env->entries) {
    const auto place = join("env", entry.key);
    if (entry.value->kind == Node::Kind::mapping || entry.value->kind == Node::Kind::list) {
      reading.problem(*entry.value, place, "must be text, but is " + describe(*entry.value));
    } else {
      variables[entry.key] = entry.value->text;
    }
  }
  return variables;
}

io::WallTime read_start(Reading& reading, const Node& node, const std::string& path, io::WallTime otherwise) {
  const auto* start = node.find("starts_at");
  if (start == nullptr) return otherwise;
  const auto text = read_text(reading, *start, join(path, "starts_at"));
  const auto time = parse_timestamp(text.value_or(""));
  if (time) return *time;
  if (text) {
    reading.problem(*start, join(path, "starts_at"), fmt::format("\"{}\" is no time", *text),
                    "write it as 2026-03-01T08:00:00Z");
  }
  return otherwise;
}

template <class Read>
void read_each(Reading& reading, const Node& parent, std::string_view name, const std::string& path, const Read& read) {
  const auto* list = parent.find(name);
  if (list == nullptr) return;
  const auto place = join(path, name);
  if (list->kind != Node::Kind::list) {
    return reading.problem(*list, place, "must be a list, but is " + describe(*list));
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) read(list->items[i], fmt::format("{}[{}]", place, i));
}

struct Outside {
  std::vector<Stub> stubs = {};
  std::vector<StandIn> stand_ins = {};
};

Outside read_stubs(Reading& reading, const Node& parent, const std::string& path) {
  Outside read;
  read_each(reading, parent, "stubs", path, [&](const NodePtr& node, const std::string& place) {
    if (is_stand_in(*node)) {
      if (auto stand_in = read_stand_in(reading, *node, place)) read.stand_ins.push_back(std::move(*stand_in));
    } else if (auto stub = read_stub(reading, node, place)) {
      read.stubs.push_back(std::move(*stub));
    }
  });
  return read;
}

std::optional<Case> read_case(Reading& reading, const NodePtr& node, const std::string& path, io::WallTime start) {
  if (!is_mapping(reading, *node, path, "a case's fields")) return std::nullopt;
  reading.check_keys(*node, path, {"name", "starts_at", "stubs", "given", "expect"});
  Case one;
  one.offset = node->offset;
  one.path = path;
  const auto* name = node->find("name");
  if (name == nullptr) {
    reading.problem(*node, join(path, "name"), "missing", "add \"name\": a sentence that says what holds");
  } else {
    one.name = read_text(reading, *name, join(path, "name")).value_or("");
  }
  one.starts_at = read_start(reading, *node, path, start);
  auto outside = read_stubs(reading, *node, path);
  one.stubs = std::move(outside.stubs);
  one.stand_ins = std::move(outside.stand_ins);
  if (node->find("given") == nullptr) {
    reading.problem(*node, join(path, "given"), "missing",
                    "add \"given\": the requests, ticks or messages that the flow gets");
  }
  read_each(reading, *node, "given", path, [&](const NodePtr& item, const std::string& place) {
    if (auto given = read_given(reading, item, place)) one.given.push_back(std::move(*given));
  });
  for (std::size_t i = 0; const auto& entry : node->entries) {
    if (entry.key == "expect" && i++ == 0) one.expect = read_expectations(reading, entry.value, join(path, "expect"));
  }
  if (node->find("expect") == nullptr) {
    reading.problem(*node, join(path, "expect"), "missing", "add \"expect\": what must come of it");
  }
  return one;
}

void check_names(Reading& reading, const TestFile& file) {
  for (std::size_t i = 0; i < file.cases.size(); ++i) {
    const auto& name = file.cases[i].name;
    const auto end = file.cases.begin() + static_cast<std::ptrdiff_t>(i);
    if (name.empty() || std::find_if(file.cases.begin(), end, [&](const Case& c) { return c.name == name; }) == end) {
      continue;
    }
    reading.problem(file.cases[i].offset, join(file.cases[i].path, "name"),
                    fmt::format("\"{}\" is the name of an earlier case", name), "give it another one");
  }
}

TestFile read_root(Reading& reading, const Node& root) {
  TestFile file;
  reading.check_keys(root, "", {"flow", "env", "starts_at", "stubs", "cases", "$schema"});
  if (const auto* name = root.find("flow")) file.flow = read_text(reading, *name, "flow").value_or("");
  const auto start = read_start(reading, root, "", usual_start);
  const auto shared = read_stubs(reading, root, "");
  read_each(reading, root, "cases", "", [&](const NodePtr& node, const std::string& place) {
    auto one = read_case(reading, node, place, start);
    if (!one) return;
    one->stubs.insert(one->stubs.end(), shared.stubs.begin(), shared.stubs.end());
    one->stand_ins.insert(one->stand_ins.end(), shared.stand_ins.begin(), shared.stand_ins.end());
    file.cases.push_back(std::move(*one));
  });
  const auto* cases = root.find("cases");
  if (cases == nullptr || (cases->kind == Node::Kind::list && cases->items.empty())) {
    reading.problem(cases == nullptr ? root : *cases, "cases", cases == nullptr ? "missing" : "is empty",
                    "add \"cases\": each with name, given and expect");
  }
  check_names(reading, file);
  return file;
}

}  // namespace

Result<TestFile, Problems> read_test_file(std::string_view text, const std::string& name,
                                          const component::Catalogue& catalogue, const flow::Variables& variables) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const auto source = std::make_shared<const flow::Source>(name, std::string(text.substr(0, flow::file_size_max + 1)));
  const auto documents = flow::parse_documents(*source);
  if (!documents) return Problems{documents.error()};
  if (documents->size() != 1 || documents->front()->kind != Node::Kind::mapping) {
    return Problems{{{name}, "", "must be one mapping with \"cases\"", "see docs/flow-tests.md"}};
  }
  const auto& root = *documents->front();
  Reading without_variables(*source, catalogue, variables);
  auto env = read_env(without_variables, root);
  const flow::Variables all = [&](std::string_view wanted) -> std::optional<std::string> {
    const auto found = env.find(wanted);
    return found == env.end() ? variables(wanted) : std::optional(found->second);
  };
  Reading reading(*source, catalogue, all);
  auto file = read_root(reading, root);
  auto problems = without_variables.take_problems();
  for (auto& problem : reading.take_problems()) problems.push_back(std::move(problem));
  if (!problems.empty()) return problems;
  file.source = source;
  file.variables = std::move(env);
  return file;
}

}  // namespace millrace::flow_tests
