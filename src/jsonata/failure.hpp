#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "jsonata/value.hpp"

namespace millrace::jsonata {

/// Why compiling or evaluating stopped. Thrown inside this folder only; the facade turns it into a Fault. Its values
/// live in the arena of the evaluation that threw it.
struct Failure {
  static constexpr std::int64_t no_position = -1;

  const char* code;
  std::int64_t position = no_position;
  Value token{};    ///< undefined: none
  Value value{};    ///< undefined: none
  Value value2{};   ///< undefined: none
  Value message{};  ///< given by the expression itself ($error, $assert)
  std::int64_t index = -1;
  Value type{};           ///< T0412: what the items had to be
  Value function_name{};  ///< D3140
  Value exponent{};       ///< D3061
  std::int64_t offset = -1;
  const struct InnerFault* inner = nullptr;  ///< D3120, D3121: what went wrong in $eval
};

/// The fault of an expression inside `$eval`, kept as JSON text in the arena.
struct InnerFault {
  std::string_view json;
};

/// The sentence for people that belongs to the failure's code.
std::string message_of(const Failure& failure);

/// All fields of the failure as the reference puts them into its exception: code, position, token, value … , message.
std::string fault_json(const Failure& failure);

}  // namespace millrace::jsonata
