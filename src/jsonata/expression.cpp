#include "jsonata/expression.hpp"

#include <algorithm>

#include "jsonata/ast.hpp"
#include "jsonata/evaluator.hpp"
#include "jsonata/failure.hpp"
#include "jsonata/json_printer.hpp"
#include "jsonata/json_reader.hpp"

namespace millrace::jsonata {
namespace {

Fault fault_of(const Failure& failure) {
  Fault fault{.code = failure.code, .message = message_of(failure), .position = {}, .token = {}, .details_json = {}};
  if (failure.position != Failure::no_position) fault.position = static_cast<std::size_t>(failure.position);
  if (failure.token.is_string()) {
    fault.token = failure.token.string();
  } else if (!failure.token.is_undefined()) {
    print_json(fault.token, failure.token);
  }
  fault.details_json = fault_json(failure);
  return fault;
}

}  // namespace

struct Expression::Compiled {
  Program program;
};

Expression::Expression(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

Result<Expression, Fault> Expression::compile(std::string_view source) {
  auto compiled = std::make_shared<Compiled>();
  compiled->program.source = source;
  try {
    compile_program(compiled->program, nullptr);
  } catch (const Failure& failure) {
    return fault_of(failure);
  }
  return Expression(std::move(compiled));
}

Result<Outcome, Fault> Expression::run(std::optional<std::string_view> input_json, const std::vector<Binding>& bindings,
                                       const Limits& limits, const Surroundings& surroundings) const {
  Arena arena(limits.memory_max);
  Evaluator evaluator(arena, compiled_->program, limits,
                      surroundings);  // what a failure tells of may lie in the programs it keeps
  try {
    for (const Binding& binding : bindings) evaluator.bind(binding.name, read_json(arena, binding.value_json));
    Value input;
    if (input_json) input = read_json(arena, *input_json);
    Value result = evaluator.run(input);
    Outcome outcome;
    if (result.is_undefined()) return outcome;
    if (result.is_function()) {
      outcome.kind = Outcome::Kind::function;
      return outcome;
    }
    outcome.kind = Outcome::Kind::value;
    outcome.json.reserve(256);
    print_json(outcome.json, result, {.size_max = limits.memory_max});
    return outcome;
  } catch (const Failure& failure) {
    return fault_of(failure);
  }
}

Result<std::optional<std::string>, Fault> Expression::evaluate(std::string_view input_json,
                                                               const std::vector<Binding>& bindings,
                                                               const Limits& limits,
                                                               const Surroundings& surroundings) const {
  auto outcome = run(input_json, bindings, limits, surroundings);
  if (!outcome) return outcome.error();
  if (outcome->kind != Outcome::Kind::value) return std::optional<std::string>{};
  return std::optional<std::string>{std::move(outcome->json)};
}

bool Expression::mentions(std::string_view name) const {
  const auto& names = compiled_->program.names;
  return compiled_->program.uses_eval || std::binary_search(names.begin(), names.end(), name);
}

std::vector<Expression::FreeName> Expression::free_names() const {
  std::vector<FreeName> names;
  for (const Program::Unbound& unbound : compiled_->program.unbound)
    names.push_back({std::string(unbound.name), static_cast<std::size_t>(unbound.position), unbound.called});
  return names;
}

std::string_view Expression::source() const {
  return compiled_->program.source;
}

}  // namespace millrace::jsonata
