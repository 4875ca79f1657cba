#include "io/posix/tls_context.hpp"

#include <fmt/format.h>

namespace millrace::io::posix {

std::string tls_reason(const OpensslLibrary& ssl) {
  unsigned long last = 0;
  for (unsigned long code = ssl.ERR_get_error(); code != 0; code = ssl.ERR_get_error()) last = code;
  const char* text = ssl.ERR_reason_error_string(last);
  return text == nullptr ? "it cannot be read" : text;
}

TlsContext::TlsContext(const OpensslLibrary& library, End end)
    : ssl(library),
      native(library.SSL_CTX_new(end == End::server ? library.TLS_server_method() : library.TLS_client_method())) {
  ssl.SSL_CTX_ctrl(native, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, nullptr);
  ssl.SSL_CTX_ctrl(native, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, nullptr);
  ssl.SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  ssl.ERR_clear_error();
}

TlsContext::~TlsContext() {
  ssl.SSL_CTX_free(native);
}

Result<std::unique_ptr<TlsContext>> TlsContext::make(End end) {
  const auto library = OpensslLibrary::load();
  if (!library) return library.error();
  return std::unique_ptr<TlsContext>(new TlsContext(**library, end));
}

Error TlsContext::cannot_use(std::string_view what, const std::string& file) const {
  return Error{Error::Kind::invalid, fmt::format("the {} {} cannot be used: {}", what, file, tls_reason(ssl))};
}

Status TlsContext::use_certificate(const std::string& certificate, const std::string& key) {
  if (ssl.SSL_CTX_use_certificate_chain_file(native, certificate.c_str()) != 1) {
    return cannot_use("TLS certificate", certificate);
  }
  if (ssl.SSL_CTX_use_PrivateKey_file(native, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      ssl.SSL_CTX_check_private_key(native) != 1) {
    return cannot_use("TLS key", key);
  }
  return Done{};
}

}  // namespace millrace::io::posix
