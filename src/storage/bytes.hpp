#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace millrace::storage {

static_assert(std::endian::native == std::endian::little, "the log is little-endian and copied as it is");

template <class T>
void put(std::string& out, T value) {
  static_assert(std::is_integral_v<T>);
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

template <class T>
void put_at(std::string& out, std::size_t offset, T value) {
  static_assert(std::is_integral_v<T>);
  std::memcpy(out.data() + offset, &value, sizeof(T));
}

/// The caller has checked that the bytes are there.
template <class T>
T get_at(std::string_view bytes, std::size_t offset) {
  static_assert(std::is_integral_v<T>);
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

constexpr std::size_t aligned(std::size_t size) {
  return (size + 7) & ~std::size_t{7};
}

inline void pad(std::string& out) {
  out.append(aligned(out.size()) - out.size(), '\0');
}

/// Reads a sequence of fields; failure sticks, so callers check once.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

  template <class T>
  T number() {
    if (rest_.size() < sizeof(T)) return fail(), T{};
    T value = get_at<T>(rest_, 0);
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view bytes(std::size_t count) {
    if (rest_.size() < count) return fail(), std::string_view{};
    std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  /// Bytes preceded by their count (32 bits).
  std::string_view text() { return bytes(number<std::uint32_t>()); }

 private:
  void fail() {
    ok_ = false;
    rest_ = {};
  }
  std::string_view rest_;
  bool ok_ = true;
};

inline void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

}  // namespace millrace::storage
