#include "jsonata/regex_pattern.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

using Range = std::pair<std::uint32_t, std::uint32_t>;
using Ranges = std::vector<Range>;  ///< ascending, apart

constexpr std::uint32_t code_point_max = 0x10ffff, high_surrogate_min = 0xd800, low_surrogate_min = 0xdc00,
                        surrogate_max = 0xdfff;
constexpr std::string_view line_ends = "\\n\\r\\x{2028}\\x{2029}";
constexpr std::string_view surrogate_pair = "[\\ud800-\\udbff][\\udc00-\\udfff]";  ///< how ECMAScript says "an emoji"

const Ranges digits = {{'0', '9'}};
const Ranges word_characters = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const Ranges spaces = {{9, 13},          {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
                       {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};

Ranges complement(const Ranges& of) {
  Ranges result;
  std::uint32_t from = 0;
  for (const auto& [first, last] : of) {
    if (first > from) result.emplace_back(from, first - 1);
    from = last + 1;
  }
  result.emplace_back(from, code_point_max);
  return result;
}

void append_hex(std::string& to, std::uint32_t code) {
  constexpr char hex[] = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), hex[code & 15]);
  } while ((code >>= 4) != 0);
  to.append("\\x{").append(text).append("}");
}

/// Surrogates stand in no valid text; a range over all of them means the pairs, too.
void append_range(std::string& to, std::uint32_t first, std::uint32_t last) {
  auto put = [&](std::uint32_t a, std::uint32_t b) {
    append_hex(to, a);
    if (b > a) append_hex(to += '-', b);
  };
  if (last < high_surrogate_min || first > surrogate_max) return put(first, last);
  if (first < high_surrogate_min) put(first, high_surrogate_min - 1);
  if (last > surrogate_max) put(surrogate_max + 1, last);
  if (first <= high_surrogate_min && last >= surrogate_max && last < code_point_max) put(0x10000, code_point_max);
}

class Translator {
 public:
  Translator(std::string_view pattern, bool multiline, std::string& to)
      : pattern_(pattern), multiline_(multiline), to_(to) {}

  bool run() {
    count_groups();
    while (at_ < pattern_.size()) {
      if (!term()) return false;
    }
    return true;
  }

 private:
  struct Atom {
    std::uint32_t code = 0;
    const Ranges* set = nullptr;  ///< a class of characters instead of one
    Ranges negated{};
    bool whole_set() const { return set != nullptr || !negated.empty(); }
  };

