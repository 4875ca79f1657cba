#include "app/test_command.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "app/exit_code.hpp"
#include "core/log.hpp"
#include "flow_tests/report.hpp"

namespace millrace::app {
namespace {

/// Not those of the process: a test that passes on one machine only is none.
Result<flow::Variables> file_variables(const std::string& env_file) {
  std::map<std::string, std::string, std::less<>> values;
  if (!env_file.empty()) {
    auto read = flow::read_env_file(env_file);
    if (!read) return read.error();
    for (auto& [name, value] : *read) values.insert_or_assign(std::move(name), std::move(value));
  }
  return flow::Variables([values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  });
}

Status write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return Done{};
  return Error{Error::Kind::io, fmt::format("--junit: cannot write {}: {}", path, std::strerror(errno))};
}

}  // namespace

int test_flows(const TestOptions& options, const component::Catalogue& catalogue, std::ostream& out,
               std::ostream& err) {
  log::start(log::Level::error, "test");
  const auto variables = file_variables(options.env_file);
  if (!variables) {
    err << variables.error().message << '\n';
    return ExitCode::usage;
  }
  const auto results = flow_tests::run_suite(options.suite, catalogue, *variables);
  if (!results) {
    for (const auto& problem : results.error()) err << problem.to_string() << '\n';
    return ExitCode::usage;
  }
  const auto totals = flow_tests::totals_of(*results);
  if (totals.cases == 0) {
    err << fmt::format("--filter: no case's name holds \"{}\"\n", options.suite.filter);
    return ExitCode::usage;
  }
  if (!options.junit_file.empty()) {
    if (const auto written = write_file(options.junit_file, flow_tests::junit_report(*results)); !written) {
      err << written.error().message << '\n';
      return ExitCode::failed;
    }
  }
  out << (options.json ? flow_tests::json_report(*results, options.verbose)
                       : flow_tests::text_report(*results, options.verbose));
  const bool repeats = options.no_repeats && totals.repeating > 0;
  return totals.failed > 0 || repeats ? ExitCode::failed : ExitCode::ok;
}

}  // namespace millrace::app
