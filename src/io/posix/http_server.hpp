#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "io/posix/loop.hpp"

namespace millrace::io::posix {

/// Takes a request's body piece by piece. Dropped before the request is handled if the client goes away.
class HttpBodySink {
 public:
  virtual ~HttpBodySink() = default;
  /// `taken` is called once, on the loop: when the next piece may come, or with false when no more of it is to be read;
  /// then the request is handled at once.
  virtual void take(std::string piece, std::function<void(bool more)> taken) = 0;
};

/// One HTTP/1.1 request, read whole (RFC 9112).
struct HttpRequest {
  std::string method;
  std::string path;                                          ///< the target's path as sent, without the query
  std::string query;                                         ///< what follows "?", without it
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case, in the order sent
  std::string body;
  std::shared_ptr<HttpBodySink> sink;  ///< what has taken the body instead, if HttpHandler::sink gave one
  std::string peer;                    ///< address of the client; empty on a Unix socket

  /// The first value of a header (name in lower case), or empty.
  std::string_view header(std::string_view name) const;
};

/// A body that goes out piece by piece for as long as the client listens, and ends with its connection.
class HttpStream {
 public:
  /// What a client may leave unread; one that has more is too slow, and its connection is closed.
  static constexpr std::size_t unread_max = 4u << 20;

  virtual ~HttpStream() = default;
  /// False, and nothing is sent, once the client is gone or was too slow.
  virtual bool write(std::string_view piece) = 0;
  virtual void close() = 0;
  /// `closed` is called once, on the loop, when nothing can be sent any more; perhaps from inside write() or close().
  virtual void on_closed(std::function<void()> closed) = 0;
};

/// A body of known length that is fetched piece by piece as the client reads.
struct HttpBodySource {
  std::uint64_t size = 0;
  /// Calls `got` once, on the loop, with what follows; an Error cuts the connection.
  std::function<void(std::function<void(Result<std::string>)> got)> next;
};

struct HttpResponse {
  int status = 200;
  std::string content_type;  ///< empty: no body is described
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// Instead of `body`: called once, from inside Respond, with the stream that is the body.
  std::function<void(std::shared_ptr<HttpStream>)> stream = {};
  std::optional<HttpBodySource> source = {};  ///< instead of `body`
};

/// Answers one request; may be kept and called later, on the loop, at most once. If it is dropped uncalled, the client
/// gets 500.
using Respond = std::function<void(HttpResponse)>;

/// What a server asks of its owner. Called on the loop.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// How large a body this request may have, in bytes, judged by its head; beyond it the client gets 413.
  virtual std::uint64_t body_max(const HttpRequest& head) const = 0;
  /// What takes this request's body; nullptr: HttpRequest::body.
  virtual std::shared_ptr<HttpBodySink> sink(const HttpRequest&) { return nullptr; }
  virtual void handle(HttpRequest request, Respond respond) = 0;
};

struct HttpLimits {
  std::uint32_t header_size_max = 16u << 10;  ///< bytes; beyond it 431
  std::size_t connections_max = 1'000;        ///< beyond it 503 and close
  std::chrono::seconds header_timeout{10};    ///< from a request's first byte to the end of its head
  std::chrono::seconds idle_timeout{75};      ///< a kept-alive connection without a request
  std::chrono::seconds body_timeout{60};      ///< for the whole body
};

/// Where to listen: "127.0.0.1:8080", "[::1]:0" (port 0: any), "172.18.0.1%br0:0" (only what arrives over the interface
/// br0), or "unix:/path/to/socket" (made with mode 0600).
using HttpAddress = std::string;

/// A small HTTP/1.1 server over Boost.Beast: keep-alive, pipelining, chunked bodies, Expect: 100-continue. Requests of
/// one connection are handled one after another, in order. Malformed input gets 400 and a close; nothing a client sends
/// ends it.
class HttpServer {
 public:
  /// Error::conflict when the address is in use, Error::invalid when it cannot be parsed; both name it.
  static Result<std::unique_ptr<HttpServer>> listen(AsioLoop& loop, const HttpAddress& address, HttpLimits limits,
                                                    HttpHandler& handler);
  ~HttpServer();

  /// The TCP port; 0 on a Unix socket.
  std::uint16_t port() const;
  std::size_t connections() const;
  /// Stops accepting and closes idle connections; `drained` is called when the requests under way are answered.
  void drain(std::function<void()> drained);

 private:
  struct State;
  explicit HttpServer(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace millrace::io::posix
