#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "core/result.hpp"

namespace millrace::io::posix {

/// OpenSSL 3, loaded when a process first needs it, as libcurl is (docs/adr/0005): of workers only those that host a
/// Node.js component or reach their broker over TLS do. The members have OpenSSL's own names and signatures.
struct OpensslLibrary {
#define MILLRACE_OPENSSL_FUNCTIONS(X)   \
  X(TLS_server_method)                  \
  X(TLS_client_method)                  \
  X(SSL_CTX_new)                        \
  X(SSL_CTX_free)                       \
  X(SSL_CTX_ctrl)                       \
  X(SSL_CTX_set_options)                \
  X(SSL_CTX_use_certificate_chain_file) \
  X(SSL_CTX_use_PrivateKey_file)        \
  X(SSL_CTX_check_private_key)          \
  X(SSL_CTX_load_verify_locations)      \
  X(SSL_CTX_set_default_verify_paths)   \
  X(SSL_CTX_set_client_CA_list)         \
  X(SSL_CTX_set_verify)                 \
  X(SSL_CTX_set_session_id_context)     \
  X(SSL_load_client_CA_file)            \
  X(SSL_new)                            \
  X(SSL_free)                           \
  X(SSL_set_accept_state)               \
  X(SSL_set_connect_state)              \
  X(SSL_set1_host)                      \
  X(SSL_ctrl)                           \
  X(SSL_set_bio)                        \
  X(SSL_get_error)                      \
  X(SSL_do_handshake)                   \
  X(SSL_is_init_finished)               \
  X(SSL_get_verify_result)              \
  X(SSL_read)                           \
  X(SSL_write)                          \
  X(SSL_shutdown)                       \
  X(BIO_new)                            \
  X(BIO_s_mem)                          \
  X(BIO_read)                           \
  X(BIO_write)                          \
  X(BIO_ctrl_pending)                   \
  X(ERR_get_error)                      \
  X(ERR_clear_error)                    \
  X(ERR_reason_error_string)            \
  X(X509_verify_cert_error_string)      \
  X(EVP_CIPHER_CTX_new)                 \
  X(EVP_CIPHER_CTX_free)                \
  X(EVP_aes_256_cbc)                    \
  X(EVP_EncryptInit_ex)                 \
  X(EVP_EncryptUpdate)                  \
  X(EVP_EncryptFinal_ex)                \
  X(EVP_DecryptInit_ex)                 \
  X(EVP_DecryptUpdate)                  \
  X(EVP_DecryptFinal_ex)

#define MILLRACE_OPENSSL_MEMBER(name) decltype(&::name) name = nullptr;
  MILLRACE_OPENSSL_FUNCTIONS(MILLRACE_OPENSSL_MEMBER)
#undef MILLRACE_OPENSSL_MEMBER

  /// Loads it, once for the process; Error::unsupported if it is not installed. Only the loop's thread.
  static Result<const OpensslLibrary*> load();
};

}  // namespace millrace::io::posix
