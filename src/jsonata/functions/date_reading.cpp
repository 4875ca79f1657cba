#include <algorithm>
#include <cmath>
#include <map>

#include "jsonata/failure.hpp"
#include "jsonata/functions/calendar.hpp"
#include "jsonata/functions/date_picture.hpp"
#include "jsonata/regex_program.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

constexpr std::string_view months[] = {"January", "February", "March",     "April",   "May",      "June",
                                       "July",    "August",   "September", "October", "November", "December"};
constexpr std::string_view days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

double whole(std::string_view text) {
  return parse_integer(text, IntegerPicture{});
}

std::string escaped(std::string_view literal) {
  std::string pattern;
  for (char c : literal) {
    if (std::string_view(".*+?^${}()|[]\\/-").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

}  // namespace

std::string DatePicture::pattern_of(const Part& part) {
  if (part.component == '\0') return escaped(part.literal);
  if (part.component == 'Z' || part.component == 'z') {
    std::string pattern = part.component == 'z' ? "GMT[-+][0-9]+" : "[-+][0-9]+";
    if (part.integer.regular) {
      std::string separator;
      append_code_point(separator, part.integer.separators[0].character);
      pattern += escaped(separator) + "[0-9]+";
    }
    return pattern;
  }
  if (!part.has_integer) {
    if (std::string_view("MxFP").find(part.component) == std::string_view::npos)
      throw Failure{.code = "D3133", .value = Value::of(part.component_text)};
    return "[a-zA-Z]+";
  }
  bool upper = part.integer.letter_case == IntegerPicture::Case::upper;
  switch (part.integer.primary) {
    case IntegerPicture::Primary::letters:
      return upper ? "[A-Z]+" : "[a-z]+";
    case IntegerPicture::Primary::roman:
      return upper ? "[MDCLXVI]+" : "[mdclxvi]+";
    case IntegerPicture::Primary::words:
      return "(?:" + word_alternatives() + ")+";
    case IntegerPicture::Primary::sequence:
      throw Failure{.code = "D3130", .value = Value::of(part.integer.token)};
    case IntegerPicture::Primary::decimal:
      break;
  }
  std::string pattern = "[0-9]";
  pattern += part.parse_width > 0 ? "{" + std::to_string(std::min<std::size_t>(part.parse_width, 1000)) + "}" : "+";
  if (part.integer.ordinal) pattern += "(?:th|st|nd|rd)";
  return pattern;
}

/// NaN where the text names nothing.
double DatePicture::value_of(const Part& part, std::string_view text) {
  if (part.component == 'Z' || part.component == 'z') {
    if (part.component == 'z') text.remove_prefix(3);
    if (part.integer.regular) {
      std::string separator;
      append_code_point(separator, part.integer.separators[0].character);
      std::size_t at = text.find(separator);
      return whole(text.substr(0, at)) * 60 + whole(text.substr(at + separator.size()));
    }
    if (text.size() - 1 <= 2) return whole(text) * 60;
    double minutes = whole(text.substr(3));
    return whole(text.substr(0, 3)) * 60 + (std::isnan(minutes) ? 0 : minutes);
  }
  if (part.component == 'f' && part.integer.primary == IntegerPicture::Primary::decimal) {
    double millis = 0, scale = 100;
    for (std::size_t i = 0; i < text.size() && i < 3; ++i, scale /= 10) {
      if (text[i] >= '0' && text[i] <= '9') millis += (text[i] - '0') * scale;
    }
    return millis;
  }
  if (part.has_integer) return parse_integer(text, part.integer);
  if (part.component == 'P') {
    if (text == "am" || text == "AM") return 0;
    return text == "pm" || text == "PM" ? 1 : NAN;
  }
  auto index_in = [&](const auto& names) {
    double index = 1;
    for (std::string_view name : names) {
      if (part.width_max) name = name.substr(0, static_cast<std::size_t>(*part.width_max));
      if (name == text) return index;
      ++index;
    }
    return static_cast<double>(NAN);
  };
  return part.component == 'F' ? index_in(days) : index_in(months);
}

std::optional<double> DatePicture::read(std::string_view text, double now) const {
  std::string pattern = "^";
  for (const Part& part : parts_) pattern += "(" + pattern_of(part) + ")";
  pattern += "$";
  RegexProgram::Match match;
  try {
    if (!RegexProgram(pattern, "i", 0).search(text, 0, match)) return std::nullopt;
  } catch (Failure& failure) {
    failure.value = {};  // the pattern, which is no word of the user's
    throw;
  }
  std::map<char, double> components;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].component == '\0') continue;
    const RegexProgram::Span& span = match.groups[i + 1];
    double value = value_of(parts_[i], text.substr(span.start, span.end - span.start));
    bool name = !parts_[i].has_integer && parts_[i].component != 'Z' && parts_[i].component != 'z';
    if (!(name && std::isnan(value))) components[parts_[i].component] = value;
  }
  if (components.empty()) return std::nullopt;
  auto mask_of = [&](std::string_view letters) {
    unsigned mask = 0;
    for (char letter : letters) {
      auto found = components.find(letter);
      mask = mask << 1 | (found != components.end() && found->second != 0 && !std::isnan(found->second) ? 1u : 0u);
    }
    return mask;
  };
  auto within = [](unsigned mask, unsigned type) { return (mask & ~type) == 0 && (mask & type) != 0; };
  unsigned date_mask = mask_of("YXMxWwdD");
  bool by_date = within(date_mask, 0b10100001);
  bool by_day_of_year = !by_date && within(date_mask, 0b10000010);
  bool by_month_week = within(date_mask, 0b01010100);
  bool by_week = !by_month_week && within(date_mask, 0b01001000);
  unsigned time_mask = mask_of("PHhmsf");
  bool half_days = !within(time_mask, 0b010111) && within(time_mask, 0b101111);
  std::string letters = by_day_of_year ? "Yd" : by_month_week ? "XxwF" : by_week ? "XWF" : "YMD";
  letters += half_days ? "Phmsf" : "Hmsf";
  bool started = false, ended = false;
  for (char letter : letters) {
    if (components.count(letter) == 0) {
      if (started) {
        components[letter] = letter == 'M' || letter == 'D' || letter == 'd' ? 1 : 0;
        ended = true;
      } else {
        components[letter] = fragment_of(moment_of(now), letter);
      }
    } else {
      started = true;
      if (ended) throw Failure{.code = "D3136"};
    }
  }
  if (by_month_week || by_week) throw Failure{.code = "D3136"};
  double month = components['M'] > 0 ? components['M'] - 1 : 0;
  double day = components['D'];
  if (by_day_of_year) {
    Moment moment = moment_of(utc_millis(components['Y'], 0, 1) + (components['d'] - 1) * millis_per_day);
    month = moment.month - 1;
    day = moment.day;
  }
  double hour = components['H'];
  if (half_days) {
    hour = components['h'] == 12 ? 0 : components['h'];
    if (components['P'] == 1) hour += 12;
  }
  double millis = utc_millis(components['Y'], month, day, hour, components['m'], components['s'], components['f']);
  for (char zone : {'Z', 'z'}) {
    auto found = components.find(zone);
    if (found != components.end()) {
      millis -= found->second * 60'000;
      break;
    }
  }
  return millis;
}

}  // namespace millrace::jsonata
