#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::credentials {

/// A key of 256 bits; its bytes are wiped when it ends.
class Key {
 public:
  static constexpr std::size_t size = 32;

  static Key random();
  /// 32 bytes in Base64 (with or without padding, either alphabet) or as 64 hexadecimal digits, white space around
  /// them.
  static Result<Key> parse(std::string_view text);
  Key(const Key&) = default;
  Key& operator=(const Key&) = default;
  ~Key();

  /// In Base64, as parse() reads it.
  std::string text() const;
  const unsigned char* bytes() const { return bytes_.data(); }

 private:
  Key() = default;
  std::array<unsigned char, size> bytes_{};
};

/// Seals texts, and opens them again: XChaCha20-Poly1305 (libsodium's crypto_aead_xchacha20poly1305_ietf), a random
/// nonce before each. What is sealed for one purpose (a credential's name) opens for no other. Thread-safe: it only
/// reads its key.
class Vault {
 public:
  explicit Vault(Key key) : key_(key) {}

  std::string seal(std::string_view text, std::string_view purpose) const;
  /// Error::damaged if the key or the purpose is another, or the bytes have changed.
  Result<std::string> open(std::string_view sealed, std::string_view purpose) const;

 private:
  Key key_;
};

}  // namespace millrace::credentials
