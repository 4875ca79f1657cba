#include "jsonata/utf8.hpp"

#include <cstring>

namespace millrace::jsonata {

bool is_ascii(std::string_view text) {
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    if ((word & 0x8080'8080'8080'8080u) != 0) return false;
  }
  for (; left > 0; ++at, --left) {
    if ((static_cast<unsigned char>(*at) & 0x80) != 0) return false;
  }
  return true;
}

std::size_t count_code_points(std::string_view text) {
  if (is_ascii(text)) return text.size();
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += code_point_bytes(text, at)) ++count;
  return count;
}

std::size_t count_utf16(std::string_view text) {
  if (is_ascii(text)) return text.size();
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t bytes = code_point_bytes(text, at);
    count += bytes == 4 ? 2 : 1;
    at += bytes;
  }
  return count;
}

std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  std::size_t bytes = code_point_bytes(text, at);
  auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])); };
  std::uint32_t c = byte(0);
  if (bytes == 2) c = (c & 0x1f) << 6 | (byte(1) & 0x3f);
  if (bytes == 3) c = (c & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
  if (bytes == 4) c = (c & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
  at += bytes;
  return c;
}

char* write_code_point(char* to, std::uint32_t c) {
  auto put = [&](std::uint32_t byte) { *to++ = static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
  return to;
}

void append_code_point(std::string& to, std::uint32_t code_point) {
  char bytes[4];
  to.append(bytes, static_cast<std::size_t>(write_code_point(bytes, code_point) - bytes));
}

std::size_t offset_of_code_point(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += code_point_bytes(text, at);
  return at;
}

std::size_t offset_of_utf16(std::string_view text, std::size_t units) {
  std::size_t at = 0;
  for (std::size_t seen = 0; seen < units && at < text.size();) {
    std::size_t bytes = code_point_bytes(text, at);
    seen += bytes == 4 ? 2 : 1;
    at += bytes;
  }
  return at;
}

bool is_space(std::uint32_t c) {
  if (c <= 0x20) return c == ' ' || (c >= 9 && c <= 13);
  return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000 || c == 0xfeff;
}

}  // namespace millrace::jsonata
