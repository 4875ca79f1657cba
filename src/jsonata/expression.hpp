#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace millrace::jsonata {

/// Why an expression could not be compiled or evaluated, as the reference engine reports it
/// (https://docs.jsonata.org/, error codes of jsonata.js). `position` is the offset in the source, in UTF-16 code units
/// as the reference counts it.
struct Fault {
  std::string code;     ///< "S0201", "T2001", "D3020" …; "U1001" and its like for limits
  std::string message;  ///< a sentence for people
  std::optional<std::size_t> position;
  std::string token;
  std::string details_json;  ///< all fields the reference puts into its exception, as a JSON object
};

/// What one evaluation may use. Crossing a limit is a Fault, never a crash.
struct Limits {
  std::chrono::milliseconds time_max{5'000};
  std::size_t depth_max = 25'000;       ///< nested evaluations, as the reference counts them
  std::size_t memory_max = 256u << 20;  ///< bytes
};

/// What an evaluation sees of the world: the machine's clock and random numbers, unless others are given.
struct Surroundings {
  std::optional<std::chrono::sys_time<std::chrono::milliseconds>> now = {};
  std::optional<std::uint64_t> seed = {};
};

/// A variable of the evaluation: `$name`, its value as JSON text.
struct Binding {
  std::string_view name;
  std::string_view value_json;
};

/// What an evaluation yields: nothing, a JSON value, or a function (which has no JSON form).
struct Outcome {
  enum class Kind { undefined, value, function };
  Kind kind = Kind::undefined;
  std::string json;  ///< of a value
};

/// A compiled expression: immutable, cheap to copy, usable from several threads at once.
class Expression {
 public:
  static Result<Expression, Fault> compile(std::string_view source);

  /// Evaluates over one JSON document. The result is JSON text, or nullopt where the expression yields `undefined`.
  /// A result that is a function yields nullopt as well: it has no JSON form.
  Result<std::optional<std::string>, Fault> evaluate(std::string_view input_json,
                                                     const std::vector<Binding>& bindings = {},
                                                     const Limits& limits = {},
                                                     const Surroundings& surroundings = {}) const;

  /// As evaluate(), but tells functions from undefined, and takes an absent input.
  Result<Outcome, Fault> run(std::optional<std::string_view> input_json, const std::vector<Binding>& bindings = {},
                             const Limits& limits = {}, const Surroundings& surroundings = {}) const;

  /// Names of the context fields and variables the source mentions anywhere ("passthrough", "$flow"): what a planner
  /// needs to know to leave out the rest. True for every name when the source calls `$eval`.
  bool mentions(std::string_view name) const;

  /// A variable that neither the expression nor the function library defines: it must come from a Binding, or it is a
  /// mistake. `called`: it is used as a function.
  struct FreeName {
    std::string name;      ///< without the `$`
    std::size_t position;  ///< behind the name, in UTF-16 code units
    bool called;
  };
  std::vector<FreeName> free_names() const;

  std::string_view source() const;

 private:
  struct Compiled;
  explicit Expression(std::shared_ptr<const Compiled> compiled);
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace millrace::jsonata
