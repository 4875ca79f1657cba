#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "component/action.hpp"
#include "core/result.hpp"

namespace millrace::hosting::lines {

/// One line of a component. Exactly one of its parts is there.
struct Answer {
  std::optional<std::string> id;  ///< of the message it is about; none: of the one it was given first
  std::optional<component::Emission> data;
  std::optional<std::string> reply;     ///< JSON text {"status", "headers", "body"}: to the waiting webhook caller
  std::optional<std::string> snapshot;  ///< JSON text of an object
  std::optional<std::string>
      credential;  ///< JSON text of an object: fields of the step's credential that it has got anew
  std::optional<component::Failure> error;
  std::optional<std::string> rebound;  ///< why
  std::optional<std::chrono::milliseconds> retry_after;
  std::optional<std::string> log;
  bool warns = false;  ///< log: level warning or error
  bool end = false;

  /// Error::invalid says what is wrong with the line: it is no JSON object, or has none of the parts or several.
  static Result<Answer> read(std::string_view line);
  /// Whether it is the last word on its message.
  bool is_last() const { return end || error || rebound; }
};

}  // namespace millrace::hosting::lines
