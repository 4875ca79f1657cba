#include "jsonata/functions/date_picture.hpp"

#include <algorithm>
#include <cmath>

#include "jsonata/failure.hpp"
#include "jsonata/functions/calendar.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

constexpr std::string_view months[] = {"January", "February", "March",     "April",   "May",      "June",
                                       "July",    "August",   "September", "October", "November", "December"};
constexpr std::string_view days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

struct Default {
  char component;
  std::string_view presentation;
};
constexpr Default defaults[] = {{'Y', "1"},     {'M', "1"},     {'D', "1"},  {'d', "1"},  {'F', "n"},
                                {'W', "1"},     {'w', "1"},     {'X', "1"},  {'x', "1"},  {'H', "1"},
                                {'h', "1"},     {'P', "n"},     {'m', "01"}, {'s', "01"}, {'f', "1"},
                                {'Z', "01:01"}, {'z', "01:01"}, {'C', "n"},  {'E', "n"}};

std::optional<double> width_of(std::string_view text) {
  double value = 0;
  std::size_t at = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) value = value * 10 + (text[at] - '0');
  if (at == 0) return std::nullopt;
  return std::min(value, 10'000.0);
}

/// ECMAScript's parseInt.
double leading_integer(std::string_view text) {
  bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  auto value = width_of(text);
  return !value ? NAN : negative ? -*value : *value;
}

std::string cased(std::string_view text, bool upper) {
  std::string result(text);
  for (char& c : result) {
    if (upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z') c = static_cast<char>(c ^ 0x20);
  }
  return result;
}

[[noreturn]] void no_names(std::string_view component) {
  throw Failure{.code = "D3133", .value = Value::of(component)};
}

}  // namespace

DatePicture DatePicture::parse(std::string_view text) {
  DatePicture picture;
  std::string literal;
  auto flush = [&] {
    if (literal.empty()) return;
    picture.parts_.emplace_back().literal = literal;
    literal.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at, 2) == "[[") {
      literal += '[';
      at += 2;
    } else if (text.substr(at, 2) == "]]") {
      literal += ']';
      at += 2;
    } else if (text[at] != '[') {
      literal += text[at++];
    } else {
      flush();
      std::size_t close = text.find(']', at);
      if (close == std::string_view::npos) throw Failure{.code = "D3135"};
      picture.add_marker(text.substr(at + 1, close - at - 1));
      at = close + 1;
    }
  }
  flush();
  return picture;
}

void DatePicture::add_marker(std::string_view raw) {
  std::string marker;
  for (std::size_t at = 0; at < raw.size();) {
    std::size_t from = at;
    if (!is_space(next_code_point(raw, at))) marker.append(raw, from, at - from);
  }
  std::size_t letter = marker.empty() ? std::string_view::npos : raw.find(marker[0]);
  std::size_t size = letter == std::string_view::npos ? 0 : code_point_bytes(raw, letter);
  Part part;
  part.component_text = letter == std::string_view::npos ? "" : raw.substr(letter, size);
  part.component = size == 1 ? marker[0] : '?';
  std::string_view rest = std::string_view(marker).substr(std::min(size, marker.size()));
  std::optional<double> width_min;
  std::size_t comma = rest.rfind(',');
  if (comma != std::string_view::npos) {
    std::string_view width = rest.substr(comma + 1);
    std::size_t dash = width.find('-');
    width_min = width_of(width.substr(0, dash));
    if (dash != std::string_view::npos) part.width_max = width_of(width.substr(dash + 1));
    rest = rest.substr(0, comma);
  }
  std::string first(rest);
  std::string second;
  if (rest.size() > 1 && std::string_view("atco").find(rest.back()) != std::string_view::npos) {
    second = rest.back();
    first.pop_back();
    part.or_z = second == "t";
  }
  if (rest.empty()) {
    auto known = std::find_if(std::begin(defaults), std::end(defaults),
                              [&](const Default& d) { return d.component == part.component; });
    if (known == std::end(defaults)) throw Failure{.code = "D3132", .value = Value::of(part.component_text)};
    first = known->presentation;
  }
  bool zone = part.component == 'Z' || part.component == 'z';
  if (first[0] == 'n') {
    part.names = Names::lower;
  } else if (first[0] == 'N') {
    part.names = first.size() > 1 && first[1] == 'n' ? Names::title : Names::upper;
  } else if (std::string_view("YMDdFWwXxHhmsf").find(part.component) != std::string_view::npos) {
    part.has_integer = true;
    part.integer = IntegerPicture::parse(second.empty() ? first : first + ";" + second);
    if (width_min && part.integer.primary == IntegerPicture::Primary::decimal &&
        static_cast<double>(part.integer.mandatory_digits) < *width_min)
      part.integer.mandatory_digits = static_cast<std::size_t>(*width_min);
    if (part.component == 'Y') {
      if (part.width_max) {
        part.year_digits = static_cast<int>(*part.width_max);
        part.integer.mandatory_digits = static_cast<std::size_t>(*part.width_max);
      } else if (part.integer.primary == IntegerPicture::Primary::decimal &&
                 part.integer.mandatory_digits + part.integer.optional_digits >= 2) {
        part.year_digits = static_cast<int>(part.integer.mandatory_digits + part.integer.optional_digits);
      }
    }
    if (!parts_.empty() && parts_.back().has_integer)
      parts_.back().parse_width = parts_.back().integer.mandatory_digits;
  }
  if (zone) part.integer = IntegerPicture::parse(first);
  parts_.push_back(std::move(part));
}

