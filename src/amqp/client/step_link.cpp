#include "amqp/client/step_link.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "amqp/client/isolation.hpp"
#include "amqp/client/link_protocol.hpp"
#include "amqp/client/transport.hpp"

namespace millrace::amqp::client {
namespace {

constexpr std::chrono::seconds opening_time_max{15};  // once it is reached
constexpr std::chrono::seconds closing_time_max{5};

}  // namespace

/// LinkProtocol over a Transport. Handlers and timers hold it; the link itself may go at any time, after which nothing
/// is called any more.
class StepLink::State : public std::enable_shared_from_this<StepLink::State> {
 public:
  State(io::posix::AsioLoop& loop, Handlers handlers) : loop_(loop), handlers_(std::move(handlers)) {}

  void start(Settings settings) {
    auto uri = parse_broker_uri(settings.uri);
    if (!uri) {
      post([error = uri.error()](State& self) { self.end(error); });
      return;
    }
    if (settings.confirms) make_commits(settings);
    protocol_ = std::make_unique<LinkProtocol>(*uri, std::move(settings), events());
    set_timer(uri->connection_timeout + opening_time_max, [](State& self) {
      self.end(Error{Error::Kind::unavailable, "the broker did not open the connection in time"});
    });
    connect(std::move(*uri));
  }

  void commit(Commit commit, std::function<void(Status)> done) {
    if (ended_) {
      loop_.post([done = std::move(done)] {
        done(Error{Error::Kind::unavailable, "the connection to the broker is lost"});
      });
      return;
    }
    open_commits_.push_back({std::move(done), commit.acks.size() + commit.returns.size()});
    if (!protocol_) return;
    commits_ ? commits_->add(std::move(commit)) : protocol_->commit(std::move(commit));
    flush();
  }

  void stop_consuming() {
    if (ended_ || !protocol_) return;
    isolation_ ? isolation_->stop() : protocol_->stop_consuming();
    flush();
  }

  void close(std::function<void()> closed) {
    if (ended_) {
      loop_.post(std::move(closed));
      return;
    }
    closed_ = std::move(closed);
    if (!protocol_ || !protocol_->is_open()) {
      post([](State& self) { self.end(Error{Error::Kind::unavailable, "the link was closed"}); });
      return;
    }
    set_timer(closing_time_max, [](State& self) {
      self.end(Error{Error::Kind::unavailable, "the broker did not close the connection in time"});
    });
    close_when_settled();
  }

  std::size_t unsettled() const { return unsettled_; }

  /// The link goes: nobody is called any more.
  void abandon() {
    handlers_ = {};
    closed_ = nullptr;
    open_commits_.clear();
    if (protocol_) protocol_->output().clear();
    end(Error{Error::Kind::unavailable, "the link is gone"});
  }

 private:
  struct OpenCommit {
    std::function<void(Status)> done;
    std::size_t settles;  ///< deliveries
  };

  void make_commits(const Settings& settings) {
    ConfirmedCommits::Channel channel;
    channel.publish = [this](const Outgoing& message) { protocol_->publish(message); };
    channel.settle = [this](const Commit& commit) { protocol_->settle(commit); };
    channel.committed = [this] { committed(); };
    channel.wrote = [this] { flush(); };
    commits_.emplace(loop_, *settings.confirms, std::move(channel));
    if (settings.queue.empty()) return;
    Isolation::Consumer consumer;
    consumer.consume = [this](std::uint16_t prefetch) { protocol_->consume(prefetch); };
    consumer.cancel = [this] { protocol_->stop_consuming(); };
    consumer.hand_on = [this](Delivery delivery) {
      if (handlers_.delivered) handlers_.delivered(std::move(delivery));
    };
    isolation_.emplace(settings.prefetch, std::move(consumer));
  }

