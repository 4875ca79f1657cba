#include "amqp/client/step_link.hpp"

#include <deque>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "amqp/client/link_protocol.hpp"

namespace millrace::amqp::client {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::chrono::seconds opening_time_max{15};
constexpr std::chrono::seconds closing_time_max{5};
constexpr std::size_t read_size = 64 * 1024;

Error from(const boost::system::error_code& code, const BrokerUri& uri) {
  return Error{Error::Kind::unavailable,
               "cannot reach the broker at " + uri.host + ":" + std::to_string(uri.port) + ": " + code.message()};
}

}  // namespace

/// The socket around LinkProtocol. Handlers of the socket and timers hold it; the link itself may go at any time, after
/// which nothing is called any more.
class StepLink::State : public std::enable_shared_from_this<StepLink::State> {
 public:
  State(io::posix::AsioLoop& loop, Handlers handlers)
      : loop_(loop), handlers_(std::move(handlers)), resolver_(loop.native()), socket_(loop.native()) {}

  void start(Settings settings) {
    auto uri = parse_broker_uri(settings.uri);
    if (!uri) {
      post([error = uri.error()](State& self) { self.end(error); });
      return;
    }
    uri_ = *uri;
    LinkProtocol::Events events;
    events.ready = [this] { opened(); };
    events.delivered = [this](Delivery delivery) {
      if (handlers_.delivered) handlers_.delivered(std::move(delivery));
    };
    events.committed = [this] { committed(); };
    events.failed = [this](Error error) { end(std::move(error)); };
    events.closed = [this] { end(Error{Error::Kind::unavailable, "the link was closed"}); };
    protocol_ = std::make_unique<LinkProtocol>(uri_, std::move(settings), std::move(events));
    set_timer(opening_time_max, [](State& self) {
      self.end(Error{Error::Kind::unavailable, "the broker did not open the connection in time"});
    });
    resolver_.async_resolve(uri_.host, std::to_string(uri_.port),
                            [self = shared_from_this()](const auto& code, const auto& endpoints) {
                              if (self->ended_) return;
                              if (code) return self->end(from(code, self->uri_));
                              self->connect(endpoints);
                            });
  }

  void commit(Commit commit, std::function<void(Status)> done) {
    if (ended_) {
      loop_.post([done = std::move(done)] {
        done(Error{Error::Kind::unavailable, "the connection to the broker is lost"});
      });
      return;
    }
    if (protocol_) protocol_->commit(std::move(commit));
    open_commits_.push_back(std::move(done));
    wake();
  }

  void stop_consuming() {
    if (ended_ || !protocol_) return;
    protocol_->stop_consuming();
    wake();
  }

  void close(std::function<void()> closed) {
    if (ended_) {
      loop_.post(std::move(closed));
      return;
    }
    closed_ = std::move(closed);
    if (!protocol_ || !protocol_->in_tx_mode()) {
      post([](State& self) { self.end(Error{Error::Kind::unavailable, "the link was closed"}); });
      return;
    }
    set_timer(closing_time_max, [](State& self) {
      self.end(Error{Error::Kind::unavailable, "the broker did not close the connection in time"});
    });
    close_when_settled();
  }

  /// The link goes: nobody is called any more.
  void abandon() {
    handlers_ = {};
    closed_ = nullptr;
    open_commits_.clear();
    if (protocol_) protocol_->output().clear();
    end(Error{Error::Kind::unavailable, "the link is gone"});
  }

 private:
  template <class Task>
  void post(Task task) {
    loop_.post([weak = weak_from_this(), task = std::move(task)] {
      auto self = weak.lock();
      if (self && !self->ended_) task(*self);
    });
  }

  template <class Task>
  void set_timer(std::chrono::nanoseconds delay, Task task) {
    loop_.cancel(timer_);
    timer_ = loop_.after(delay, [weak = weak_from_this(), task] {
      auto self = weak.lock();
      if (self && !self->ended_) task(*self);
    });
  }

  void connect(const tcp::resolver::results_type& endpoints) {
    asio::async_connect(socket_, endpoints, [self = shared_from_this()](const auto& code, const auto&) {
      if (self->ended_) return;
      if (code) return self->end(from(code, self->uri_));
      boost::system::error_code ignored;
      self->socket_.set_option(tcp::no_delay(true), ignored);
      self->input_.resize(read_size);
      self->flush();
      self->read();
    });
  }

