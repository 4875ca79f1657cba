#include "component/evaluation.hpp"

#include <cstdlib>

#include <fmt/format.h>
#include <unistd.h>

#include "component/json_text.hpp"

namespace millrace::component {
namespace {

std::string describe(const jsonata::Fault& fault) {
  return fmt::format("JSONata {}: {}{}", fault.code, fault.message,
                     fault.position ? fmt::format(" (at character {})", *fault.position) : std::string());
}

bool is_true_value(std::string_view value) {
  value = json_text::trimmed(value);
  if (value.empty()) return false;
  switch (value.front()) {
    case 't':
      return true;
    case 'f':
    case 'n':
      return false;
    case '"':
      return value.size() > 2;
    case '{':
      return !json_text::trimmed(value.substr(1, value.size() - 2)).empty();
    case '[': {
      bool any = false;
      const auto walked = json_text::elements(value, [&](std::string_view element) {
        if (!any) any = is_true_value(element);
      });
      return walked && any;
    }
    default:
      return std::strtod(std::string(value).c_str(), nullptr) != 0;
  }
}

/// What the operator lets mappings see of the environment: MILLRACE_VAR_REGION=eu is {"REGION":"eu"}.
std::string allowed_environment() {
  constexpr std::string_view prefix = "MILLRACE_VAR_";
  std::string object = "{";
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || !text.starts_with(prefix) || equals == prefix.size()) continue;
    if (object.size() > 1) object += ',';
    object += json_text::quoted(text.substr(prefix.size(), equals - prefix.size()));
    object += ':';
    object += json_text::quoted(text.substr(equals + 1));
  }
  return object + '}';
}

}  // namespace

Result<StepExpression> StepExpression::compile(std::string_view source, std::string_view place,
                                               const Services& services) {
  auto compiled = jsonata::Expression::compile(source);
  if (!compiled) return Error{Error::Kind::invalid, fmt::format("{}: {}", place, describe(compiled.error()))};
  return StepExpression(std::move(*compiled), place, services);
}

StepExpression::StepExpression(jsonata::Expression expression, std::string_view place, const Services& services)
    : expression_(std::move(expression)),
      place_(place),
      mentions_execution_(expression_.mentions("$execution")),
      reads_clock_(expression_.mentions("$now") || expression_.mentions("$millis") ||
                   expression_.mentions("$toMillis")),
      clock_(&services.loop),
      seed_(services.seed) {
  if (expression_.mentions("$flow")) flow_json_ = json_text::quoted(services.flow);
  if (expression_.mentions("$step")) step_json_ = json_text::quoted(services.step);
  if (expression_.mentions("$env")) env_json_ = allowed_environment();
}

Result<std::optional<std::string>, Failure> StepExpression::evaluate(std::string_view input_json,
                                                                     std::string_view execution_id,
                                                                     std::vector<jsonata::Binding> more) const {
  std::string execution_json;
  if (!flow_json_.empty()) more.push_back({"flow", flow_json_});
  if (!step_json_.empty()) more.push_back({"step", step_json_});
  if (!env_json_.empty()) more.push_back({"env", env_json_});
  if (mentions_execution_) {
    execution_json = json_text::quoted(execution_id);
    more.push_back({"execution", execution_json});
  }
  jsonata::Surroundings surroundings{.now = {}, .seed = seed_};
  if (reads_clock_) surroundings.now = clock_->wall_now();
  if (seed_) *surroundings.seed ^= std::hash<std::string_view>()(input_json);
  auto result = expression_.evaluate(input_json, more, {}, surroundings);
  if (result) return std::move(*result);
  const auto& fault = result.error();
  return Failure{"jsonata." + fault.code, fmt::format("{}: {}", place_, describe(fault)), fault.details_json};
}

bool is_true(const std::optional<std::string>& result_json) {
  return result_json && is_true_value(*result_json);
}

}  // namespace millrace::component
