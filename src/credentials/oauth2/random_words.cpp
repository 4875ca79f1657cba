#include "credentials/oauth2/random_words.hpp"

#include <array>

#include <sodium.h>

namespace millrace::credentials::oauth2 {
namespace {

using Bytes = std::array<unsigned char, 32>;
static_assert(crypto_hash_sha256_BYTES == 32);

std::string for_url(const Bytes& bytes) {
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.pop_back();
  return text;
}

}  // namespace

std::string random_word() {
  Bytes bytes;
  randombytes_buf(bytes.data(), bytes.size());
  return for_url(bytes);
}

std::string s256_challenge(const std::string& verifier) {
  Bytes digest;
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(verifier.data()), verifier.size());
  return for_url(digest);
}

}  // namespace millrace::credentials::oauth2
