#include "app/flow_command.hpp"

#include <fmt/format.h>

#include "app/exit_code.hpp"
#include "flow/schema.hpp"
#include "flow_tests/file/schema.hpp"

namespace millrace::app {

int validate_flows(const std::vector<std::string>& files, const component::Catalogue& catalogue,
                   const flow::Variables& variables, std::ostream& out, std::ostream& err) {
  const auto flows = flow::load_files(files, catalogue, variables);
  if (!flows) {
    for (const flow::Problem& problem : flows.error()) err << problem.to_string() << '\n';
    return ExitCode::usage;
  }
  for (const flow::Flow& flow : *flows) out << fmt::format("ok {} ({} steps)\n", flow.name, flow.steps.size());
  return ExitCode::ok;
}

int print_flow_schema(const component::Catalogue& catalogue, std::ostream& out) {
  out << flow::flow_schema(catalogue);
  return ExitCode::ok;
}

int print_test_schema(std::ostream& out) {
  out << flow_tests::test_file_schema();
  return ExitCode::ok;
}

}  // namespace millrace::app
