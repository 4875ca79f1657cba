#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "component/descriptor.hpp"
#include "core/result.hpp"

namespace millrace::component {

/// As text, what people write: "30s", "5m", "1h30m", "500ms", "2d" (units ms, s, m, h, d, each at most once, largest
/// first), or a number of seconds. As a JSON number: milliseconds, the form that a checked flow's config has.
/// Error::invalid says what is expected.
Result<std::chrono::milliseconds> parse_duration(const boost::json::value& value);
/// The duration as people write it and parse_duration reads it: "1d2h", "250ms", "0s".
std::string duration_text(std::chrono::milliseconds duration);
/// "10MB" (powers of 1000: kB, MB, GB), "64KiB" (powers of 1024: KiB, MiB, GiB), "100B", or a number of bytes.
Result<std::uint64_t> parse_size(const boost::json::value& value);

/// A step's `config:` read by its descriptor: complete, checked, defaults filled in. What an action is made from.
///
/// The getters may be asked only for fields the descriptor has (else: CHECK), by their type.
/// A field that is absent and has no default yields an empty text, 0, false or an empty collection.
class Config {
 public:
  /// Error::invalid names the field, as a path below `config` ("headers.accept"), and says what is expected; a field
  /// unknown to the descriptor is an error, too. Expressions are compiled to see that they can be.
  static Result<Config> read(const Descriptor& descriptor, const boost::json::object& config);

  bool has(std::string_view name) const;
  /// Fields of type text, expression, secret and choice.
  std::string text(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  bool boolean(std::string_view name) const;
  std::chrono::milliseconds duration(std::string_view name) const;
  std::uint64_t size(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;
  /// Names and texts in the order they stand in the file.
  std::vector<std::pair<std::string, std::string>> text_map(std::string_view name) const;
  /// Any field as it stands; null if absent.
  const boost::json::value& value(std::string_view name) const;

  const boost::json::object& values() const { return values_; }

 private:
  Config(const Descriptor& descriptor, boost::json::object values);
  std::vector<std::string> known_;  ///< names of the descriptor's fields
  boost::json::object values_;
};

}  // namespace millrace::component
