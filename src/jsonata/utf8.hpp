#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::jsonata {

/// Bytes of the code point that starts at `at`; a damaged byte counts as one.
inline std::size_t code_point_bytes(std::string_view text, std::size_t at) {
  unsigned char lead = static_cast<unsigned char>(text[at]);
  std::size_t bytes = lead < 0x80 ? 1 : lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1;
  if (at + bytes > text.size()) return 1;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return 1;
  }
  return bytes;
}

bool is_ascii(std::string_view text);
std::size_t count_code_points(std::string_view text);
/// UTF-16 code units of the text: what ECMAScript's `length` and positions count.
std::size_t count_utf16(std::string_view text);
/// The code point at `at`, which is moved behind it.
std::uint32_t next_code_point(std::string_view text, std::size_t& at);
void append_code_point(std::string& to, std::uint32_t code_point);
/// Writes the code point's UTF-8 form (up to 4 bytes) and returns the end.
char* write_code_point(char* to, std::uint32_t code_point);
/// Byte offset of the code point with that index (text.size() beyond the end).
std::size_t offset_of_code_point(std::string_view text, std::size_t index);
/// Byte offset behind that many UTF-16 code units (text.size() beyond the end; behind a pair when it points into one).
std::size_t offset_of_utf16(std::string_view text, std::size_t units);
/// What ECMAScript's trim and \s take for white space.
bool is_space(std::uint32_t code_point);

}  // namespace millrace::jsonata
