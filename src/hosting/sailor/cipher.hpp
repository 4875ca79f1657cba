#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::hosting::sailor {

/// How elastic.io's library hides message bodies (npm elasticio-sailor-nodejs, lib/encryptor.js): AES-256-CBC with
/// PKCS#7 padding, its key the SHA-256 of a password, its IV the 16 ASCII bytes of a setting. The IV never changes and
/// nothing is authenticated, so this is for being understood, not for being safe.
class Cipher {
 public:
  static constexpr std::size_t iv_size = 16;

  /// Error::unsupported without OpenSSL, Error::invalid if the IV has another size.
  static Result<Cipher> make(std::string_view password, std::string_view iv);

  std::string encrypted(std::string_view text) const;
  /// Error::invalid if these bytes were not made with this password and IV.
  Result<std::string> decrypted(std::string_view bytes) const;

 private:
  Cipher() = default;
  std::array<unsigned char, 32> key_{};
  std::array<unsigned char, iv_size> iv_{};
};

}  // namespace millrace::hosting::sailor