std::string DatePicture::format(double millis, std::optional<std::string_view> zone) const {
  double offset = zone ? leading_integer(*zone) : 0;
  double hours = std::floor(offset / 100), minutes = std::fmod(offset, 100);
  const Moment moment = moment_of(millis + (60 * hours + minutes) * 60'000);
  std::string text;
  for (const Part& part : parts_)
    text += part.component == '\0' ? part.literal : format_part(part, moment, hours, minutes);
  return text;
}

std::string DatePicture::format_part(const Part& part, const Moment& moment, double zone_hours, double zone_minutes) {
  if (part.component == 'C' || part.component == 'E') return "ISO";
  if (part.component == 'P') {
    bool afternoon = fragment_of(moment, 'P') == 1;
    return part.names == Names::upper ? (afternoon ? "PM" : "AM") : (afternoon ? "pm" : "am");
  }
  if (part.component == 'Z' || part.component == 'z') {
    double offset = zone_hours * 100 + zone_minutes;
    std::string text;
    std::size_t digits = part.integer.mandatory_digits;
    if (part.integer.regular || digits == 3 || digits == 4) {
      text = format_integer(offset, part.integer);
    } else if (digits == 1 || digits == 2) {
      text = format_integer(zone_hours, part.integer);
      if (zone_minutes != 0) text += ":" + format_integer(zone_minutes, IntegerPicture::parse("00"));
    } else {
      throw Failure{.code = "D3134",
                    .value = part.integer.primary == IntegerPicture::Primary::decimal
                                 ? Value::of(static_cast<double>(digits))
                                 : Value{}};
    }
    if (offset >= 0) text.insert(0, "+");
    if (part.component == 'z') text.insert(0, "GMT");
    return offset == 0 && part.or_z ? "Z" : text;
  }
  double value = fragment_of(moment, part.component);
  if (part.names == Names::none) {
    if (!part.has_integer) throw Failure{.code = "D3132", .value = Value::of(part.component_text)};
    if (part.component == 'Y' && part.year_digits != -1) value = std::fmod(value, std::pow(10, part.year_digits));
    return format_integer(value, part.integer);
  }
  std::string_view name;
  if (part.component == 'M' || part.component == 'x') {
    name = months[static_cast<std::size_t>(std::isnan(value) ? 0 : value - 1)];
  } else if (part.component == 'F') {
    name = days[static_cast<std::size_t>(std::isnan(value) ? 0 : value - 1)];
  } else {
    no_names(part.component_text);
  }
  std::string text = part.names == Names::title ? std::string(name) : cased(name, part.names == Names::upper);
  if (part.width_max && static_cast<double>(text.size()) > *part.width_max)
    text.resize(static_cast<std::size_t>(*part.width_max));
  return text;
}

}  // namespace millrace::jsonata
