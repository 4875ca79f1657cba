#include "broker/server.hpp"

#include <map>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <netinet/tcp.h>

#include "broker/read_pace.hpp"
#include "core/log.hpp"
#include "io/posix/interface.hpp"

namespace millrace::broker {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t read_size = 64 * 1024;
constexpr std::chrono::milliseconds accept_retry_delay{100};  // after a failure such as too many open files
constexpr std::size_t small_read = 4 * 1024;
constexpr int reads_in_turn = 4;          // of one connection before others have theirs
constexpr int gathered_size = 48 * 1024;  // bytes that end a pause; less than the window that the kernel begins with

}  // namespace

/// A socket with its session. Handlers of the socket hold it; the server's list holds it until it is over.
class Connection final : public SessionHost, public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, io::posix::AsioLoop& loop, const VirtualHosts& hosts, Users& users,
             std::vector<char>& buffer, SessionSettings settings, std::unique_ptr<io::posix::TlsStream> tls,
             std::function<void(Connection&)> gone)
      : socket_(std::move(socket)),
        loop_(loop),
        buffer_(buffer),
        tls_(std::move(tls)),
        gone_(std::move(gone)),
        session_(std::make_unique<Session>(loop, hosts, users, *this, settings)) {
    error_code ignored;
    const auto endpoint = socket_.remote_endpoint(ignored);
    if (!ignored) peer_ = endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
  }

  void start() { wait_for_input(); }

  ConnectionStatus status() const {
    ConnectionStatus status = session_->status();
    status.peer = peer_;
    status.output_waiting += writing_.size();
    status.tls = tls_ != nullptr;
    return status;
  }

  Traffic traffic() const { return session_ ? session_->traffic() : traffic_; }

  void shut_down(const std::string& reason) { session_->shut_down(reason); }

  void output_waiting() override {
    if (std::exchange(flush_posted_, true)) return;
    loop_.post([weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self) return;
      self->flush_posted_ = false;
      self->flush();
    });
  }

  void input_resumed() override { wait_for_input(); }

  void over() override {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_receive, ignored);
    output_waiting();
  }

  /// No further use of the session: the server goes.
  void cut() {
    session_.reset();
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  void wait_for_input() {
    if (std::exchange(waiting_for_input_, true)) return;
    wake_at(pace_.is_fast() ? gathered_size : 1);
    wait_for_wake();
    if (!pace_.is_fast()) return;
    pause_ = loop_.after(ReadPace::pause, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->input_waited_for({});
    });
  }

  /// What was begun for an earlier read goes on for this one: ending it would cost more than it does.
  void wait_for_wake() {
    if (std::exchange(wake_awaited_, true)) return;
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& code) {
      self->wake_awaited_ = false;
      if (self->waiting_for_input_) self->input_waited_for(code);
    });
  }

  void input_waited_for(const error_code& code) {
    waiting_for_input_ = false;
    loop_.cancel(std::exchange(pause_, 0));
    if (!session_ || session_->is_over()) return;
    if (code) return end();
    read();
  }

  /// Until so many bytes are there, the kernel wakes nobody: during a pause each packet would wake the loop for nothing
  /// (Asio's descriptors stay in the epoll set, edge-triggered). The connection's end is told at once all the same.
  void wake_at(int size) {
    if (std::exchange(wakes_at_, size) == size) return;
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVLOWAT, &size, sizeof(size));
  }

  /// Clients that leave Nagle's algorithm on (npm's rabbitmq-client) wait for our TCP acknowledgement before they send
  /// their next small write: the kernel's delay of 40 ms would be theirs. Linux forgets the option, so it is set anew.
  void acknowledge_quickly() {
    const int on = 1;
    ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
  }

  void read() {
    std::size_t taken = 0;
    const bool pipelining = session_->is_pipelining();
    pace_.count(loop_.steady_now(), pipelining);
    for (int turn = 0; turn < reads_in_turn; ++turn) {
      error_code code;
      const std::size_t size = socket_.read_some(asio::buffer(buffer_), code);
      if (code == asio::error::would_block) break;
      if (code) return end();
      // Who sends much at a time does not wait for it, and each acknowledgement is a packet more.
      if (taken == 0 && size < small_read && !pace_.is_fast()) acknowledge_quickly();
      taken += size;
      if (!take({buffer_.data(), size})) return end();
      if (!session_ || session_->is_over() || session_->input_paused()) return;
      // More may have come while that was worked on: taken now, it costs no wake-up of its own.
      if (size < buffer_.size() && !pipelining) break;
    }
    wait_for_input();
  }

  /// False at the end: what came is not TLS as it was agreed on.
  bool take(std::string_view bytes) {
    if (tls_ == nullptr) return session_->input(bytes), true;
    std::string plain;
    const auto deciphered = tls_->input(bytes, plain);
    if (tls_->has_output()) output_waiting();
    if (!deciphered) {
      log::warning("tls_refused", {{"peer", peer_}, {"reason", deciphered.error().message}});
      return false;
    }
    if (!plain.empty()) session_->input(plain);
    return true;
  }

  /// What is to be sent, as it goes over the wire.
  void take_output() {
    writing_.swap(session_->output());
    if (tls_ == nullptr) return;
    tls_->write(writing_);
    writing_.clear();
    tls_->take_output(writing_);
  }

  void flush() {
    if (!session_ || !socket_.is_open() || !writing_.empty()) return;
    take_output();
    if (writing_.empty()) {
      if (session_->is_over()) end();
      return;
    }
    error_code code;
    const std::size_t size = socket_.write_some(asio::buffer(writing_), code);
    if (code && code != asio::error::would_block) return end();
    if (size == writing_.size()) return wrote();
    asio::async_write(socket_, asio::buffer(writing_.data() + size, writing_.size() - size),
                      [self = shared_from_this()](const error_code& failed, std::size_t) {
                        if (!self->session_) return;
                        if (failed) return self->end();
                        self->wrote();
                      });
  }

  void wrote() {
    // A busy connection keeps its memory, an idle one gives it back.
    if (const auto kept = writing_.capacity();
        kept > 16 * read_size || (kept > read_size && writing_.size() < kept / 8)) {
      writing_ = {};
    } else {
      writing_.clear();
    }
    session_->written();
    if (session_->is_over() || !session_->output().empty()) output_waiting();
  }

  void end() {
    error_code ignored;
    if (tls_ != nullptr && writing_.empty()) {  // the last word, if the peer can still take it
      tls_->close();
      tls_->take_output(writing_);
      socket_.write_some(asio::buffer(writing_), ignored);
    }
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    socket_.close(ignored);
    traffic_ = traffic();
    session_.reset();
    if (gone_) std::exchange(gone_, nullptr)(*this);
  }

  tcp::socket socket_;
  io::posix::AsioLoop& loop_;
  std::vector<char>& buffer_;
  std::unique_ptr<io::posix::TlsStream> tls_;
  std::function<void(Connection&)> gone_;
  std::string peer_;
  std::string writing_;
  Traffic traffic_;  // once the session is gone
  bool flush_posted_ = false;
  bool waiting_for_input_ = false;
  bool wake_awaited_ = false;
  io::TimerId pause_ = 0;
  int wakes_at_ = 1;  // bytes
  ReadPace pace_;
  std::unique_ptr<Session> session_;
};

