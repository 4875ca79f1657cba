#include <array>
#include <string>

#include "jsonata/functions/library.hpp"
#include "jsonata/utf8.hpp"

namespace millrace::jsonata {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view uri_unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()";
constexpr std::string_view uri_reserved = ";/?:@&=+$,#";

/// The text's code points as Latin-1 bytes, which is what the reference's base64 works on. Nothing is lost for ASCII.
std::string latin1(std::string_view text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t c = next_code_point(text, at);
    if (c > 0xffff) bytes += static_cast<char>((0xd800 + ((c - 0x10000) >> 10)) & 0xff), c = 0xdc00 + (c & 0x3ff);
    bytes += static_cast<char>(c & 0xff);
  }
  return bytes;
}

Value base64encode(const Call& c) {
  if (c[0].is_undefined()) return {};
  std::string_view text = c[0].string();
  std::string narrow;
  if (!is_ascii(text)) text = narrow = latin1(text);
  char* to = static_cast<char*>(c.arena.allocate((text.size() + 2) / 3 * 4));
  char* out = to;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u);
    std::size_t used = text.size() - i;
    for (std::size_t k = 0; k < 4; ++k) *out++ = k <= used ? alphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return Value::of(std::string_view{to, static_cast<std::size_t>(out - to)});
}

Value base64decode(const Call& c) {
  if (c[0].is_undefined()) return {};
  static const std::array<signed char, 256> digits = [] {
    std::array<signed char, 256> table;
    table.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i)
      table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
    table['-'] = 62;
    table['_'] = 63;
    return table;
  }();
  char* to = static_cast<char*>(c.arena.allocate(c[0].length / 4 * 3 * 2 + 8));
  char* out = to;
  std::uint32_t bits = 0;
  int count = 0;
  for (char ch : c[0].string()) {
    if (ch == '=') break;
    int digit = digits[static_cast<unsigned char>(ch)];
    if (digit < 0) continue;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out = write_code_point(out, bits >> count & 0xff);
    }
  }
  return Value::of(std::string_view{to, static_cast<std::size_t>(out - to)});
}

[[noreturn]] void malformed(std::string_view function, Value value) {
  throw Failure{.code = "D3140", .value = value, .function_name = Value::of(function)};
}

void check_size(const Call& c, const std::string& out) {
  if (out.size() > c.evaluator.memory_max() / 2) throw Failure{.code = "U1002"};
}

Value encode(const Call& c, std::string_view function, std::string_view also_kept) {
  if (c[0].is_undefined()) return {};
  constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  std::string_view text = c[0].string();
  for (std::size_t at = 0; at < text.size();) {
    std::size_t start = at;
    std::uint32_t code = next_code_point(text, at);
    check_size(c, out);
    if (code >= 0xd800 && code < 0xe000) malformed(function, c[0]);
    if (code < 0x80 && (uri_unreserved.find(static_cast<char>(code)) != std::string_view::npos ||
                        also_kept.find(static_cast<char>(code)) != std::string_view::npos)) {
      out += static_cast<char>(code);
      continue;
    }
    for (; start < at; ++start) {
      unsigned char byte = static_cast<unsigned char>(text[start]);
      ((out += '%') += hex[byte >> 4]) += hex[byte & 15];
    }
  }
  return Value::of(c.arena.copy(out));
}

Value decode(const Call& c, std::string_view function, std::string_view left_encoded) {
  if (c[0].is_undefined()) return {};
  std::string_view text = c[0].string();
  auto byte_at = [&](std::size_t at) -> int {
    if (at + 2 >= text.size() || text[at] != '%') return -1;
    int value = 0;
    for (std::size_t i = 1; i <= 2; ++i) {
      char h = text[at + i];
      int digit = h >= '0' && h <= '9'   ? h - '0'
                  : h >= 'a' && h <= 'f' ? h - 'a' + 10
                  : h >= 'A' && h <= 'F' ? h - 'A' + 10
                                         : -1;
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  };
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    check_size(c, out);
    if (text[at] != '%') {
      out += text[at++];
      continue;
    }
    int lead = byte_at(at);
    std::size_t size = lead < 0      ? 0
                       : lead < 0x80 ? 1
                       : lead < 0xc2 ? 0
                       : lead < 0xe0 ? 2
                       : lead < 0xf0 ? 3
                       : lead < 0xf5 ? 4
                                     : 0;
    if (size == 0) malformed(function, c[0]);
    char bytes[4];
    for (std::size_t i = 0; i < size; ++i) {
      int byte = byte_at(at + 3 * i);
      if (byte < 0 || (i > 0 && (byte & 0xc0) != 0x80)) malformed(function, c[0]);
      bytes[i] = static_cast<char>(byte);
    }
    std::size_t used = 0;
    std::string_view decoded{bytes, size};
    std::uint32_t code = next_code_point(decoded, used);
    bool overlong = (size == 3 && code < 0x800) || (size == 4 && (code < 0x10000 || code > 0x10ffff));
    if (used != size || overlong || (code >= 0xd800 && code < 0xe000)) malformed(function, c[0]);
    if (size == 1 && left_encoded.find(bytes[0]) != std::string_view::npos) {
      out.append(text.substr(at, 3));
    } else {
      out.append(decoded);
    }
    at += 3 * size;
  }
  return Value::of(c.arena.copy(out));
}

Value encode_url(const Call& c) {
  return encode(c, "encodeUrl", uri_reserved);
}
Value encode_url_component(const Call& c) {
  return encode(c, "encodeUrlComponent", "");
}
Value decode_url(const Call& c) {
  return decode(c, "decodeUrl", uri_reserved);
}
Value decode_url_component(const Call& c) {
  return decode(c, "decodeUrlComponent", "");
}

const BuiltIn functions[] = {
    {"base64encode", base64encode, "<s-:s>", 1, {}, {}},
    {"base64decode", base64decode, "<s-:s>", 1, {}, {}},
    {"encodeUrl", encode_url, "<s-:s>", 1, {}, {}},
    {"encodeUrlComponent", encode_url_component, "<s-:s>", 1, {}, {}},
    {"decodeUrl", decode_url, "<s-:s>", 1, {}, {}},
    {"decodeUrlComponent", decode_url_component, "<s-:s>", 1, {}, {}},
};

}  // namespace

Family encoding_functions() {
  return {functions, std::size(functions)};
}

}  // namespace millrace::jsonata
