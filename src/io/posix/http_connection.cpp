#include "io/posix/http_connection.hpp"

#include <array>
#include <optional>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

#include "io/posix/http_head.hpp"
#include "io/posix/http_problem.hpp"

namespace millrace::io::posix {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Protocol = asio::generic::stream_protocol;

namespace {

constexpr std::size_t piece_size = 256u << 10;     // of a body that goes to a sink
constexpr std::chrono::seconds linger_timeout{2};  // a client that still sends gets this long to read the answer

void append_head(std::string& out, const HttpResponse& response, bool keep_alive) {
  out += fmt::format("HTTP/1.1 {} {}\r\n", response.status,
                     std::string_view(http::obsolete_reason(static_cast<http::status>(response.status))));
  for (const auto& [name, value] : response.headers) out.append(name).append(": ").append(value).append("\r\n");
  if (!response.content_type.empty()) out.append("Content-Type: ").append(response.content_type).append("\r\n");
  const bool bodyless =
      response.status == 204 || response.status == 304 || response.status < 200 || response.stream != nullptr;
  if (!bodyless) {
    out += fmt::format("Content-Length: {}\r\n", response.source ? response.source->size : response.body.size());
  }
  out += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

/// One client's connection: wait for a request, read its head and body, have it handled, write, again.
class HttpConnection : public std::enable_shared_from_this<HttpConnection>, public HttpStream {
 public:
  HttpConnection(Protocol::socket socket, std::string peer, std::shared_ptr<HttpConnections> all)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), peer_(std::move(peer)), all_(std::move(all)) {
    all_->open.insert(this);
  }
  ~HttpConnection() override { all_->closed(this); }

  void start() { await_request(all_->limits.header_timeout); }

  void refuse() {
    auto response = problem(503, "Too many connections", "the server's connection limit is reached; try again");
    response.headers.emplace_back("Retry-After", "1");
    refuse(std::move(response));
  }

  void close_when_idle() {
    if (state_ == State::idle || state_ == State::lingering || state_ == State::streaming) close();
  }

  bool write(std::string_view piece) override {
    if (state_ != State::streaming) return false;
    if (unsent_.size() + piece.size() > unread_max) {
      close();
      return false;
    }
    unsent_ += piece;
    if (!sending_) send_piece();
    return true;
  }

  void on_closed(std::function<void()> closed) override { stream_closed_ = std::move(closed); }

  void close() override {
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    if (state_ == State::streaming) state_ = State::closed;
    if (const auto closed = std::exchange(stream_closed_, nullptr)) closed();
  }

 private:
  enum class State { idle, reading, handling, writing, lingering, streaming, closed };

  void await_request(std::chrono::seconds timeout) {
    state_ = State::idle;
    is_head_ = false;
    skip_empty_lines();
    if (buffer_.size() > 0) return read_head();
    if (all_->draining) return close();
    set_deadline(timeout);
    socket_.async_read_some(buffer_.prepare(4096),
                            [self = shared_from_this()](const error_code& error, std::size_t size) {
                              if (error) return self->close();
                              self->buffer_.commit(size);
                              self->skip_empty_lines();
                              if (self->buffer_.size() == 0) return self->close();
                              self->read_head();
                            });
  }

  /// Some clients send one after a body (RFC 9112 §2.2).
  void skip_empty_lines() {
    const auto received = this->received();
    if (received.starts_with("\r\n")) buffer_.consume(2);
  }

  std::string_view received() const {
    return {static_cast<const char*>(buffer_.cdata().data()), buffer_.cdata().size()};
  }

  void read_head() {
    state_ = State::reading;
    set_deadline(all_->limits.header_timeout);
    parser_.emplace();
    parser_->header_limit(all_->limits.header_size_max);
    parser_->body_limit(boost::none);
    http::async_read_header(
        socket_, buffer_, *parser_,
        [self = shared_from_this()](const error_code& error, std::size_t) { self->head_read(error); });
  }

  void head_read(const error_code& error) {
    if (error) return reading_failed(error);
    if (all_->handler == nullptr) return close();
    auto& head = parser_->get();
    keep_alive_ = head.keep_alive();
    request_ = {};
    request_.method = std::string(head.method_string());
    is_head_ = head.method() == http::verb::head;
    if (!read_target(head.target(), request_)) {
      return refuse(problem(400, "Bad request", "the request's target is neither a path nor an http address"));
    }
    request_.peer = peer_;
    for (const auto& field : head) {
      std::string name(field.name_string());
      for (char& c : name) c = lower(c);
      request_.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    if (auto fault = fault_of_head(request_, head.version() == 11)) return refuse(std::move(*fault));
    body_max_ = all_->handler->body_max(request_);
    if (const auto length = parser_->content_length(); length && *length > body_max_) return refuse(too_large());
    parser_->body_limit(body_max_);
    request_.sink = all_->handler->sink(request_);
    if (parser_->is_done()) return body_read({});
    set_deadline(all_->limits.body_timeout);
    if (request_.header("expect").empty()) return read_body();
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(socket_, asio::buffer(out_), [self = shared_from_this()](const error_code& failed, std::size_t) {
      failed ? self->reading_failed(failed) : self->read_body();
    });
  }

  void read_body() {
    if (request_.sink) {
      pieces_.emplace(std::move(*parser_));
      return read_piece();
    }
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) { self->body_read(error); });
  }