class Server::State : public std::enable_shared_from_this<Server::State> {
 public:
  State(io::posix::AsioLoop& loop, VirtualHosts hosts, Users& users, SessionSettings settings,
        std::shared_ptr<io::posix::TlsServer> tls)
      : loop_(loop),
        hosts_(std::move(hosts)),
        users_(users),
        settings_(settings),
        tls_(std::move(tls)),
        acceptor_(loop.native()),
        buffer_(read_size) {}

  Status listen(const std::string& address_text, std::uint16_t port) {
    error_code code;
    const auto over = io::posix::InterfaceAddress::parse(address_text);
    const auto address = asio::ip::make_address(over.address, code);
    if (code) return Error{Error::Kind::invalid, "'" + address_text + "' is not an IP address"};
    const tcp::endpoint endpoint(address, port);
    acceptor_.open(endpoint.protocol(), code);
    if (!code) acceptor_.set_option(tcp::acceptor::reuse_address(true), code);
    if (!code) code.assign(over.restrict(acceptor_.native_handle()), boost::system::system_category());
    if (!code) acceptor_.bind(endpoint, code);
    if (!code) acceptor_.listen(tcp::acceptor::max_listen_connections, code);
    if (code) {
      return Error{code == asio::error::address_in_use ? Error::Kind::conflict : Error::Kind::io,
                   "cannot listen on " + address_text + ":" + std::to_string(port) + ": " + code.message()};
    }
    port_ = acceptor_.local_endpoint(code).port();
    accept();
    return Done{};
  }

