#include "flow_tests/suite.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>

#include "flow/document.hpp"
#include "flow_tests/compare.hpp"
#include "flow_tests/file/read_file.hpp"

namespace millrace::flow_tests {
namespace fs = std::filesystem;
using flow::Problem;
using flow::Problems;

namespace {

constexpr std::array<std::string_view, 3> endings = {".yaml", ".yml", ".json"};

/// "orders.refunds" for "orders.refunds.test.yaml"; empty for what is no test file.
std::string test_stem(const fs::path& file) {
  const auto name = file.filename().string();
  for (const auto ending : endings) {
    const auto whole = ".test" + std::string(ending);
    if (name.ends_with(whole) && name.size() > whole.size()) return name.substr(0, name.size() - whole.size());
  }
  return {};
}

bool is_flow_file(const fs::path& file) {
  return std::ranges::find(endings, file.extension().string()) != endings.end() && test_stem(file).empty();
}

bool begins_with_name(const std::string& stem, const std::string& name) {
  return stem == name || stem.starts_with(name + ".");
}

Result<std::string, Problem> read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  if (!file || fs::is_directory(path, error)) {
    return Problem{{path}, "", fmt::format("cannot be read: {}", std::strerror(file ? EISDIR : errno)), ""};
  }
  std::string text(flow::file_size_max + 4, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

/// A test file with the flow that it is about.
struct Loaded {
  TestFile file;
  std::shared_ptr<flow::Flow> flow;
};

class Loading {
 public:
  Loading(const SuiteOptions& options, const component::Catalogue& catalogue, const flow::Variables& variables)
      : options_(options), catalogue_(catalogue), variables_(variables) {}

  std::vector<Loaded> load() {
    std::vector<Loaded> all;
    for (const auto& flow_file : options_.flow_files) {
      if (!is_readable_flow(flow_file)) continue;
      const auto names = options_.test_files.empty() ? test_files_of(flow_file) : options_.test_files;
      if (names.empty()) {
        problems_.push_back({{flow_file},
                             "",
                             "has no tests beside it",
                             "write " + fs::path(flow_file).stem().string() + ".test.yaml, see docs/flow-tests.md"});
      }
      for (const auto& name : names) load(flow_file, name, all);
    }
    return all;
  }

  Problems take_problems() { return std::move(problems_); }

 private:
  bool is_readable_flow(const std::string& flow_file) {
    const auto text = read_whole(flow_file);
    if (!text) {
      add({text.error()});
    } else if (!test_stem(flow_file).empty()) {
      add({{{flow_file}, "", "is a test file", "name the flow file, and this one with --tests"}});
      return false;
    }
    return bool(text);
  }

  void load(const std::string& flow_file, const std::string& name, std::vector<Loaded>& all) {
    const auto text = read_whole(name);
    if (!text) return add({text.error()});
    auto file = read_test_file(*text, name, catalogue_, variables_);
    if (!file) return add(file.error());
    const flow::Variables variables = [&](std::string_view wanted) -> std::optional<std::string> {
      const auto found = file->variables.find(wanted);
      return found == file->variables.end() ? variables_(wanted) : std::optional(found->second);
    };
    auto flows = flow::load_files({flow_file}, catalogue_, variables);
    if (!flows) return add(flows.error(), name);
    auto tested = choose(*file, *flows, flow_file);
    if (!tested) return;
    add(check_against(*file, *tested, catalogue_));
    all.push_back({std::move(*file), tested});
  }

  /// The flow that the test file names, or the only one of the flow file. A name that is none of this file's is that of
  /// another flow file, where several are given.
  std::shared_ptr<flow::Flow> choose(const TestFile& file, std::vector<flow::Flow>& flows,
                                     const std::string& flow_file) {
    const auto is_it = [&](const flow::Flow& flow) { return file.flow.empty() || flow.name == file.flow; };
    const auto count = std::ranges::count_if(flows, is_it);
    if (count == 1) return std::make_shared<flow::Flow>(std::move(*std::ranges::find_if(flows, is_it)));
    const flow::Position at{file.source->file(), 1, 1};
    if (count > 1) {
      add({{at, "flow", "missing", fmt::format("{} holds several flows: name the one that is tested", flow_file)}});
    } else if (options_.flow_files.size() == 1) {
      add({{at, "flow", fmt::format("{} holds no flow \"{}\"", flow_file, file.flow), "name one that it holds"}});
    }
    return nullptr;
  }

  void add(Problems problems, const std::string& read_for = {}) {
    for (auto& problem : problems) {
      if (problem.message.find("is not set") != std::string::npos && !read_for.empty()) {
        problem.mend = fmt::format("set it under \"env\" in {}, or with --env-file", read_for);
      }
      if (problem.message.starts_with("there is no action") || problem.message.starts_with("there is no trigger")) {
        problem.mend +=
            "; flow tests run only Millrace's own components, a flow with installed ones is tried with "
            "`millrace run`";
      }
      const auto text = problem.to_string();
      if (seen_.insert(text).second) problems_.push_back(std::move(problem));
    }
  }

  const SuiteOptions& options_;
  const component::Catalogue& catalogue_;
  const flow::Variables& variables_;
  Problems problems_;
  std::set<std::string> seen_;
};

bool is_wanted(const std::string& filter, const std::string& name) {
  return fits_pattern(filter.find('*') == std::string::npos ? "*" + filter + "*" : filter, name);
}

/// A stand-in is a jsonata.transform in the step's place.
flow::Plan with_stand_ins(flow::Plan plan, const std::vector<StandIn>& stand_ins) {
  for (auto& worker : plan.workers) {
    const auto found = std::ranges::find(stand_ins, worker.step, &StandIn::step);
    if (found == stand_ins.end()) continue;
    worker.settings.component = "jsonata";
    worker.settings.function = "transform";
    worker.settings.config = {{"expression", found->expression}};
  }
  return plan;
}

CaseResult run_one(const TestFile& file, const TestedFlow& tested, const Case& one, const SuiteOptions& options) {
  const auto& source = *file.source;
  const auto begin = std::chrono::steady_clock::now();
  CaseResult result{one.name, source.position(one.offset)};
  const auto add = [&](const Mismatch& wrong, const std::string& before) {
    result.problems.push_back({source.position(wrong.offset), wrong.path, before + wrong.message, ""});
  };
  auto run = run_case(tested, one);
  for (const auto& wrong : judge(one, run.trace)) add(wrong, "");
  if (options.crash_everywhere && result.passes()) {
    result.crashes = crash_everywhere(tested, one, run, options.crash_points_max);
    for (const auto& outcome : result.crashes->wrong) {
      for (const auto& wrong : outcome.what) add(wrong, fmt::format("killed {}: ", outcome.point));
    }
  }
  result.trace = std::move(run.trace);
  result.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  return result;
}

}  // namespace

std::vector<std::string> test_files_of(const std::string& flow_file) {
  const fs::path path(flow_file);
  const auto folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code error;
  std::vector<fs::path> tests;
  std::vector<std::string> others;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!test_stem(entry.path()).empty()) tests.push_back(entry.path());
    if (is_flow_file(entry.path()) && entry.path().filename() != path.filename()) {
      others.push_back(entry.path().stem().string());
    }
  }
  const auto own = path.stem().string();
  std::vector<std::string> found;
  for (const auto& test : tests) {
    const auto stem = test_stem(test);
    const auto is_of = [&](const std::string& name) {
      return begins_with_name(stem, name) && !(begins_with_name(stem, own) && own.size() >= name.size());
    };
    if (std::ranges::any_of(others, is_of)) continue;
    found.push_back(path.has_parent_path() ? test.string() : test.filename().string());
  }
  std::ranges::sort(found);
  return found;
}

FileResult run_file(const TestFile& file, const flow::Flow& flow, const SuiteOptions& options,
                    const component::Catalogue& catalogue) {
  FileResult result{file.source->file(), flow.name};
  const auto plan = flow::make_plan(flow, 1, catalogue);
  for (const auto& one : file.cases) {
    if (!is_wanted(options.filter, one.name)) continue;
    const auto own_plan = with_stand_ins(plan, one.stand_ins);
    result.cases.push_back(run_one(file, {flow, own_plan, catalogue}, one, options));
  }
  return result;
}

Result<std::vector<FileResult>, Problems> run_suite(const SuiteOptions& options, const component::Catalogue& catalogue,
                                                    const flow::Variables& variables) {
  Loading loading(options, catalogue, variables);
  const auto loaded = loading.load();
  if (auto problems = loading.take_problems(); !problems.empty()) return problems;
  std::vector<FileResult> results;
  for (const auto& one : loaded) results.push_back(run_file(one.file, *one.flow, options, catalogue));
  return results;
}

}  // namespace millrace::flow_tests
