#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::io::posix {

/// PEM files.
struct TlsFiles {
  std::string certificate;  ///< the server's, and after it those up to the root's
  std::string key;          ///< the certificate's, without a passphrase
  std::string client_ca;    ///< if not empty: clients need a certificate that these have signed
};

/// What a server that speaks TLS 1.2 or 1.3 (RFC 5246, RFC 8446) shows its clients and asks of them. Read once: new
/// files count from the next start. Held by its streams.
class TlsServer {
 public:
  /// Error::invalid names the file that cannot be used and why.
  static Result<std::shared_ptr<TlsServer>> open(const TlsFiles& files);
  ~TlsServer();

 private:
  friend class TlsStream;
  struct Context;
  explicit TlsServer(std::unique_ptr<Context> context);
  std::unique_ptr<Context> context_;
};

/// One connection's encryption, apart from its socket: bytes of the wire in, plain text out, and back. Not thread-safe.
class TlsStream {
 public:
  explicit TlsStream(std::shared_ptr<TlsServer> server);
  ~TlsStream();

  /// Takes what the peer sent and appends the plain text in it. An error is the end: the handshake failed, or a record
  /// was not the peer's. There may be output() in any case, if only an alert.
  Status input(std::string_view wire, std::string& plain);
  /// Encrypts for the peer; only after plain text has come from it.
  void write(std::string_view plain);
  /// Tells the peer that nothing more comes.
  void close();
  /// Appends what is to be sent.
  void take_output(std::string& wire);
  bool has_output() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::io::posix
