#include "hosting/sailor/amqp_door.hpp"

#include <array>
#include <set>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "core/log.hpp"

namespace millrace::hosting::sailor {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t read_size = 64 * 1024;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Gone = std::function<void(const std::shared_ptr<Connection>&)>;

  Connection(tcp::socket socket, const AmqpPeer::Login& login, const AmqpPeer::Events& events, Gone gone)
      : socket_(std::move(socket)), gone_(std::move(gone)), peer_(login, events) {}

  AmqpPeer& peer() { return peer_; }

  void read() {
    if (held_ || reading_) return;
    reading_ = true;
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](const error_code& failed, std::size_t size) {
                              if (!self->gone_) return;
                              if (failed) return self->end();
                              self->peer_.input({self->buffer_.data(), size});
                              self->write();
                              self->reading_ = false;  // only now is nothing in the buffer any more
                              if (!self->peer_.is_over()) self->read();
                            });
  }

  void write() {
    if (!gone_ || !writing_.empty()) return;
    writing_.swap(peer_.output());
    if (writing_.empty()) {
      if (peer_.is_over()) end();
      return;
    }
    asio::async_write(socket_, asio::buffer(writing_),
                      [self = shared_from_this()](const error_code& failed, std::size_t) {
                        if (!self->gone_) return;
                        if (failed) return self->end();
                        self->writing_.clear();
                        self->write();
                      });
  }

  void hold(bool hold) {
    held_ = hold;
    if (gone_ && !peer_.is_over()) read();
  }

  void cut() {
    gone_ = nullptr;
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  void end() {
    if (!peer_.fault().empty()) log::warning("component_connection_refused", {{"reason", peer_.fault()}});
    const auto gone = std::move(gone_);
    cut();
    gone(shared_from_this());
  }

  tcp::socket socket_;
  Gone gone_;  ///< null once it is over
  AmqpPeer peer_;
  std::array<char, read_size> buffer_;
  std::string writing_;
  bool reading_ = false;
  bool held_ = false;
};

}  // namespace

class AmqpDoor::State : public std::enable_shared_from_this<AmqpDoor::State> {
 public:
  State(io::posix::AsioLoop& loop, AmqpPeer::Login login, AmqpPeer::Events events)
      : login_(std::move(login)), events_(std::move(events)), acceptor_(loop.native()) {}

  Status listen() {
    error_code failed;
    const tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
    acceptor_.open(any.protocol(), failed);
    if (!failed) acceptor_.bind(any, failed);
    if (!failed) acceptor_.listen(tcp::acceptor::max_listen_connections, failed);
    if (failed) return Error{Error::Kind::io, "cannot listen for the component: " + failed.message()};
    accept();
    return Done{};
  }

  std::uint16_t port() const {
    error_code ignored;
    return acceptor_.local_endpoint(ignored).port();
  }

  AmqpPeer* consumer() {
    for (const auto& connection : connections_) {
      if (connection->peer().consumes() && !connection->peer().is_over()) return &connection->peer();
    }
    return nullptr;
  }

  void send() {
    for (const auto& connection : std::set(connections_)) connection->write();
  }

  void hold_confirms(bool hold) {
    for (const auto& connection : connections_) connection->peer().hold_confirms(hold);
    send();
  }

  void hold_input(bool hold) {
    for (const auto& connection : connections_) connection->hold(hold);
  }

  void cut() {
    error_code ignored;
    acceptor_.close(ignored);
    for (const auto& connection : std::exchange(connections_, {})) connection->cut();
  }

 private:
  void accept() {
    acceptor_.async_accept([weak = weak_from_this()](const error_code& failed, tcp::socket socket) {
      const auto self = weak.lock();
      if (!self || failed || !self->acceptor_.is_open()) return;
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      auto connection = std::make_shared<Connection>(std::move(socket), self->login_, self->events_,
                                                     [weak](const std::shared_ptr<Connection>& gone) {
                                                       if (const auto owner = weak.lock())
                                                         owner->connections_.erase(gone);
                                                     });
      self->connections_.insert(connection);
      connection->read();
      self->accept();
    });
  }

  const AmqpPeer::Login login_;
  const AmqpPeer::Events events_;
  tcp::acceptor acceptor_;
  std::set<std::shared_ptr<Connection>> connections_;
};

Result<std::unique_ptr<AmqpDoor>> AmqpDoor::open(io::posix::AsioLoop& loop, AmqpPeer::Login login,
                                                 AmqpPeer::Events events) {
  auto state = std::make_shared<State>(loop, std::move(login), std::move(events));
  if (auto listening = state->listen(); !listening) return listening.error();
  return std::unique_ptr<AmqpDoor>(new AmqpDoor(std::move(state)));
}

AmqpDoor::AmqpDoor(std::shared_ptr<State> state) : state_(std::move(state)) {}
AmqpDoor::~AmqpDoor() {
  state_->cut();
}
std::uint16_t AmqpDoor::port() const {
  return state_->port();
}
AmqpPeer* AmqpDoor::consumer() {
  return state_->consumer();
}
void AmqpDoor::send() {
  state_->send();
}
void AmqpDoor::hold_confirms(bool hold) {
  state_->hold_confirms(hold);
}
void AmqpDoor::hold_input(bool hold) {
  state_->hold_input(hold);
}

}  // namespace millrace::hosting::sailor
