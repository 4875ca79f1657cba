#include "component/json_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "component/utf8.hpp"

namespace millrace::component::json_text {
namespace {

/// One pass over a text with its own stack of open brackets.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::size_t at = 0;

  void skip_space() {
    while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\n' || text_[at] == '\r' || text_[at] == '\t')) ++at;
  }
  char peek() const { return at < text_.size() ? text_[at] : '\0'; }

  bool take(char c) {
    if (peek() != c) return false;
    ++at;
    return true;
  }

  /// Moves past one value; false leaves `at` at the fault.
  bool value(std::size_t depth_used = 0) {
    std::array<bool, depth_max> is_object{};
    std::size_t depth = depth_used;
    for (;;) {
      // A value begins here.
      skip_space();
      const char c = peek();
      bool closed = false;
      if (c == '{' || c == '[') {
        if (depth == depth_max) return too_deep_ = true, false;
        ++at;
        is_object[depth++] = c == '{';
        skip_space();
        if (take(c == '{' ? '}' : ']')) {
          --depth;
          closed = true;
        } else if (c == '{' && !name()) {
          return false;
        }
        if (!closed) continue;
      } else if (!scalar(c)) {
        return false;
      }
      // A value has ended: close what ends with it, then go to the next one.
      for (;;) {
        if (depth == depth_used) return true;
        skip_space();
        if (take(',')) {
          skip_space();
          if (is_object[depth - 1] && !name()) return false;
          break;
        }
        if (!take(is_object[depth - 1] ? '}' : ']')) return false;
        --depth;
      }
    }
  }

  bool string() {
    if (!take('"')) return false;
    while (at < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at]);
      if (c == '"') return ++at, true;
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c < 0x20) {
        return false;
      } else if (c < 0x80) {
        ++at;
      } else {
        const auto length = utf8::sequence_length(text_.substr(at));
        if (length == 0) return false;
        at += length;
      }
    }
    return false;
  }

  bool name() {
    if (!string()) return false;
    skip_space();
    return take(':');
  }

  Error fault(std::size_t depth_used = 0) const {
    if (too_deep_) {
      return {Error::Kind::limit, "JSON is nested deeper than " + std::to_string(depth_max - depth_used) + " levels"};
    }
    return {Error::Kind::invalid, "not valid JSON at byte " + std::to_string(at) +
                                      (at >= text_.size() ? ": it ends too early" : std::string())};
  }

 private:
  bool escape() {
    ++at;
    const char c = peek();
    if (c == 'u') {
      for (int i = 1; i <= 4; ++i) {
        if (at + i >= text_.size() || !is_hex(text_[at + i])) return false;
      }
      at += 5;
      return true;
    }
    if (c == '\0' || std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) return false;
    ++at;
    return true;
  }

  static bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  bool word(std::string_view expected) {
    if (text_.substr(at, expected.size()) != expected) return false;
    at += expected.size();
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) return false;
    while (is_digit(peek())) ++at;
    return true;
  }

  bool scalar(char c) {
    switch (c) {
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        break;
    }
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (peek() == 'e' || peek() == 'E') {
      ++at;
      if (!take('+')) take('-');
      return digits();
    }
    return true;
  }

  std::string_view text_;
  bool too_deep_ = false;
};

std::string hex4(unsigned value) {
  static constexpr char digits[] = "0123456789abcdef";
  return {digits[(value >> 12) & 15], digits[(value >> 8) & 15], digits[(value >> 4) & 15], digits[value & 15]};
}

