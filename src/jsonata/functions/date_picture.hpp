#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jsonata/functions/calendar.hpp"
#include "jsonata/functions/integer_picture.hpp"

namespace millrace::jsonata {

/// A date and time picture, `[Y0001]-[M01]-[D01]`
/// (https://www.w3.org/TR/xpath-functions-31/#rules-for-datetime-formatting).
/// Values of the failures it throws live as long as the picture and its text.
class DatePicture {
 public:
  /// Throws Failure D3132, D3135.
  static DatePicture parse(std::string_view picture);

  /// `zone` is ±hhmm; without it UTC. Throws Failure D3130, D3133, D3134.
  std::string format(double millis, std::optional<std::string_view> zone) const;

  /// The moment the text names, `now` standing in for what it leaves out in front. nullopt: it does not fit.
  /// Throws Failure D3130, D3133, D3136.
  std::optional<double> read(std::string_view text, double now) const;

 private:
  enum class Names { none, lower, upper, title };
  struct Part {
    std::string literal;  ///< or
    char component = '\0';
    std::string_view component_text{};
    bool or_z = false;  ///< `t`: Z for UTC
    Names names = Names::none;
    bool has_integer = false;
    IntegerPicture integer{};
    std::optional<double> width_max{};
    int year_digits = -1;
    std::size_t parse_width = 0;
  };
  void add_marker(std::string_view marker);
  static std::string format_part(const Part& part, const Moment& moment, double zone_hours, double zone_minutes);
  static std::string pattern_of(const Part& part);
  static double value_of(const Part& part, std::string_view text);

  std::vector<Part> parts_;
};

}  // namespace millrace::jsonata
