#include "io/posix/http_server.hpp"

#include <optional>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/posix/http_connection.hpp"

namespace millrace::io::posix {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

void HttpConnections::closed(HttpConnection* connection) {
  open.erase(connection);
  if (!draining || !open.empty() || !drained) return;
  auto call = std::move(drained);
  drained = nullptr;
  call();
}

namespace {

HttpResponse problem(int status, std::string_view title, std::string detail) {
  return {status, "application/problem+json",
          fmt::format(R"({{"title":"{}","status":{},"detail":"{}"}})", title, status, detail)};
}

void append_head(std::string& out, const HttpResponse& response, bool keep_alive) {
  out += fmt::format("HTTP/1.1 {} {}\r\n", response.status,
                     std::string_view(http::obsolete_reason(static_cast<http::status>(response.status))));
  for (const auto& [name, value] : response.headers) out.append(name).append(": ").append(value).append("\r\n");
  if (!response.content_type.empty()) out.append("Content-Type: ").append(response.content_type).append("\r\n");
  const bool bodyless = response.status == 204 || response.status == 304 || response.status < 200;
  if (!bodyless) out += fmt::format("Content-Length: {}\r\n", response.body.size());
  out += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

/// One client's connection: read a head, read the body, handle, write, again.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(Protocol::socket socket, std::string peer, std::shared_ptr<HttpConnections> all)
      : stream_(std::move(socket)), peer_(std::move(peer)), all_(std::move(all)) {
    all_->open.insert(this);
  }
  ~HttpConnection() { all_->closed(this); }

  void start() { read_head(all_->limits.header_timeout); }

  void refuse_and_close() {
    answering_ = true;
    keep_alive_ = false;
    respond(problem(503, "Too many connections", "the server's connection limit is reached; try again"));
  }

  void close_when_idle() {
    if (answering_) return;
    error_code ignored;
    stream_.socket().close(ignored);
  }

 private:
  void read_head(std::chrono::seconds timeout) {
    if (all_->draining && buffer_.size() == 0) return;
    parser_.emplace();
    parser_->header_limit(all_->limits.header_size_max);
    parser_->body_limit(boost::none);
    stream_.expires_after(timeout);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](const error_code& error, std::size_t) { self->head_read(error); });
  }

  void head_read(const error_code& error) {
    if (error) return failed(error);
    answering_ = true;
    if (all_->handler == nullptr) return;
    auto& head = parser_->get();
    keep_alive_ = head.keep_alive();
    request_ = {};
    request_.method = std::string(head.method_string());
    const std::string_view target = head.target();
    const auto question = target.find('?');
    request_.path = std::string(target.substr(0, question));
    if (question != std::string_view::npos) request_.query = std::string(target.substr(question + 1));
    request_.peer = peer_;
    for (const auto& field : head) {
      std::string name(field.name_string());
      for (char& c : name) c = lower(c);
      request_.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    body_max_ = all_->handler->body_max(request_);
    if (const auto length = parser_->content_length(); length && *length > body_max_) return too_large();
    parser_->body_limit(body_max_);
    if (parser_->is_done()) return body_read({});
    stream_.expires_after(all_->limits.body_timeout);
    if (beast::iequals(request_.header("expect"), "100-continue")) {
      out_ = "HTTP/1.1 100 Continue\r\n\r\n";
      asio::async_write(stream_, asio::buffer(out_),
                        [self = shared_from_this()](const error_code& failure, std::size_t) {
                          if (!failure) self->read_body();
                        });
      return;
    }
    read_body();
  }

  void read_body() {
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) { self->body_read(error); });
  }

  void body_read(const error_code& error) {
    if (error) return failed(error);
    request_.body = std::move(parser_->get().body());
    stream_.expires_never();
    if (all_->handler == nullptr) return;
    all_->handler->handle(std::move(request_), responder());
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

  void too_large() {
    keep_alive_ = false;
    respond(problem(413, "Content too large", fmt::format("the body may have {} bytes at most", body_max_)));
  }

  void failed(const error_code& error) {
    keep_alive_ = false;
    if (error == http::error::body_limit) return too_large();
    if (error == http::error::header_limit) {
      return respond(
          problem(431, "Request header fields too large",
                  fmt::format("the request's head may have {} bytes at most", all_->limits.header_size_max)));
    }
    if (error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      return respond(problem(400, "Bad request", error.message()));
    }
    // The client went away or was too slow: nobody is left to tell.
  }

  void respond(HttpResponse response) {
    const bool keep = keep_alive_ && !all_->draining;
    out_.clear();
    append_head(out_, response, keep);
    if (request_.method != "HEAD" && response.status != 204 && response.status != 304) out_ += response.body;
    stream_.expires_after(all_->limits.body_timeout);
    asio::async_write(stream_, asio::buffer(out_),
                      [self = shared_from_this(), keep](const error_code& error, std::size_t) {
                        if (error) return;
                        self->answering_ = false;
                        if (keep) return self->read_head(self->all_->limits.idle_timeout);
                        error_code ignored;
                        self->stream_.socket().shutdown(Protocol::socket::shutdown_send, ignored);
                      });
  }

  beast::basic_stream<Protocol> stream_;
  beast::flat_buffer buffer_{1u << 20};
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpRequest request_;
  std::string out_;
  std::string peer_;
  std::uint64_t body_max_ = 0;
  bool keep_alive_ = true;
  bool answering_ = false;
  std::shared_ptr<HttpConnections> all_;
};

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
  State(AsioLoop& loop, HttpLimits limits, HttpHandler& handler)
      : context(loop.native()), all(std::make_shared<HttpConnections>(handler, limits)) {}

  void accept_tcp() {
    tcp->async_accept([self = shared_from_this()](const error_code& error, asio::ip::tcp::socket socket) {
      if (!self->tcp->is_open()) return;
      if (!error) {
        error_code ignored;
        socket.set_option(asio::ip::tcp::no_delay(true), ignored);
        const auto peer = socket.remote_endpoint(ignored);
        self->begin(Protocol::socket(std::move(socket)), peer.address().to_string());
      }
      self->accept_tcp();
    });
  }

  void accept_unix() {
    local->async_accept(
        [self = shared_from_this()](const error_code& error, asio::local::stream_protocol::socket socket) {
          if (!self->local->is_open()) return;
          if (!error) self->begin(Protocol::socket(std::move(socket)), {});
          self->accept_unix();
        });
  }

  void begin(Protocol::socket socket, std::string peer) {
    const bool full = all->open.size() >= all->limits.connections_max;
    auto connection = std::make_shared<HttpConnection>(std::move(socket), std::move(peer), all);
    full ? connection->refuse_and_close() : connection->start();
  }

  void stop_accepting() {
    error_code ignored;
    if (tcp) tcp->close(ignored);
    if (local) local->close(ignored);
    if (!socket_path.empty()) ::unlink(socket_path.c_str());
    socket_path.clear();
  }

  asio::io_context& context;
  std::shared_ptr<HttpConnections> all;
  std::optional<asio::ip::tcp::acceptor> tcp;
  std::optional<asio::local::stream_protocol::acceptor> local;
  std::string socket_path;
};

