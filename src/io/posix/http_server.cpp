#include "io/posix/http_server.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include <arpa/inet.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/log.hpp"
#include "io/posix/http_connection.hpp"
#include "io/posix/interface.hpp"

namespace millrace::io::posix {
namespace asio = boost::asio;
using boost::system::error_code;

namespace {
constexpr std::chrono::milliseconds accept_pause{100};
}

std::string_view HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

struct HttpServer::State : std::enable_shared_from_this<HttpServer::State> {
  State(AsioLoop& on, HttpLimits limits, HttpHandler& handler)
      : loop(on), all(std::make_shared<HttpConnections>(handler, limits)), pause(on.native()) {}

  template <class Acceptor>
  void wait(std::optional<Acceptor>& acceptor) {
    acceptor->async_wait(asio::socket_base::wait_read, [self = shared_from_this(), &acceptor](const error_code& error) {
      if (error || !acceptor->is_open()) return;
      if (self->accept_all(acceptor->native_handle())) return self->wait(acceptor);
      self->pause.expires_after(accept_pause);
      self->pause.async_wait([self, &acceptor](const error_code& cancelled) {
        if (!cancelled && acceptor->is_open()) self->wait(acceptor);
      });
    });
  }

  /// False when the system has no more to give: then the next callers wait a little.
  bool accept_all(int listening) {
    for (;;) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      const int socket =
          ::accept4(listening, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        HttpConnections::begin(all, loop, socket, tcp ? set_up(socket, address) : std::string());
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        log::warning("http_cannot_accept", {{"reason", std::strerror(errno)}});
        return false;
      } else if (errno != EINTR && errno != ECONNABORTED) {
        return true;
      }
    }
  }

  /// The peer's address as text.
  static std::string set_up(int socket, const sockaddr_storage& address) {
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = address.ss_family == AF_INET
                            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr)
                            : static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
    return ::inet_ntop(address.ss_family, bytes, text.data(), text.size()) == nullptr ? std::string() : text.data();
  }

  void stop_accepting() {
    error_code ignored;
    pause.cancel();
    if (tcp) tcp->close(ignored);
    if (local) local->close(ignored);
    if (!socket_path.empty()) ::unlink(socket_path.c_str());
    socket_path.clear();
  }

  AsioLoop& loop;
  std::shared_ptr<HttpConnections> all;
  asio::steady_timer pause;
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

struct Endpoint {
  asio::ip::tcp::endpoint at;
  InterfaceAddress over;
};

Result<Endpoint> parse_endpoint(const HttpAddress& address) {
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
  auto over = InterfaceAddress::parse(host);
  const auto ip = asio::ip::make_address(over.address, error);
  const auto port_text = address.substr(colon + 1);
  if (error || port_text.empty() || port_text.size() > 5 ||
      port_text.find_first_not_of("0123456789") != std::string::npos) {
    return malformed;
  }
  const unsigned long port = std::stoul(port_text);
  if (port > 65'535) return malformed;
  return Endpoint{{ip, static_cast<std::uint16_t>(port)}, std::move(over)};
}

Status open_tcp(std::optional<asio::ip::tcp::acceptor>& acceptor, asio::io_context& context,
                const HttpAddress& address) {
  const auto endpoint = parse_endpoint(address);
  if (!endpoint) return endpoint.error();
  acceptor.emplace(context);
  error_code error;
  acceptor->open(endpoint->at.protocol(), error);
  if (!error) acceptor->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) error.assign(endpoint->over.restrict(acceptor->native_handle()), boost::system::system_category());
  if (!error) acceptor->bind(endpoint->at, error);
  if (!error) acceptor->listen(1024, error);
  if (!error) acceptor->native_non_blocking(true, error);
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
  if (!error) acceptor->native_non_blocking(true, error);
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
    if (auto opened = open_unix(state->local, state->loop.native(), path); !opened) return opened.error();
    state->socket_path = path;
    state->wait(state->local);
  } else {
    if (auto opened = open_tcp(state->tcp, state->loop.native(), address); !opened) return opened.error();
    state->wait(state->tcp);
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->stop_accepting();
  state_->all->handler = nullptr;
  state_->all->draining = true;
  state_->all->drained = nullptr;
  state_->all->close_idle();
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
  if (all.open.empty()) return asio::post(state_->loop.native(), std::move(drained));
  all.drained = std::move(drained);
  all.close_idle();
}

}  // namespace millrace::io::posix
