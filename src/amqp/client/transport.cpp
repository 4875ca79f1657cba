#include "amqp/client/transport.hpp"

#include <utility>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "amqp/frame.hpp"
#include "io/posix/tls.hpp"

namespace millrace::amqp::client {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t read_size = 64 * 1024;

}  // namespace

/// Handlers of the socket and timers hold it; the transport itself may go at any time.
class Transport::State : public std::enable_shared_from_this<Transport::State> {
 public:
  State(io::posix::AsioLoop& loop, BrokerUri uri, Handlers handlers)
      : loop_(loop),
        uri_(std::move(uri)),
        handlers_(std::make_shared<const Handlers>(std::move(handlers))),
        resolver_(loop.native()),
        socket_(loop.native()) {}

  void start() {
    if (auto status = begin_tls(); !status) {
      loop_.post([self = shared_from_this(), error = status.error()] { self->fail(error); });
      return;
    }
    if (uri_.connection_timeout.count() > 0) {
      set_timer(uri_.connection_timeout, [](State& self) { self.fail(self.unreachable("no answer in time")); });
    }
    resolver_.async_resolve(uri_.host, std::to_string(uri_.port),
                            [self = shared_from_this()](const auto& code, const auto& endpoints) {
                              if (self->ended_) return;
                              if (code) return self->fail(self->unreachable(code.message()));
                              self->connect(endpoints);
                            });
  }

  void write(std::string& bytes) {
    if (ended_) {
      bytes.clear();
    } else if (output_.empty()) {
      output_.swap(bytes);
    } else {
      output_ += bytes;
      bytes.clear();
    }
    wake();
  }

  void set_heartbeat(std::chrono::seconds interval) {
    heartbeat_ = interval;
    quiet_halves_ = 0;
    loop_.cancel(std::exchange(timer_, 0));
    if (interval.count() > 0) beat();
  }

  /// Nobody is called from now on.
  void close(bool with_last_words) {
    if (ended_) return;
    error_code ignored;
    if (with_last_words && is_open_ && writing_.empty()) {
      take_output();
      if (tls_) {
        tls_->close();
        tls_->take_output(writing_);
      }
      socket_.non_blocking(true, ignored);
      socket_.write_some(asio::buffer(writing_), ignored);
    }
    (void)end();
  }

 private:
  template <class Task>
  void set_timer(std::chrono::nanoseconds delay, Task task) {
    loop_.cancel(timer_);
    timer_ = loop_.after(delay, [weak = weak_from_this(), task] {
      auto self = weak.lock();
      if (self && !self->ended_) task(*self);
    });
  }

  Error unreachable(const std::string& why) const {
    return Error{Error::Kind::unavailable, "cannot reach the broker at " + uri_.place() + ": " + why};
  }

  Status begin_tls() {
    if (!uri_.tls) return Done{};
    const auto& tls = *uri_.tls;
    auto client = io::posix::TlsClient::open({tls.authorities, tls.certificate, tls.key, tls.verify});
    if (!client) return client.error().in("the broker's address");
    tls_ = std::make_unique<io::posix::TlsStream>(std::move(*client), tls.server_name);
    return Done{};
  }

  void connect(const tcp::resolver::results_type& endpoints) {
    asio::async_connect(socket_, endpoints, [self = shared_from_this()](const auto& code, const auto&) {
      if (self->ended_) return;
      if (code) return self->fail(self->unreachable(code.message()));
      error_code ignored;
      self->socket_.set_option(tcp::no_delay(true), ignored);
      self->input_.resize(read_size);
      self->is_open_ = true;
      if (!self->tls_) self->loop_.cancel(std::exchange(self->timer_, 0));
      self->flush();
      self->read();
    });
  }

  void read() {
    socket_.async_read_some(asio::buffer(input_), [self = shared_from_this()](const auto& code, std::size_t size) {
      if (self->ended_) return;
      if (code) return self->cut();
      self->quiet_halves_ = 0;
      self->take({self->input_.data(), size});
      if (self->ended_) return;
      self->flush();
      self->read();
    });
  }

  void take(std::string_view bytes) {
    if (!tls_) return tell(bytes);
    std::string plain;
    if (auto status = tls_->input(bytes, plain); !status) {
      flush();  // the alert that says why
      return fail(unreachable("TLS: " + status.error().message));
    }
    if (plain.empty()) return;
    if (heartbeat_.count() == 0) loop_.cancel(std::exchange(timer_, 0));  // the broker speaks
    tell(plain);
  }

  void tell(std::string_view bytes) {
    const auto handlers = handlers_;  // which may end us
    handlers->input(bytes);
  }

  /// Writes what is there at the end of this turn of the loop, in one go.
  void wake() {
    if (ended_ || std::exchange(wake_posted_, true)) return;
    loop_.post([weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self || self->ended_) return;
      self->wake_posted_ = false;
      self->flush();
    });
  }

  void take_output() {
    writing_.swap(output_);
    if (!tls_) return;
    if (!writing_.empty()) tls_->write(writing_);
    writing_.clear();
    tls_->take_output(writing_);
  }

  void flush() {
    if (!is_open_ || !writing_.empty()) return;
    take_output();
    if (writing_.empty()) return;
    sent_in_half_ = true;
    asio::async_write(socket_, asio::buffer(writing_), [self = shared_from_this()](const auto& code, std::size_t) {
      if (self->ended_) return;
      self->writing_.clear();
      if (code) return;  // what the broker said last is still to be read; reading notices the end
      self->flush();
    });
  }

  void beat() {
    set_timer(std::chrono::nanoseconds(heartbeat_) / 2, [](State& self) {
      constexpr int silence_max = 4;  // halves
      if (++self.quiet_halves_ > silence_max) {
        return self.fail(Error{Error::Kind::unavailable, "the broker has been silent for two heartbeat intervals"});
      }
      if (!std::exchange(self.sent_in_half_, false)) {
        write_heartbeat(self.output_);
        self.flush();
        self.sent_in_half_ = false;
      }
      self.beat();
    });
  }

  void fail(Error error) {
    if (ended_) return;
    end()->failed(std::move(error));
  }

  void cut() { end()->cut(); }

  /// Who is still to be told.
  std::shared_ptr<const Handlers> end() {
    ended_ = true;
    loop_.cancel(timer_);
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
    return std::exchange(handlers_, nullptr);
  }

  io::posix::AsioLoop& loop_;
  BrokerUri uri_;
  std::shared_ptr<const Handlers> handlers_;  ///< null once ended
  tcp::resolver resolver_;
  tcp::socket socket_;
  std::unique_ptr<io::posix::TlsStream> tls_;  ///< none: no TLS
  std::vector<char> input_;
  std::string output_;   ///< plain
  std::string writing_;  ///< as it goes over the wire
  std::chrono::seconds heartbeat_{0};
  io::TimerId timer_ = 0;  ///< of connecting, then of the heartbeat
  int quiet_halves_ = 0;   ///< of the heartbeat interval, without a byte from the broker
  bool sent_in_half_ = false;
  bool wake_posted_ = false;
  bool is_open_ = false;
  bool ended_ = false;
};

Transport::Transport(io::posix::AsioLoop& loop, BrokerUri uri, Handlers handlers)
    : state_(std::make_shared<State>(loop, std::move(uri), std::move(handlers))) {
  state_->start();
}

Transport::~Transport() {
  state_->close(false);
}

void Transport::write(std::string& bytes) {
  state_->write(bytes);
}

void Transport::set_heartbeat(std::chrono::seconds interval) {
  state_->set_heartbeat(interval);
}

void Transport::close() {
  state_->close(true);
}

}  // namespace millrace::amqp::client
