#pragma once

#include <string_view>

#include "jsonata/evaluator.hpp"
#include "jsonata/signature.hpp"

namespace millrace::jsonata {

/// A function of the library: https://docs.jsonata.org/ (String, Numeric, … functions).
struct BuiltIn {
  std::string_view name;
  Value (*call)(const Call&);
  std::string_view signature_text;
  int arity;  ///< parameters it declares: how many of (value, position, whole) it gets from $map and its like
  Signature signature{};
  Function self{};
};

/// What `work` returns. The value of a failure it throws is copied into the arena, to outlive what it refers to.
template <class Work>
auto keeping_failures(const Call& call, Work work) {
  try {
    return work();
  } catch (Failure& failure) {
    if (failure.value.is_string()) failure.value = Value::of(call.arena.copy(failure.value.string()));
    throw;
  }
}

/// The text of a picture argument. Throws Failure U1003 for one that no person wrote.
inline std::string_view picture_of(Value argument) {
  constexpr std::size_t picture_size_max = 4096;
  std::string_view text = argument.is_string() ? argument.string() : "";
  if (text.size() > picture_size_max) throw Failure{.code = "U1003", .value = Value::of(double{picture_size_max})};
  return text;
}

/// nullptr: the library has no function of that name.
const BuiltIn* find_builtin(std::string_view name);

/// One family of functions.
struct Family {
  const BuiltIn* functions;
  std::size_t count;
};
Family string_functions();
Family regex_functions();
Family encoding_functions();
Family number_functions();
Family number_text_functions();
Family date_functions();
Family array_functions();
Family object_functions();
Family higher_order_functions();
Family control_functions();

}  // namespace millrace::jsonata
