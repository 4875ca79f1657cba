#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::io::posix {

class TlsContext;  // tls_context.hpp

/// PEM files of a server.
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
  explicit TlsServer(std::unique_ptr<TlsContext> context);
  std::unique_ptr<TlsContext> context_;
};

/// PEM files of a client, and whom it trusts.
struct TlsTrust {
  std::string authorities;  ///< certificates that the server's may be signed by; empty: the system's
  std::string certificate;  ///< the client's own; empty: none
  std::string key;          ///< the certificate's, without a passphrase
  bool verify = true;       ///< the server's certificate and that it is its name's
};

/// What a client that speaks TLS 1.2 or 1.3 believes of servers and shows them. Read once. Held by its streams.
class TlsClient {
 public:
  /// Error::invalid names the file that cannot be used and why.
  static Result<std::shared_ptr<TlsClient>> open(const TlsTrust& trust);
  ~TlsClient();

 private:
  friend class TlsStream;
  explicit TlsClient(std::unique_ptr<TlsContext> context);
  std::unique_ptr<TlsContext> context_;
};

/// One connection's encryption, apart from its socket: bytes of the wire in, plain text out, and back. Not thread-safe.
class TlsStream {
 public:
  explicit TlsStream(std::shared_ptr<TlsServer> server);
  /// Of a client, which begins: there is output at once. `server_name`: the host name or IP address that the server's
  /// certificate has to be for (RFC 6125); a host name is told to the server, too (RFC 6066 §3).
  TlsStream(std::shared_ptr<TlsClient> client, const std::string& server_name);
  ~TlsStream();

  /// Takes what the peer sent and appends the plain text in it. An error is the end: the handshake failed, or a record
  /// was not the peer's. There may be output() in any case, if only an alert.
  Status input(std::string_view wire, std::string& plain);
  /// Encrypts for the peer. What is written before the handshake is over waits for its end.
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