  std::uint16_t bound_port() const { return port_; }

  std::vector<ConnectionStatus> connections() const {
    std::vector<ConnectionStatus> all;
    for (const auto& [key, connection] : connections_) all.push_back(connection->status());
    return all;
  }

  Traffic traffic() const {
    Traffic sum = gone_;
    for (const auto& [key, connection] : connections_) sum += connection->traffic();
    return sum;
  }

  void stop(std::function<void()> stopped) {
    stopped_ = std::move(stopped);
    error_code ignored;
    acceptor_.close(ignored);
    const auto connections = connections_;
    for (const auto& [key, connection] : connections) connection->shut_down("the broker is shutting down");
    loop_.post([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->tell_if_stopped();
    });
  }

  void cut() {
    error_code ignored;
    acceptor_.close(ignored);
    stopped_ = nullptr;
    for (const auto& [key, connection] : std::exchange(connections_, {})) connection->cut();
  }

 private:
  void accept() {
    acceptor_.async_accept([weak = weak_from_this()](const error_code& code, tcp::socket socket) {
      auto self = weak.lock();
      if (!self || !self->acceptor_.is_open()) return;
      if (code) {
        log::warning("a connection could not be accepted", {{"reason", code.message()}});
        self->loop_.after(accept_retry_delay, [weak] {
          if (auto again = weak.lock(); again && again->acceptor_.is_open()) again->accept();
        });
        return;
      }
      self->add(std::move(socket));
      self->accept();
    });
  }

  void add(tcp::socket socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    socket.non_blocking(true, ignored);
    auto gone = [weak = weak_from_this()](Connection& connection) {
      if (auto self = weak.lock()) self->remove(connection);
    };
    auto stream = tls_ ? std::make_unique<io::posix::TlsStream>(tls_) : nullptr;
    auto connection = std::make_shared<Connection>(std::move(socket), loop_, hosts_, users_, buffer_, settings_,
                                                   std::move(stream), std::move(gone));
    connections_.emplace(connection.get(), connection);
    connection->start();
  }

  void remove(Connection& connection) {
    gone_ += connection.traffic();
    connections_.erase(&connection);
    tell_if_stopped();
  }

  void tell_if_stopped() {
    if (stopped_ && connections_.empty()) std::exchange(stopped_, nullptr)();
  }

  io::posix::AsioLoop& loop_;
  const VirtualHosts hosts_;
  Users& users_;
  const SessionSettings settings_;
  const std::shared_ptr<io::posix::TlsServer> tls_;
  tcp::acceptor acceptor_;
  std::vector<char> buffer_;
  std::uint16_t port_ = 0;
  std::map<Connection*, std::shared_ptr<Connection>> connections_;
  std::function<void()> stopped_;
  Traffic gone_;  // of connections that are no more
};

Result<std::unique_ptr<Server>> Server::listen(io::posix::AsioLoop& loop, VirtualHosts hosts, Users& users,
                                               const std::string& address, std::uint16_t port, SessionSettings settings,
                                               std::shared_ptr<io::posix::TlsServer> tls) {
  auto state = std::make_shared<State>(loop, std::move(hosts), users, settings, std::move(tls));
  auto listening = state->listen(address, port);
  if (!listening) return listening.error();
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() {
  state_->cut();
}

std::uint16_t Server::port() const {
  return state_->bound_port();
}
std::vector<ConnectionStatus> Server::connections() const {
  return state_->connections();
}
Traffic Server::traffic() const {
  return state_->traffic();
}
void Server::stop(std::function<void()> stopped) {
  state_->stop(std::move(stopped));
}

}  // namespace millrace::broker