unsigned read_hex4(std::string_view text) {
  unsigned value = 0;
  for (const char c : text.substr(0, 4)) {
    value = value * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return value;
}

template <class Step>
Status walk(std::string_view text, char open, char close, Step step) {
  Scanner scanner(text);
  scanner.skip_space();
  if (!scanner.take(open)) {
    return Error{Error::Kind::invalid, open == '{' ? "not a JSON object" : "not a JSON array"};
  }
  scanner.skip_space();
  if (!scanner.take(close)) {
    do {
      scanner.skip_space();
      if (!step(scanner)) return scanner.fault();
      scanner.skip_space();
    } while (scanner.take(','));
    if (!scanner.take(close)) return scanner.fault();
  }
  scanner.skip_space();
  if (scanner.at != text.size()) return scanner.fault();
  return Done{};
}

template <class Found>
Status each_member(std::string_view text, Found found) {
  return walk(text, '{', '}', [&](Scanner& scanner) {
    const auto name_at = scanner.at;
    if (!scanner.string()) return false;
    const auto raw = text.substr(name_at + 1, scanner.at - name_at - 2);
    scanner.skip_space();
    if (!scanner.take(':')) return false;
    scanner.skip_space();
    const auto value_at = scanner.at;
    if (!scanner.value(1)) return false;
    const auto value = text.substr(value_at, scanner.at - value_at);
    if (raw.find('\\') == std::string_view::npos) {
      found(raw, value);
    } else {
      found(*unquoted(text.substr(name_at, raw.size() + 2)), value);
    }
    return true;
  });
}

}  // namespace

Status check(std::string_view text, std::size_t depth) {
  const auto used = depth_max - std::min(depth, depth_max);
  Scanner scanner(text);
  if (!scanner.value(used)) return scanner.fault(used);
  scanner.skip_space();
  if (scanner.at != text.size()) return scanner.fault();
  return Done{};
}

Status members(std::string_view text, const Member& member) {
  return each_member(text, member);
}

Status elements(std::string_view text, const Element& element) {
  return walk(text, '[', ']', [&](Scanner& scanner) {
    const auto value_at = scanner.at;
    if (!scanner.value(1)) return false;
    element(text.substr(value_at, scanner.at - value_at));
    return true;
  });
}

std::string_view member(std::string_view object, std::string_view name) {
  std::string_view result;
  const auto status = each_member(object, [&](std::string_view found, std::string_view value) {
    if (found == name) result = value;
  });
  return status ? result : std::string_view();
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

void append_quoted(std::string& to, std::string_view text) {
  to += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      const auto length = utf8::sequence_length(text.substr(i));
      to += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(i, length);
      i += length == 0 ? 1 : length;
      continue;
    }
    if (c == '"' || c == '\\') {
      to += '\\';
      to += static_cast<char>(c);
    } else if (c >= 0x20) {
      to += static_cast<char>(c);
    } else if (c == '\n') {
      to += "\\n";
    } else {
      to += "\\u" + hex4(c);
    }
    ++i;
  }
  to += '"';
}

std::string quoted(std::string_view text) {
  std::string result;
  result.reserve(text.size() + 2);
  append_quoted(result, text);
  return result;
}

std::optional<std::string> unquoted(std::string_view value) {
  value = trimmed(value);
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::nullopt;
  value = value.substr(1, value.size() - 2);
  std::string text;
  text.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '\\' || i + 1 == value.size()) {
      text += value[i];
      continue;
    }
    const char c = value[++i];
    constexpr std::string_view from = "bfnrt";
    constexpr std::string_view into = "\b\f\n\r\t";
    if (c == 'u' && value.size() - i > 4) {
      std::uint32_t code = read_hex4(value.substr(i + 1));
      i += 4;
      const bool is_high = code >= 0xD800 && code < 0xDC00;
      if (is_high && value.size() - i > 6 && value[i + 1] == '\\' && value[i + 2] == 'u') {
        const auto low = read_hex4(value.substr(i + 3));
        if (low >= 0xDC00 && low < 0xE000) {
          code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
          i += 6;
        }
      }
      utf8::append(text, code);
    } else if (const auto k = from.find(c); k != std::string_view::npos) {
      text += into[k];
    } else {
      text += c;
    }
  }
  return text;
}

std::string as_text(std::string_view value) {
  auto text = unquoted(value);
  return text ? std::move(*text) : std::string(value);
}

}  // namespace millrace::component::json_text
