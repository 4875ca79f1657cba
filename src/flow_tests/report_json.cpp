#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "flow/pretty_json.hpp"
#include "flow_tests/report.hpp"

namespace millrace::flow_tests {
namespace json = boost::json;
namespace {

json::object problem_json(const flow::Problem& problem) {
  return {{"file", problem.at.file},
          {"line", problem.at.line},
          {"column", problem.at.column},
          {"field", problem.field},
          {"message", problem.message}};
}

json::object crashes_json(const CrashReport& crashes) {
  json::array repeats;
  for (const auto& repeat : crashes.repeats) {
    repeats.push_back(json::object{{"step", repeat.step},
                                   {"function", repeat.function},
                                   {"kind", repeat.mail ? "mail" : "request"},
                                   {"target", repeat.target},
                                   {"key", repeat.key},
                                   {"points", repeat.points}});
  }
  json::array wrong;
  for (const auto& outcome : crashes.wrong) wrong.push_back(json::value(outcome.point));
  return {{"points", crashes.points}, {"points_left_out", crashes.points_left}, {"commits", crashes.commits},
          {"calls", crashes.calls},   {"lost_answers", crashes.lost_answers},   {"repeats", std::move(repeats)},
          {"wrong", std::move(wrong)}};
}

json::object case_json(const CaseResult& one, bool verbose) {
  json::array problems;
  for (const auto& problem : one.problems) problems.push_back(problem_json(problem));
  json::object it{{"name", one.name},
                  {"line", one.at.line},
                  {"passed", one.passes()},
                  {"elapsed_ms", one.trace.elapsed.count()},
                  {"took_ms", static_cast<double>(one.took.count()) / 1000},
                  {"problems", std::move(problems)}};
  if (one.crashes) it["crashes"] = crashes_json(*one.crashes);
  if (!verbose) return it;
  json::array lines;
  for (const auto& line : one.trace.lines) lines.push_back({{"at_ms", line.at.count()}, {"text", line.text}});
  it["lines"] = std::move(lines);
  it["trace"] = as_json(one.trace);
  return it;
}

}  // namespace

std::string json_report(const std::vector<FileResult>& results, bool verbose) {
  const auto totals = totals_of(results);
  json::array files;
  for (const auto& file : results) {
    json::array cases;
    for (const auto& one : file.cases) cases.push_back(case_json(one, verbose));
    files.push_back(json::object{{"file", file.file}, {"flow", file.flow}, {"cases", std::move(cases)}});
  }
  return flow::pretty_json(
      json::object{{"passed", totals.cases - totals.failed}, {"failed", totals.failed}, {"files", std::move(files)}});
}

}  // namespace millrace::flow_tests
