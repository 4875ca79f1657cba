#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "io/posix/openssl_library.hpp"

namespace millrace::io::posix {

/// An SSL_CTX for TLS 1.2 and 1.3: what all connections of a server, or to servers, have in common. Only for tls*.cpp.
class TlsContext {
 public:
  enum class End { server, client };

  /// Error::unsupported where OpenSSL is not installed.
  static Result<std::unique_ptr<TlsContext>> make(End end);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// Of our own end; Error::invalid names the file.
  Status use_certificate(const std::string& certificate, const std::string& key);
  Error cannot_use(std::string_view what, const std::string& file) const;

  const OpensslLibrary& ssl;
  SSL_CTX* const native;

 private:
  TlsContext(const OpensslLibrary& library, End end);
};

/// The last of OpenSSL's reasons, which is the nearest to what was asked; takes them all.
std::string tls_reason(const OpensslLibrary& ssl);

}  // namespace millrace::io::posix
