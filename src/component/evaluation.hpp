#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "component/action.hpp"
#include "jsonata/expression.hpp"

namespace millrace::component {

/// An expression of a step: JSONata that may use `$flow`, `$step`, `$execution` and `$env`, an object of the process's
/// environment variables named MILLRACE_VAR_… without that prefix. They are bound only where the source mentions them;
/// its clock is the services' loop. A fault comes back as the message's failure, with code "jsonata.<code>".
class StepExpression {
 public:
  /// Error::invalid names `place` ("config.expression"), the engine's code and the position.
  static Result<StepExpression> compile(std::string_view source, std::string_view place, const Services& services);

  /// JSON text, or nullopt for `undefined`. `more` are further variables.
  Result<std::optional<std::string>, Failure> evaluate(std::string_view input_json, std::string_view execution_id,
                                                       std::vector<jsonata::Binding> more = {}) const;

 private:
  StepExpression(jsonata::Expression expression, std::string_view place, const Services& services);

  jsonata::Expression expression_;
  std::string place_;
  std::string flow_json_;  ///< empty where not mentioned
  std::string step_json_;
  std::string env_json_;
  bool mentions_execution_;
  bool reads_clock_;
  const io::Loop* clock_;
  std::optional<std::uint64_t> seed_;
};

/// What `$boolean()` says of a result: undefined, null, false, 0, "", {} and arrays without a true member are false.
bool is_true(const std::optional<std::string>& result_json);

}  // namespace millrace::component