  void read() {
    socket_.async_read_some(asio::buffer(input_), [self = shared_from_this()](const auto& code, std::size_t size) {
      if (self->ended_) return;
      if (code) return self->end(self->protocol_->end_of_stream());
      self->quiet_intervals_ = 0;
      self->protocol_->input(std::string_view(self->input_.data(), size));
      if (self->ended_) return;
      self->flush();
      self->read();
    });
  }

  /// Writes what is there at the end of this turn of the loop, in one go.
  void wake() {
    if (wake_posted_ || !protocol_) return;
    wake_posted_ = true;
    post([](State& self) {
      self.wake_posted_ = false;
      self.flush();
    });
  }

  void flush() {
    if (!socket_.is_open() || !writing_.empty() || protocol_->output().empty() || input_.empty()) return;
    writing_.swap(protocol_->output());
    sent_in_interval_ = true;
    asio::async_write(socket_, asio::buffer(writing_), [self = shared_from_this()](const auto& code, std::size_t) {
      if (self->ended_) return;
      self->writing_.clear();
      if (code) return;  // what the broker said last is still to be read; reading notices the end
      self->flush();
    });
  }

  void opened() {
    if (!closed_) beat();
    if (handlers_.ready) handlers_.ready();
  }

  /// Twice an interval: a heartbeat if nothing else was sent, and the link is lost after two intervals of silence.
  void beat() {
    const std::chrono::milliseconds interval = std::chrono::seconds(protocol_->heartbeat_interval());
    if (interval.count() == 0) return;
    set_timer(interval / 2, [](State& self) {
      if (++self.quiet_intervals_ > 4) {
        return self.end(Error{Error::Kind::unavailable, "the broker has been silent for two heartbeat intervals"});
      }
      if (!self.sent_in_interval_) {
        self.protocol_->heartbeat();
        self.flush();
      }
      self.sent_in_interval_ = false;
      self.beat();
    });
  }

  void committed() {
    if (open_commits_.empty()) {
      return end(Error{Error::Kind::invalid, "the broker answered a commit that was not made"});
    }
    auto done = std::move(open_commits_.front());
    open_commits_.pop_front();
    done(Done{});
    if (!ended_) close_when_settled();
  }

  void close_when_settled() {
    if (!closed_ || !open_commits_.empty() || close_sent_) return;
    close_sent_ = true;
    protocol_->close();
    wake();
  }

  void end(Error error) {
    if (ended_) return;
    ended_ = true;
    loop_.cancel(timer_);
    resolver_.cancel();
    boost::system::error_code ignored;
    if (protocol_ && writing_.empty() && socket_.is_open()) {  // connection.close-ok, if there is room for it
      socket_.non_blocking(true, ignored);
      socket_.write_some(asio::buffer(protocol_->output()), ignored);
    }
    socket_.close(ignored);
    auto self = shared_from_this();
    auto handlers = std::exchange(handlers_, {});
    auto commits = std::exchange(open_commits_, {});
    auto closed = std::exchange(closed_, nullptr);
    for (auto& done : commits) done(Error{Error::Kind::unavailable, error.message});
    if (closed) {
      closed();
    } else if (handlers.lost) {
      handlers.lost(std::move(error));
    }
  }

  io::posix::AsioLoop& loop_;
  Handlers handlers_;
  BrokerUri uri_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  std::unique_ptr<LinkProtocol> protocol_;
  std::deque<std::function<void(Status)>> open_commits_;
  std::function<void()> closed_;
  std::vector<char> input_;
  std::string writing_;
  io::TimerId timer_ = 0;
  int quiet_intervals_ = 0;  // halves of the heartbeat interval
  bool sent_in_interval_ = false;
  bool wake_posted_ = false;
  bool close_sent_ = false;
  bool ended_ = false;
};

StepLink::StepLink(io::posix::AsioLoop& loop, Settings settings, Handlers handlers)
    : state_(std::make_shared<State>(loop, std::move(handlers))) {
  state_->start(std::move(settings));
}

StepLink::~StepLink() {
  state_->abandon();
}

void StepLink::commit(Commit commit, std::function<void(Status)> done) {
  state_->commit(std::move(commit), std::move(done));
}

void StepLink::stop_consuming() {
  state_->stop_consuming();
}

void StepLink::close(std::function<void()> closed) {
  state_->close(std::move(closed));
}

}  // namespace millrace::amqp::client
