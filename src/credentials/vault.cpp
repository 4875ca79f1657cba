#include "credentials/vault.hpp"

#include <algorithm>

#include <sodium.h>

#include "component/base64.hpp"
#include "component/json_text.hpp"

namespace millrace::credentials {
namespace {

constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(Key::size == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Key Key::random() {
  Key key;
  randombytes_buf(key.bytes_.data(), key.bytes_.size());
  return key;
}

Result<Key> Key::parse(std::string_view text) {
  text = component::json_text::trimmed(text);
  Key key;
  std::size_t length = 0;
  const bool hex = text.size() == 2 * size &&
                   sodium_hex2bin(key.bytes_.data(), size, text.data(), text.size(), nullptr, &length, nullptr) == 0;
  if (hex && length == size) return key;
  auto bytes = component::base64_decoded(text);
  if (bytes && bytes->size() == size) {
    std::ranges::copy(*bytes, reinterpret_cast<char*>(key.bytes_.data()));
    sodium_memzero(bytes->data(), bytes->size());
    return key;
  }
  return Error{Error::Kind::invalid,
               "is no key: 32 bytes in Base64, or 64 hexadecimal digits (`openssl rand -base64 32` makes one)"};
}

Key::~Key() {
  sodium_memzero(bytes_.data(), bytes_.size());
}

std::string Key::text() const {
  return component::base64_encoded(std::string_view(reinterpret_cast<const char*>(bytes_.data()), bytes_.size()));
}

std::string Vault::seal(std::string_view text, std::string_view purpose) const {
  std::string sealed(nonce_size + text.size() + tag_size, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(sealed.data());
  randombytes_buf(bytes, nonce_size);
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + nonce_size, nullptr, raw(text), text.size(), raw(purpose),
                                             purpose.size(), nullptr, bytes, key_.bytes());
  return sealed;
}

Result<std::string> Vault::open(std::string_view sealed, std::string_view purpose) const {
  const Error failed{Error::Kind::damaged, "the key does not open what is stored, or it is damaged"};
  if (sealed.size() < nonce_size + tag_size) return failed;
  std::string text(sealed.size() - nonce_size - tag_size, '\0');
  const auto* bytes = raw(sealed);
  const int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(text.data()), nullptr,
                                                                nullptr, bytes + nonce_size, sealed.size() - nonce_size,
                                                                raw(purpose), purpose.size(), bytes, key_.bytes());
  if (opened != 0) return failed;
  return text;
}

}  // namespace millrace::credentials
