#include <fmt/format.h>

#include "core/markup.hpp"
#include "flow_tests/report.hpp"

namespace millrace::flow_tests {
namespace {

/// Text in an attribute or element; characters that XML 1.0 (§2.2) does not know are left out.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "&#10;";
    } else if (static_cast<unsigned char>(c) >= 0x20 || c == '\t') {
      append_markup(out, c);
    }
  }
  return out;
}

double seconds(const CaseResult& one) {
  return static_cast<double>(one.took.count()) / 1'000'000;
}

std::string case_xml(const FileResult& file, const CaseResult& one) {
  auto xml = fmt::format(R"(    <testcase classname="{}" name="{}" file="{}" line="{}" time="{:.6f}")",
                         escaped(file.flow), escaped(one.name), escaped(file.file), one.at.line, seconds(one));
  if (one.passes()) return xml + "/>\n";
  std::string all;
  for (const auto& problem : one.problems) all += problem.to_string() + "\n";
  xml += fmt::format(">\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                     escaped(one.problems.front().message), escaped(all));
  return xml;
}

}  // namespace

std::string junit_report(const std::vector<FileResult>& results) {
  const auto totals = totals_of(results);
  std::string suites;
  double all_seconds = 0;
  for (const auto& file : results) {
    std::string cases;
    std::size_t failed = 0;
    double time = 0;
    for (const auto& one : file.cases) {
      cases += case_xml(file, one);
      failed += one.passes() ? 0 : 1;
      time += seconds(one);
    }
    suites += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{:.6f}\">\n{}  </testsuite>\n",
        escaped(file.file), file.cases.size(), failed, time, cases);
    all_seconds += time;
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"millrace test\" tests=\"{}\" failures=\"{}\" "
      "errors=\"0\" time=\"{:.6f}\">\n{}</testsuites>\n",
      totals.cases, totals.failed, all_seconds, suites);
}

}  // namespace millrace::flow_tests
