#include "app/record_command.hpp"

#include <fstream>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "app/api_output.hpp"
#include "app/recorded_case.hpp"
#include "flow/pretty_json.hpp"

namespace millrace::app {
namespace {

namespace json = boost::json;

/// Functions of the steps of a version; of the current one where that is no longer in use.
Result<StepFunctions> functions_of(ApiClient& client, const std::string& flow, std::int64_t version) {
  const auto status = client.ask({.target = "/v1/status"});
  if (!status) return status.error();
  StepFunctions functions;
  const auto add = [&](const json::value& steps) {
    for (const auto& step : steps.as_array()) {
      functions[cell(step.as_object(), "id")] = cell(step.as_object(), "function");
    }
  };
  for (const auto& entry : status->body.at("flows").as_array()) {
    if (cell(entry.as_object(), "name") != flow) continue;
    add(entry.at("steps"));
    for (const auto& one : entry.at("versions").as_array()) {
      if (one.at("version").as_int64() == version) add(one.at("steps"));
    }
  }
  return functions;
}

Result<json::object> make_file(ApiClient& client, const std::vector<std::string>& executions) {
  json::object file;
  json::array cases;
  json::object environment;
  for (const auto& id : executions) {
    const auto shown = client.ask({.target = "/v1/executions/" + percent_encoded(id)});
    if (!shown) return shown.error();
    const auto& execution = shown->body.as_object();
    const auto flow = cell(execution, "flow");
    if (file.contains("flow") && cell(file, "flow") != flow) {
      return Error{Error::Kind::invalid,
                   fmt::format("the executions are of several flows: {} and {}", cell(file, "flow"), flow)};
    }
    file["flow"] = flow;
    const auto version = execution.at("version").as_int64();
    const auto text = client.ask({.target = fmt::format("/v1/flows/{}/versions/{}", percent_encoded(flow), version)});
    if (!text) return text.error();
    const auto functions = functions_of(client, flow, version);
    if (!functions) return functions.error();
    auto one = recorded_case(execution, *functions);
    if (!one) return one.error();
    for (const auto& [name, value] : recorded_environment(cell(text->body.as_object(), "source"), execution)) {
      environment.emplace(name, value);
    }
    cases.push_back(std::move(*one));
  }
  if (!environment.empty()) file["env"] = std::move(environment);
  file["cases"] = std::move(cases);
  return file;
}

}  // namespace

int record_test(const RecordOptions& options) {
  return with_api(options.server, [&](ApiClient& client) -> Status {
    const auto file = make_file(client, options.executions);
    if (!file) return file.error();
    const auto text = flow::pretty_json(*file);
    if (options.output.empty()) {
      fmt::print("{}", text);
      return Done{};
    }
    std::ofstream out(options.output, std::ios::binary);
    out << text;
    out.close();
    if (!out) return Error{Error::Kind::invalid, fmt::format("{} cannot be written", options.output)};
    return Done{};
  });
}

}  // namespace millrace::app