  char at(std::size_t i) const { return i < pattern_.size() ? pattern_[i] : '\0'; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

  void count_groups() {
    bool in_class = false;
    for (std::size_t i = 0; i < pattern_.size(); ++i) {
      char c = pattern_[i];
      if (c == '\\') {
        ++i;
      } else if (in_class) {
        in_class = c != ']';
      } else if (c == '[') {
        in_class = true;
      } else if (c == '(') {
        bool named = at(i + 1) == '?' && at(i + 2) == '<' && at(i + 3) != '=' && at(i + 3) != '!';
        if (at(i + 1) != '?' || named) ++groups_;
        has_names_ = has_names_ || named;
      }
    }
  }

  bool term() {
    char c = pattern_[at_];
    switch (c) {
      case '\\':
        return escape();
      case '[':
        return character_class();
      case '(':
        return group();
      case '.':
        to_.append("[^").append(line_ends).append("]");
        break;
      case '^':
      case '$': {
        std::string_view look = c == '^' ? "(?<=[" : "(?=[";
        to_ += multiline_ ? std::string("(?:").append(1, c).append("|").append(look).append(line_ends).append("]))")
                          : std::string(1, c);
        break;
      }
      case '*':
      case '+':
      case '?':
        return quantifier(1);
      case '{': {
        std::size_t length = braces_length();
        if (length > 0) return quantifier(length);
        to_ += "\\{";
        break;
      }
      default:
        quantifiable_ = c != '|';
        to_ += c;
        ++at_;
        return true;
    }
    quantifiable_ = c != '^' && c != '$';
    ++at_;
    return true;
  }

  /// Length of `{n}`, `{n,}`, `{n,m}` here; 0: a brace is only a brace.
  std::size_t braces_length() const {
    std::size_t i = at_ + 1;
    if (!is_digit(at(i))) return 0;
    while (is_digit(at(i))) ++i;
    if (at(i) == ',') {
      ++i;
      while (is_digit(at(i))) ++i;
    }
    return at(i) == '}' ? i + 1 - at_ : 0;
  }

  bool quantifier(std::size_t length) {
    if (!quantifiable_) return false;
    to_.append(pattern_.substr(at_, length));
    at_ += length;
    if (at(at_) == '?') to_ += pattern_[at_++];
    quantifiable_ = false;
    return true;
  }

  bool group() {
    ++at_;
    quantifiable_ = false;
    to_ += '(';
    if (at(at_) == '*') return false;
    if (at(at_) != '?') return true;
    for (std::string_view kind : {"?:", "?=", "?!", "?<=", "?<!"}) {
      if (pattern_.substr(at_, kind.size()) != kind) continue;
      to_.append(kind);
      at_ += kind.size();
      return true;
    }
    if (at(at_ + 1) != '<') return false;
    std::size_t close = pattern_.find('>', at_);
    if (close == std::string_view::npos) return false;
    to_.append(pattern_.substr(at_, close + 1 - at_));
    at_ = close + 1;
    return true;
  }

  bool escape() {
    if (at_ + 1 >= pattern_.size()) return false;
    quantifiable_ = true;
    char c = pattern_[at_ + 1];
    if (c == 'b' || c == 'B') {
      to_.append(pattern_.substr(at_, 2));
      at_ += 2;
      quantifiable_ = false;
      return true;
    }
    if (c == 'k' && has_names_) {
      std::size_t close = pattern_.find('>', at_);
      if (at(at_ + 2) != '<' || close == std::string_view::npos) return false;
      to_.append(pattern_.substr(at_, close + 1 - at_));
      at_ = close + 1;
      return true;
    }
    if (c >= '1' && c <= '9') {
      std::size_t i = at_ + 1, number = 0;
      while (is_digit(at(i)) && number < 10'000) number = number * 10 + static_cast<std::size_t>(at(i++) - '0');
      if (number <= groups_) {
        to_.append("\\g{").append(std::to_string(number)).append("}");
        at_ = i;
        return true;
      }
    }
    Atom atom = escaped_atom(false);
    if (atom.whole_set()) {
      append_set(atom);
    } else if (atom.code >= high_surrogate_min && atom.code <= surrogate_max) {
      to_.append("(?!)");
    } else {
      append_hex(to_, atom.code);
    }
    return true;
  }

  void append_set(const Atom& atom) {
    to_ += '[';
    append_ranges(atom);
    to_ += ']';
  }
  void append_ranges(const Atom& atom) {
    for (const auto& [first, last] : atom.set != nullptr ? *atom.set : atom.negated) append_range(to_, first, last);
  }

  /// What stands behind the backslash at `at_`, which is moved behind it.
  Atom escaped_atom(bool in_class) {
    char c = at(++at_);
    ++at_;
    switch (c) {
      case 'd':
        return {.set = &digits};
      case 'w':
        return {.set = &word_characters};
      case 's':
        return {.set = &spaces};
      case 'D':
        return {.negated = complement(digits)};
      case 'W':
        return {.negated = complement(word_characters)};
      case 'S':
        return {.negated = complement(spaces)};
      case 'n':
        return {.code = '\n'};
      case 'r':
        return {.code = '\r'};
      case 't':
        return {.code = '\t'};
      case 'f':
        return {.code = '\f'};
      case 'v':
        return {.code = '\v'};
      case 'b':
        return {.code = '\b'};  // in a class
      case 'c': {
        char control = at(at_);
        if (is_letter(control) || (in_class && (is_digit(control) || control == '_'))) {
          ++at_;
          return {.code = static_cast<std::uint32_t>(control) % 32};
        }
        --at_;
        return {.code = '\\'};
      }
      case 'x':
        return {.code = hex(2).value_or('x')};
      case 'u':
        return {.code = unicode_escape()};
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7': {
        std::uint32_t code = static_cast<std::uint32_t>(c - '0');
        for (int more = 0; more < 2 && at(at_) >= '0' && at(at_) <= '7' && code * 8 < 256; ++more)
          code = code * 8 + static_cast<std::uint32_t>(pattern_[at_++] - '0');
        return {.code = code};
      }
      default:
        --at_;
        return {.code = next_code_point(pattern_, at_)};
    }
  }

  std::optional<std::uint32_t> hex(std::size_t count) {
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < count; ++i) {
      char c = at(at_ + i);
      if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return std::nullopt;
      code = code * 16 + static_cast<std::uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    at_ += count;
    return code;
  }

  std::uint32_t unicode_escape() {
    std::uint32_t high = hex(4).value_or('u');
    if (high < high_surrogate_min || high >= low_surrogate_min || at(at_) != '\\' || at(at_ + 1) != 'u') return high;
    std::size_t back = at_;
    at_ += 2;
    std::uint32_t low = hex(4).value_or(0);
    if (low >= low_surrogate_min && low <= surrogate_max)
      return 0x10000 + ((high - high_surrogate_min) << 10) + (low - low_surrogate_min);
    at_ = back;
    return high;
  }

  bool character_class() {
    quantifiable_ = true;
    std::string lower(pattern_.substr(at_, surrogate_pair.size()));
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (lower == surrogate_pair) {
      to_.append("[\\x{10000}-\\x{10ffff}]");
      at_ += surrogate_pair.size();
      return true;
    }
    to_ += '[';
    if (at(++at_) == '^') to_ += pattern_[at_++];
    while (at_ < pattern_.size() && pattern_[at_] != ']') {
      Atom first = class_atom();
      if (at(at_) != '-' || at(at_ + 1) == ']' || at_ + 1 >= pattern_.size()) {
        append_atom(first);
        continue;
      }
      ++at_;
      Atom last = class_atom();
      if (first.whole_set() || last.whole_set()) {
        append_atom(first);
        append_hex(to_, '-');
        append_atom(last);
        continue;
      }
      if (first.code > last.code) return false;
      append_range(to_, first.code, last.code);
    }
    if (at_ >= pattern_.size()) return false;
    to_ += ']';
    ++at_;
    return true;
  }

  Atom class_atom() {
    if (pattern_[at_] == '\\' && at_ + 1 < pattern_.size()) return escaped_atom(true);
    return {.code = next_code_point(pattern_, at_)};
  }
  void append_atom(const Atom& atom) {
    if (atom.whole_set()) {
      append_ranges(atom);
    } else {
      append_range(to_, atom.code, atom.code);
    }
  }

  std::string_view pattern_;
  bool multiline_;
  std::string& to_;
  std::size_t at_ = 0;
  std::size_t groups_ = 0;
  bool has_names_ = false;
  bool quantifiable_ = false;  ///< what stands before may be repeated
};

}  // namespace

bool translate_pattern(std::string_view pattern, bool multiline, std::string& to) {
  return Translator(pattern, multiline, to).run();
}

}  // namespace millrace::jsonata
