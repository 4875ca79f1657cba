#include "core/id.hpp"

#include <array>

#include <sodium.h>

#include "core/check.hpp"

namespace millrace {
namespace {

using Uuid = std::array<unsigned char, 16>;

void require_sodium() {
  static const int ready = sodium_init();
  MILLRACE_CHECK(ready >= 0, "libsodium could not be initialised: no source of randomness");
}

std::string print(Uuid id, unsigned version) {
  id[6] = static_cast<unsigned char>((id[6] & 0x0f) | (version << 4));
  id[8] = static_cast<unsigned char>((id[8] & 0x3f) | 0x80);
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[id[i] >> 4];
    text += digits[id[i] & 0x0f];
  }
  return text;
}

}  // namespace

std::string random_id() {
  require_sodium();
  Uuid id;
  randombytes_buf(id.data(), id.size());
  return print(id, 4);
}

std::string derived_id(std::initializer_list<std::string_view> parts) {
  require_sodium();
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, sizeof(Uuid));
  for (const auto part : parts) {
    std::array<unsigned char, 8> length;
    for (std::size_t i = 0; i < length.size(); ++i) length[i] = static_cast<unsigned char>(part.size() >> (8 * i));
    crypto_generichash_update(&state, length.data(), length.size());
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
  }
  Uuid id;
  crypto_generichash_final(&state, id.data(), id.size());
  return print(id, 8);
}

std::string child_message_id(std::string_view parent, std::string_view step, std::uint64_t index) {
  return derived_id({parent, step, std::to_string(index)});
}

std::string random_token(std::size_t bytes) {
  require_sodium();
  std::string raw(bytes, '\0');
  randombytes_buf(raw.data(), raw.size());
  std::string hex(bytes * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), reinterpret_cast<const unsigned char*>(raw.data()), raw.size());
  hex.pop_back();
  return hex;
}

}  // namespace millrace
