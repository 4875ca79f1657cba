#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace millrace::io {

struct TlsSettings {
  bool verify = true;
  std::string ca_file = {};  ///< PEM; empty: the system's authorities
  /// PEM: what we prove ourselves with; empty: nothing.
  std::string certificate_file = {};
  std::string key_file = {};
};

struct HttpCall {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  ///< "Name: value", without CR and LF
  std::optional<std::string> body;
  std::chrono::milliseconds timeout{30'000};  ///< for all of it; 0: it may last for ever, once connected
  int redirects_max = 0;
  std::size_t response_max = 10'000'000;
  TlsSettings tls;
  std::string unix_socket = {};  ///< path of the socket to connect to, whatever host the URL names; empty: TCP
  /// Where the body of a 2xx answer goes as it comes, instead of into the answer; it is not called from inside http().
  std::function<void(std::string_view)> on_body = {};
  std::size_t bytes_per_second_max = 0;  ///< how fast the body is read; 0: as it comes
};

struct HttpAnswer {
  int status = 0;
  std::string header_lines;  ///< of the last response, as they came, without the status line
  std::string body;          ///< with its Content-Encoding undone
  std::string url;           ///< after redirects

  /// Value of the last header of that name (any case), trimmed; empty if absent.
  std::string_view header(std::string_view name) const;
};

/// One part of a mail that carries something: its text or an attached file.
struct MailPart {
  std::string content_type;
  std::string bytes;
  std::string file_name = {};  ///< empty: not an attachment
  std::string content_id = {};
};

struct MailCall {
  std::string url;  ///< smtp://host:port or smtps://host:port
  bool starttls = false;
  bool starttls_required = false;
  std::string username;
  std::string password;
  std::string token = {};    ///< instead of a password: an OAuth 2.0 access token (XOAUTH2, OAUTHBEARER of RFC 7628)
  bool only_log_in = false;  ///< no mail is sent: the answer says that the server has let us in
  TlsSettings tls;
  std::chrono::milliseconds timeout{60'000};
  std::string sender;                   ///< bare address
  std::vector<std::string> recipients;  ///< bare addresses
  std::vector<std::string> headers;     ///< "Name: value", encoded; CR LF only to fold a line
  std::vector<MailPart> bodies;         ///< one, or alternatives from plain to rich
  std::vector<MailPart> attachments;
};

struct MailAnswer {
  std::string response;  ///< the server's last line
};

/// Why a transfer came to nothing.
struct TransferFault {
  enum class Kind {
    invalid,      ///< what was asked for is malformed: the URL, a header
    unavailable,  ///< refused, reset, no such host, TLS handshake failed
    timeout,
    untrusted,  ///< the server's certificate
    too_large,
    redirects,
    rejected,  ///< SMTP reply 5xx
    busy,      ///< SMTP reply 4xx
    login,     ///< SMTP login refused
  };
  Kind kind = Kind::unavailable;
  std::string message;  ///< a sentence, without secrets
  int reply_code = 0;   ///< SMTP, where there was one
  int system_code = 0;  ///< errno of the connection that failed, where there was one
};

/// Requests and mails to the world outside, in the background. This is the one way by which a step reaches a service:
/// io/posix makes them for real, a flow test answers them from its file.
///
/// `done` is called exactly once for every call, on the loop, never from inside http() or mail(), unless this object
/// is destroyed before: then what is under way is dropped and `done` is not called. A `done` must not destroy this
/// object.
class Transfers {
 public:
  using HttpDone = std::function<void(Result<HttpAnswer, TransferFault>)>;
  using MailDone = std::function<void(Result<MailAnswer, TransferFault>)>;

  virtual ~Transfers() = default;
  virtual void http(HttpCall call, HttpDone done) = 0;
  virtual void mail(MailCall call, MailDone done) = 0;
};

}  // namespace millrace::io
