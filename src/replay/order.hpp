#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "core/result.hpp"
#include "history/selection.hpp"

namespace millrace::replay {

/// What shall be replayed, and how.
struct Order {
  history::Choice what;
  enum class Version { original, current, numbered };
  Version version = Version::current;
  std::int64_t number = 0;     ///< of `numbered`
  double rate = 0;             ///< messages a second; 0: as fast as they are taken
  std::string body = {};       ///< JSON text that stands in for each message's body; empty: its own
  bool with_redacted = false;  ///< also messages of which values were left out when they were recorded

  /// As it is stored and shown.
  boost::json::object to_json() const;
  /// Error::invalid names the member. Flow, or execution, must be said.
  static Result<Order> from_json(const boost::json::object& json);
};

}  // namespace millrace::replay