namespace {

Error cannot_listen(const HttpAddress& address, const error_code& error) {
  const bool in_use = error == asio::error::address_in_use;
  return {in_use ? Error::Kind::conflict : Error::Kind::io,
          fmt::format("cannot listen on {}: {}{}", address, error.message(),
                      in_use ? " (another program has this port; choose another or port 0)" : "")};
}

Result<asio::ip::tcp::endpoint> parse_endpoint(const HttpAddress& address) {
  const Error malformed{
      Error::Kind::invalid,
      fmt::format("\"{}\" is not an address to listen on (write ADDR:PORT, such as 127.0.0.1:8080)", address)};
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return malformed;
  std::string host = address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty() || host == "*") host = "0.0.0.0";
  if (host == "localhost") host = "127.0.0.1";
  error_code error;
  const auto ip = asio::ip::make_address(host, error);
  const auto port_text = address.substr(colon + 1);
  if (error || port_text.empty() || port_text.size() > 5 ||
      port_text.find_first_not_of("0123456789") != std::string::npos) {
    return malformed;
  }
  const unsigned long port = std::stoul(port_text);
  if (port > 65'535) return malformed;
  return asio::ip::tcp::endpoint(ip, static_cast<std::uint16_t>(port));
}

Status open_tcp(std::optional<asio::ip::tcp::acceptor>& acceptor, asio::io_context& context,
                const HttpAddress& address) {
  const auto endpoint = parse_endpoint(address);
  if (!endpoint) return endpoint.error();
  acceptor.emplace(context);
  error_code error;
  acceptor->open(endpoint->protocol(), error);
  if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor->bind(*endpoint, error);
  if (!error) acceptor->listen(1024, error);
  if (error) return cannot_listen(address, error);
  return Done{};
}

Status open_unix(std::optional<asio::local::stream_protocol::acceptor>& acceptor, asio::io_context& context,
                 const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Error{Error::Kind::limit, fmt::format("the socket path {} is too long for this system", path)};
  }
  ::unlink(path.c_str());
  acceptor.emplace(context);
  error_code error;
  acceptor->open({}, error);
  const mode_t before = ::umask(0177);
  if (!error) acceptor->bind(path, error);
  ::umask(before);
  if (!error) acceptor->listen(64, error);
  if (error) return cannot_listen(path, error);
  return Done{};
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(AsioLoop& loop, const HttpAddress& address, HttpLimits limits,
                                                       HttpHandler& handler) {
  auto state = std::make_shared<State>(loop, limits, handler);
  static constexpr std::string_view unix_scheme = "unix:";
  if (address.starts_with(unix_scheme)) {
    const auto path = address.substr(unix_scheme.size());
    if (auto opened = open_unix(state->local, state->context, path); !opened) return opened.error();
    state->socket_path = path;
    state->accept_unix();
  } else {
    if (auto opened = open_tcp(state->tcp, state->context, address); !opened) return opened.error();
    state->accept_tcp();
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->stop_accepting();
  state_->all->handler = nullptr;
  state_->all->draining = true;
  state_->all->drained = nullptr;
  const auto open = state_->all->open;
  for (auto* connection : open) connection->close_when_idle();
}

std::uint16_t HttpServer::port() const {
  error_code ignored;
  return state_->tcp ? state_->tcp->local_endpoint(ignored).port() : 0;
}

std::size_t HttpServer::connections() const {
  return state_->all->open.size();
}

void HttpServer::drain(std::function<void()> drained) {
  state_->stop_accepting();
  auto& all = *state_->all;
  all.draining = true;
  if (all.open.empty()) return asio::post(state_->context, std::move(drained));
  all.drained = std::move(drained);
  const auto open = all.open;
  for (auto* connection : open) connection->close_when_idle();
}

}  // namespace millrace::io::posix
