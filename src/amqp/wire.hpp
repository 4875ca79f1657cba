#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "amqp/field_table.hpp"

namespace millrace::amqp {

/// How deep tables and arrays may stand in one another; deeper input is malformed.
inline constexpr int field_depth_max = 64;

/// Reads the data types of AMQP 0-9-1 §4.2.5 from bytes that outlive it. Failure sticks: after reading past the end or
/// finding something malformed every call gives zero or nothing and ok() is false, so callers check once, at the end.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  /// A number in network byte order.
  template <class T>
  T number() {
    static_assert(std::is_integral_v<T>);
    if (rest_.size() < sizeof(T)) return fail(), T{};
    std::make_unsigned_t<T> value;
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
    return static_cast<T>(value);
  }
  std::string_view bytes(std::size_t count) {
    if (rest_.size() < count) return fail(), std::string_view{};
    std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::string_view short_string() { return bytes(number<std::uint8_t>()); }
  std::string_view long_string() { return bytes(number<std::uint32_t>()); }
  FieldTable table();
  /// Steps over a table, checking that it is well-formed, without building it.
  void skip_table();

 private:
  std::string_view rest_;
  bool ok_ = true;
};

/// Appends a number in network byte order.
template <class T>
void write_number(std::string& out, T number) {
  static_assert(std::is_integral_v<T>);
  auto value = static_cast<std::make_unsigned_t<T>>(number);
  if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

/// Appends a string of at most 255 bytes; a longer one is cut there (§4.2.5.3 has no way to say more).
void write_short_string(std::string& out, std::string_view text);
void write_long_string(std::string& out, std::string_view text);
void write_table(std::string& out, const FieldTable& table);

}  // namespace millrace::amqp
