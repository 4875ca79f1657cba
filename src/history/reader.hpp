#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/varint.hpp"

namespace millrace::history {

/// Takes numbers, texts and ids off the front of bytes; failure sticks, so callers check once. What it hands out points
/// into the bytes.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }

  std::uint64_t number() {
    storage::VarintReader in(rest_);
    const auto value = in.next();
    ok_ = ok_ && in.ok();
    rest_.remove_prefix(rest_.size() - in.left());
    return value;
  }
  unsigned char byte() { return static_cast<unsigned char>(take(1).empty() ? 0 : last_.front()); }
  std::string_view text() { return take(number()); }
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    last_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return last_;
  }
  std::string_view rest() const { return rest_; }
  std::string id() {
    const auto size = number();
    if (size != 0) return std::string(take(size - 1));
    return printed(take(16));
  }

 private:
  static std::string printed(std::string_view packed) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < packed.size(); ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
      const auto byte = static_cast<unsigned char>(packed[i]);
      text += digits[byte >> 4];
      text += digits[byte & 15];
    }
    return text;
  }

  std::string_view rest_;
  std::string_view last_;
  bool ok_ = true;
};

}  // namespace millrace::history