  void body_read(const error_code& error) {
    if (error) return reading_failed(error);
    request_.body = std::move(parser_->get().body());
    begin_handling();
  }

  void begin_handling() {
    if (all_->handler == nullptr) return close();
    state_ = State::handling;
    deadline_ = Clock::time_point::max();
    all_->handler->handle(std::move(request_), responder());
  }

  /// As much of the body as one write to a disk is worth, then its sink has its time.
  void read_piece() {
    piece_.resize(piece_size);
    auto& room = pieces_->get().body();
    room.data = piece_.data();
    room.size = piece_.size();
    set_deadline(all_->limits.body_timeout);
    http::async_read(socket_, buffer_, *pieces_, [self = shared_from_this()](const error_code& error, std::size_t) {
      if (error && error != http::error::need_buffer) return self->reading_failed(error);
      self->piece_.resize(self->piece_.size() - self->pieces_->get().body().size);
      self->give_piece(std::move(self->piece_));
    });
  }

  void give_piece(std::string piece) {
    deadline_ = Clock::time_point::max();
    const auto sink = request_.sink;
    sink->take(std::move(piece), [self = shared_from_this()](bool more) {
      if (!self->socket_.is_open()) return;
      if (more && !self->pieces_->is_done()) return self->read_piece();
      self->unread_ = !self->pieces_->is_done();
      self->keep_alive_ = self->keep_alive_ && !self->unread_;
      self->begin_handling();
    });
  }

  /// A Respond that answers 500 when it is thrown away without having been called.
  Respond responder() {
    struct Once {
      std::shared_ptr<HttpConnection> connection;
      ~Once() {
        if (connection) connection->respond(problem(500, "Internal error", "the request was not answered"));
      }
    };
    auto once = std::make_shared<Once>();
    once->connection = shared_from_this();
    return [once](HttpResponse response) {
      if (auto connection = std::exchange(once->connection, nullptr)) connection->respond(std::move(response));
    };
  }

  HttpResponse too_large() const {
    return problem(413, "Content too large", fmt::format("the body may have {} bytes at most", body_max_));
  }

  void reading_failed(const error_code& error) {
    if (late_) return refuse(problem(408, "Request timeout", "the request did not come in time"));
    if (error == http::error::body_limit) return refuse(too_large());
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      const auto size = all_->limits.header_size_max;
      return refuse(problem(431, "Request header fields too large",
                            fmt::format("the request's head may have {} bytes at most", size)));
    }
    if (error == http::error::bad_version && is_other_version(received())) {
      return refuse(problem(505, "HTTP version not supported", "HTTP/1.1 and HTTP/1.0 are spoken here"));
    }
    const bool malformed = error.category() == http::make_error_code(http::error::bad_method).category();
    if (malformed && error != http::error::end_of_stream && error != http::error::partial_message) {
      return refuse(problem(400, "Bad request", error.message()));
    }
    close();  // The client went away: nobody is left to tell.
  }

  /// Answers a request that was not read whole, and closes.
  void refuse(HttpResponse response) {
    keep_alive_ = false;
    unread_ = true;
    respond(std::move(response));
  }

  void respond(HttpResponse response) {
    if (response.stream && !is_head_) return stream(response);
    state_ = State::writing;
    const bool keep = keep_alive_ && !all_->draining;
    out_.clear();
    append_head(out_, response, keep);
    if (!is_head_ && response.status != 204 && response.status != 304) out_ += response.body;
    source_ = is_head_ ? std::nullopt : std::move(response.source);
    write_out(keep);
  }