  LinkProtocol::Events events() {
    LinkProtocol::Events events;
    events.ready = [this] { opened(); };
    events.delivered = [this](Delivery delivery) {
      ++unsettled_;
      if (isolation_) return isolation_->delivered(std::move(delivery));
      if (handlers_.delivered) handlers_.delivered(std::move(delivery));
    };
    events.committed = [this] { committed(); };
    events.failed = [this](Error error) { end(std::move(error)); };
    events.closed = [this] { end(Error{Error::Kind::unavailable, "the link was closed"}); };
    if (!commits_) return events;
    events.opened = [this] {
      commits_->hold(false);
      if (isolation_) isolation_->begin();
    };
    events.cancelled = [this] {
      if (isolation_) isolation_->cancelled();
    };
    events.answered = [this](std::uint64_t number, bool multiple, bool confirmed) {
      commits_->answered(number, multiple, confirmed);
    };
    events.returned = [this](const Outgoing& message, const std::string& why) { commits_->returned(message, why); };
    events.blocked = [this](bool blocked) { commits_->hold(blocked); };
    return events;
  }

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

  void connect(BrokerUri uri) {
    Transport::Handlers handlers;
    handlers.input = [self = shared_from_this()](std::string_view bytes) {
      self->protocol_->input(bytes);
      if (!self->ended_) self->flush();
    };
    handlers.failed = [self = shared_from_this()](Error error) { self->end(std::move(error)); };
    handlers.cut = [self = shared_from_this()] { self->end(self->protocol_->end_of_stream()); };
    transport_ = std::make_unique<Transport>(loop_, std::move(uri), std::move(handlers));
    flush();
  }

  void flush() {
    if (transport_ && !protocol_->output().empty()) transport_->write(protocol_->output());
  }

  void opened() {
    if (std::exchange(opened_, true)) return;  // a consumer that came after another
    if (!closed_) loop_.cancel(timer_);
    transport_->set_heartbeat(std::chrono::seconds(protocol_->heartbeat_interval()));
    if (handlers_.ready) handlers_.ready();
  }

  void committed() {
    if (open_commits_.empty()) {
      return end(Error{Error::Kind::invalid, "the broker answered a commit that was not made"});
    }
    auto commit = std::move(open_commits_.front());
    open_commits_.pop_front();
    unsettled_ -= std::min(unsettled_, commit.settles);
    commit.done(Done{});
    if (!ended_ && isolation_) isolation_->settled(commit.settles);
    if (!ended_) close_when_settled();
  }

  void close_when_settled() {
    if (!closed_ || !open_commits_.empty() || close_sent_) return;
    close_sent_ = true;
    protocol_->close();
    flush();
  }

  void end(Error error) {
    if (ended_) return;
    ended_ = true;
    loop_.cancel(timer_);
    if (commits_) commits_->stop();
    const auto self = shared_from_this();  // of whom the transport's handlers are the last to know
    flush();                               // connection.close-ok, if there is room for it
    if (transport_) transport_->close();
    auto handlers = std::exchange(handlers_, {});
    auto commits = std::exchange(open_commits_, {});
    auto closed = std::exchange(closed_, nullptr);
    for (auto& commit : commits) commit.done(Error{Error::Kind::unavailable, error.message});
    if (closed) {
      closed();
    } else if (handlers.lost) {
      handlers.lost(std::move(error));
    }
  }

  io::posix::AsioLoop& loop_;
  Handlers handlers_;
  std::unique_ptr<LinkProtocol> protocol_;
  std::unique_ptr<Transport> transport_;
  std::optional<ConfirmedCommits> commits_;  ///< none: transactions
  std::optional<Isolation> isolation_;       ///< none: the broker sees to it
  std::deque<OpenCommit> open_commits_;
  std::size_t unsettled_ = 0;  ///< deliveries
  std::function<void()> closed_;
  io::TimerId timer_ = 0;  ///< of opening, then of closing
  bool opened_ = false;
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

std::size_t StepLink::unsettled() const {
  return state_->unsettled();
}

void StepLink::stop_consuming() {
  state_->stop_consuming();
}

void StepLink::close(std::function<void()> closed) {
  state_->close(std::move(closed));
}

}  // namespace millrace::amqp::client
