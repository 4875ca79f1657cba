#include "hosting/sailor/cipher.hpp"

#include <algorithm>
#include <memory>

#include <sodium.h>

#include "core/check.hpp"
#include "io/posix/openssl_library.hpp"

namespace millrace::hosting::sailor {
namespace {

using io::posix::OpensslLibrary;

constexpr std::size_t block_size = 16;

const OpensslLibrary& openssl() {
  static const OpensslLibrary* const library = *OpensslLibrary::load();  // make() has seen that it can be had
  return *library;
}

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { openssl().EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace

Result<Cipher> Cipher::make(std::string_view password, std::string_view iv) {
  if (const auto library = OpensslLibrary::load(); !library) return library.error();
  if (iv.size() != iv_size) return Error{Error::Kind::invalid, "the IV of message bodies must have 16 characters"};
  Cipher cipher;
  crypto_hash_sha256(cipher.key_.data(), bytes_of(password), password.size());
  std::copy(iv.begin(), iv.end(), cipher.iv_.begin());
  return cipher;
}

std::string Cipher::encrypted(std::string_view text) const {
  const Context context(openssl().EVP_CIPHER_CTX_new());
  std::string out(text.size() + block_size, '\0');
  int size = 0;
  int rest = 0;
  const bool done =
      openssl().EVP_EncryptInit_ex(context.get(), openssl().EVP_aes_256_cbc(), nullptr, key_.data(), iv_.data()) == 1 &&
      openssl().EVP_EncryptUpdate(context.get(), bytes_of(out), &size, bytes_of(text), static_cast<int>(text.size())) ==
          1 &&
      openssl().EVP_EncryptFinal_ex(context.get(), bytes_of(out) + size, &rest) == 1;
  MILLRACE_CHECK(done, "AES-256-CBC takes any text");
  out.resize(static_cast<std::size_t>(size + rest));
  return out;
}

Result<std::string> Cipher::decrypted(std::string_view bytes) const {
  const Context context(openssl().EVP_CIPHER_CTX_new());
  std::string out(bytes.size() + block_size, '\0');
  int size = 0;
  int rest = 0;
  const bool done =
      openssl().EVP_DecryptInit_ex(context.get(), openssl().EVP_aes_256_cbc(), nullptr, key_.data(), iv_.data()) == 1 &&
      openssl().EVP_DecryptUpdate(context.get(), bytes_of(out), &size, bytes_of(bytes),
                                  static_cast<int>(bytes.size())) == 1 &&
      openssl().EVP_DecryptFinal_ex(context.get(), bytes_of(out) + size, &rest) == 1;
  if (!done) return Error{Error::Kind::invalid, "cannot be decrypted"};
  out.resize(static_cast<std::size_t>(size + rest));
  return out;
}

}  // namespace millrace::hosting::sailor
