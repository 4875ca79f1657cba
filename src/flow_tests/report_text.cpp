#include <algorithm>

#include <fmt/format.h>

#include "component/config.hpp"
#include "flow_tests/report.hpp"

namespace millrace::flow_tests {
namespace {

void add_crashes(std::string& text, const CrashReport& crashes) {
  text += fmt::format("        killed at {} points ({} commits, before and after each; {} calls)", crashes.points,
                      crashes.commits, crashes.calls);
  if (crashes.points_left > 0) text += fmt::format(", {} left out", crashes.points_left);
  text += crashes.wrong.empty() ? ": the same outcome each time\n"
                                : fmt::format(": another outcome at {}\n", crashes.wrong.size());
  if (crashes.lost_answers > 0) {
    text += fmt::format(
        "        at {} of them a webhook's caller had no answer, though its message was taken (send an "
        "Idempotency-Key)\n",
        crashes.lost_answers);
  }
  for (const auto& repeat : crashes.repeats) {
    text += fmt::format("        step {} ({}): {} of {} crash points {} its {} ({}{})\n", repeat.step, repeat.function,
                        repeat.points, crashes.points, repeat.points == 1 ? "repeats" : "repeat",
                        repeat.mail ? "mail" : "request", repeat.mail ? "" : repeat.target + ", ",
                        repeat.key.empty() ? "without a key: the target cannot tell" : "the same " + repeat.key);
  }
}

void add_case(std::string& text, const CaseResult& one, bool verbose) {
  text += fmt::format("  {}  {}  ({:.1f} ms, {} of virtual time)\n", one.passes() ? "ok  " : "FAIL", one.name,
                      static_cast<double>(one.took.count()) / 1000, component::duration_text(one.trace.elapsed));
  if (verbose || (!one.passes() && !one.trace.broken.empty())) {
    for (const auto& line : one.trace.lines) {
      text += fmt::format("        +{:<10} {}\n", component::duration_text(line.at), line.text);
    }
  }
  constexpr std::size_t problems_max = 30;
  const auto told = std::min(one.problems.size(), problems_max);
  for (std::size_t i = 0; i < told; ++i) text += fmt::format("        {}\n", one.problems[i].to_string());
  if (told < one.problems.size()) text += fmt::format("        … and {} more\n", one.problems.size() - told);
  if (one.crashes) add_crashes(text, *one.crashes);
}

}  // namespace

Totals totals_of(const std::vector<FileResult>& results) {
  Totals totals;
  for (const auto& file : results) {
    for (const auto& one : file.cases) {
      ++totals.cases;
      if (!one.passes()) ++totals.failed;
      if (one.crashes && !one.crashes->repeats.empty()) ++totals.repeating;
    }
  }
  return totals;
}

std::string text_report(const std::vector<FileResult>& results, bool verbose) {
  std::string text;
  for (const auto& file : results) {
    if (file.cases.empty()) continue;
    text += fmt::format("{}  (flow {})\n", file.file, file.flow);
    for (const auto& one : file.cases) add_case(text, one, verbose);
  }
  const auto totals = totals_of(results);
  return text + fmt::format("{} passed, {} failed\n", totals.cases - totals.failed, totals.failed);
}

}  // namespace millrace::flow_tests