  void write_out(bool keep) {
    set_deadline(all_->limits.body_timeout);
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this(), keep](const error_code& error, std::size_t) {
                        if (error) return self->close();
                        if (self->source_ && self->source_->size > 0) return self->write_next(keep);
                        self->source_.reset();
                        if (keep) return self->await_request(self->all_->limits.idle_timeout);
                        error_code ignored;
                        self->socket_.shutdown(Protocol::socket::shutdown_send, ignored);
                        self->unread_ ? self->linger() : self->close();
                      });
  }

  void write_next(bool keep) {
    deadline_ = Clock::time_point::max();
    source_->next([self = shared_from_this(), keep](Result<std::string> piece) {
      auto& source = *self->source_;
      if (!self->socket_.is_open() || !piece || piece->empty() || piece->size() > source.size) return self->close();
      source.size -= piece->size();
      self->out_ = std::move(*piece);
      self->write_out(keep);
    });
  }

  /// The body has no length: the end of the connection is its end (RFC 9112 §6.3).
  void stream(const HttpResponse& response) {
    if (!socket_.is_open() || all_->draining) return close();
    state_ = State::streaming;
    append_head(unsent_, response, false);
    send_piece();
    watch_for_end();
    response.stream(shared_from_this());
  }

  void send_piece() {
    sending_ = true;
    out_ = std::exchange(unsent_, {});
    set_deadline(all_->limits.body_timeout);
    asio::async_write(socket_, asio::buffer(out_), [self = shared_from_this()](const error_code& error, std::size_t) {
      self->sending_ = false;
      self->deadline_ = Clock::time_point::max();
      if (error) return self->close();
      if (!self->unsent_.empty()) self->send_piece();
    });
  }

  /// A client that listens sends nothing; reading tells when it is gone.
  void watch_for_end() {
    buffer_.clear();
    socket_.async_read_some(buffer_.prepare(1024), [self = shared_from_this()](const error_code& error, std::size_t) {
      error ? self->close() : self->watch_for_end();
    });
  }

  /// Closing while the client still sends would reset the connection and take the answer away from it.
  void linger() {
    state_ = State::lingering;
    buffer_.clear();
    set_deadline(linger_timeout);
    discard();
  }

  void discard() {
    socket_.async_read_some(buffer_.prepare(65'536), [self = shared_from_this()](const error_code& error, std::size_t) {
      error ? self->close() : self->discard();
    });
  }

  /// One wait serves many deadlines: it is set anew only when it ends too late, or ends too early.
  void set_deadline(std::chrono::seconds timeout) {
    deadline_ = Clock::now() + timeout;
    if (!waiting_ || deadline_ < timer_.expiry()) wait_until(deadline_);
  }

  void wait_until(Clock::time_point time) {
    waiting_ = true;
    timer_.expires_at(time);
    timer_.async_wait([weak = weak_from_this()](const error_code& cancelled) {
      const auto self = weak.lock();
      if (!self || cancelled) return;
      self->waiting_ = false;
      if (self->deadline_ == Clock::time_point::max()) return;
      if (Clock::now() < self->deadline_) return self->wait_until(self->deadline_);
      self->expire();
    });
  }

  void expire() {
    if (state_ != State::reading) return close();
    late_ = true;  // What is being read ends, and says so.
    error_code ignored;
    socket_.cancel(ignored);
  }

  Protocol::socket socket_;
  asio::steady_timer timer_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool waiting_ = false;
  bool late_ = false;
  bool keep_alive_ = true;
  bool unread_ = false;  ///< the client may still be sending what nobody reads
  bool is_head_ = false;
  State state_ = State::idle;
  boost::beast::flat_buffer buffer_{1u << 20};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::request_parser<http::buffer_body>> pieces_;  ///< goes on after it where the body has a sink
  std::string piece_;                                              ///< what it reads into
  HttpRequest request_;
  std::string out_;
  std::string unsent_;                    ///< of a stream, behind what is being sent
  bool sending_ = false;                  ///< a piece of a stream
  std::optional<HttpBodySource> source_;  ///< of what is being written; size: what is left
  std::function<void()> stream_closed_;
  std::string peer_;
  std::uint64_t body_max_ = 0;
  std::shared_ptr<HttpConnections> all_;
};

void HttpConnections::begin(const std::shared_ptr<HttpConnections>& all, AsioLoop& loop, int socket, std::string peer) {
  const bool full = all->open.size() >= all->limits.connections_max;
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  Protocol::socket stream(loop.native());
  error_code failed;
  stream.assign(Protocol(address.ss_family, 0), socket, failed);
  if (failed) return;
  auto connection = std::make_shared<HttpConnection>(std::move(stream), std::move(peer), all);
  full ? connection->refuse() : connection->start();
}

void HttpConnections::close_idle() {
  const auto now_open = open;
  for (auto* connection : now_open) connection->close_when_idle();
}

void HttpConnections::closed(HttpConnection* connection) {
  open.erase(connection);
  if (!draining || !open.empty() || !drained) return;
  auto call = std::move(drained);
  drained = nullptr;
  call();
}

}  // namespace millrace::io::posix
