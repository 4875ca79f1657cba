#include "amqp/client/connection.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "amqp/client/transport.hpp"

namespace millrace::amqp::client {
namespace {

constexpr std::chrono::milliseconds first_delay{100};
constexpr std::chrono::milliseconds longest_delay{5'000};
constexpr std::chrono::seconds closing_time_max{5};
/// What RabbitMQ allows as well, if it is not told otherwise.
constexpr std::uint16_t channels_max = 2047;

}  // namespace

/// Timers and posted tasks hold it weakly; the transport's handlers belong to the transport, which it owns.
class Connection::State : public std::enable_shared_from_this<Connection::State> {
 public:
  State(io::posix::AsioLoop& loop, BrokerUri uri, std::string name, Handlers handlers)
      : loop_(loop), uri_(std::move(uri)), name_(std::move(name)), handlers_(std::move(handlers)) {}

  void add_channel(std::uint16_t number, ChannelUser& user) { channels_[number] = {&user, false}; }
  bool is_open() const { return open_; }

  void connect() {
    timer_ = 0;
    ConnectionProtocol::Events events;
    events.opened = [this] { opened(); };
    events.method = [this](std::uint16_t channel, MethodId id, Reader& in) { method(channel, id, in); };
    events.content = [this](std::uint16_t channel, Content content) {
      if (const auto known = channels_.find(channel); known != channels_.end()) {
        known->second.user->brought(std::move(content));
      }
    };
    events.channel_closed = [this](std::uint16_t channel, ReplyCode code, const std::string& text) {
      channel_closed(channel, code, text);
    };
    events.blocked = [this](const std::optional<std::string>& reason) {
      if (handlers_.blocked) handlers_.blocked(reason);
    };
    events.failed = [this](Error error) { end_soon(std::move(error)); };
    events.closed = [this] { end_soon(Error{Error::Kind::unavailable, "the connection was closed"}); };
    protocol_ = std::make_unique<ConnectionProtocol>(uri_, name_, channels_max, std::move(events));
    Transport::Handlers bytes;
    bytes.input = [this](std::string_view input) {
      protocol_->input(input);
      flush();
    };
    bytes.failed = [this](Error error) { end_soon(std::move(error)); };
    bytes.cut = [this] { end_soon(protocol_->end_of_stream()); };
    transport_ = std::make_unique<Transport>(loop_, uri_, std::move(bytes));
    flush();
  }

  ConnectionProtocol* writable(std::uint16_t channel) {
    const auto known = channels_.find(channel);
    if (!open_ || known == channels_.end() || !known->second.open) return nullptr;
    wake();
    return protocol_.get();
  }

  void close(std::function<void()> closed) {
    closing_ = true;
    loop_.cancel(std::exchange(timer_, 0));
    closed_ = std::move(closed);
    if (!open_) return loop_.post([self = shared_from_this()] { self->finish(); });
    protocol_->close();
    flush();
    timer_ = loop_.after(closing_time_max, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->finish();
    });
  }

  /// Nobody is called any more.
  void abandon() {
    closing_ = true;
    handlers_ = {};
    closed_ = nullptr;
    channels_.clear();
    loop_.cancel(std::exchange(timer_, 0));
    transport_.reset();
  }

 private:
  struct Channel {
    ChannelUser* user = nullptr;
    bool open = false;
  };

  void opened() {
    open_ = true;
    told_of_loss_ = false;
    delay_ = first_delay;
    transport_->set_heartbeat(std::chrono::seconds(protocol_->heartbeat_interval()));
    if (handlers_.opened) handlers_.opened();
    for (const auto& [number, channel] : channels_) protocol_->send(number, channel::Open{});
  }

  void method(std::uint16_t number, MethodId id, Reader& in) {
    const auto known = channels_.find(number);
    if (known == channels_.end()) return;
    auto& channel = known->second;
    if (id != MethodId::channel_open_ok) return channel.user->replied(id, in);
    channel.open = true;
    channel.user->opened();
  }

  void channel_closed(std::uint16_t number, ReplyCode code, const std::string& text) {
    const auto known = channels_.find(number);
    if (known == channels_.end()) return;
    known->second.open = false;
    protocol_->send(number, channel::Open{});
    known->second.user->closed(code, text);
  }

  /// Not from inside the transport's or the protocol's own call.
  void end_soon(Error error) {
    loop_.post([weak = weak_from_this(), transport = transport_.get(), error = std::move(error)] {
      const auto self = weak.lock();
      if (self && self->transport_ && self->transport_.get() == transport) self->end(error);
    });
  }

  void end(const Error& error) {
    if (transport_) transport_->close();
    transport_.reset();
    open_ = false;
    for (auto& [number, channel] : channels_) {
      if (std::exchange(channel.open, false)) channel.user->closed(ReplyCode::connection_forced, error.message);
    }
    if (closing_) return finish();
    if (handlers_.blocked) handlers_.blocked(std::nullopt);
    if (!std::exchange(told_of_loss_, true) && handlers_.lost) handlers_.lost(error);
    timer_ = loop_.after(delay_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->connect();
    });
    delay_ = std::min(delay_ * 2, longest_delay);
  }

  void finish() {
    loop_.cancel(std::exchange(timer_, 0));
    transport_.reset();
    open_ = false;
    if (const auto closed = std::exchange(closed_, nullptr)) closed();
  }

  void wake() {
    if (std::exchange(wake_posted_, true)) return;
    loop_.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->wake_posted_ = false;
      self->flush();
    });
  }

  void flush() {
    if (transport_ && !protocol_->output().empty()) transport_->write(protocol_->output());
  }

  io::posix::AsioLoop& loop_;
  const BrokerUri uri_;
  const std::string name_;
  Handlers handlers_;
  std::map<std::uint16_t, Channel> channels_;
  std::unique_ptr<ConnectionProtocol> protocol_;
  std::unique_ptr<Transport> transport_;
  std::function<void()> closed_;
  std::chrono::milliseconds delay_ = first_delay;
  io::TimerId timer_ = 0;
  bool open_ = false;
  bool told_of_loss_ = false;
  bool closing_ = false;
  bool wake_posted_ = false;
};

Connection::Connection(io::posix::AsioLoop& loop, BrokerUri uri, std::string name, Handlers handlers)
    : state_(std::make_shared<State>(loop, std::move(uri), std::move(name), std::move(handlers))) {}

Connection::~Connection() {
  state_->abandon();
}

void Connection::add_channel(std::uint16_t number, ChannelUser& user) {
  state_->add_channel(number, user);
}

void Connection::open() {
  state_->connect();
}

bool Connection::is_open() const {
  return state_->is_open();
}

void Connection::close(std::function<void()> closed) {
  state_->close(std::move(closed));
}

ConnectionProtocol* Connection::writable(std::uint16_t channel) {
  return state_->writable(channel);
}

void Connection::publish(std::uint16_t channel, const basic::Publish& method, std::string_view properties,
                         std::string_view body) {
  if (auto* protocol = writable(channel)) protocol->publish(channel, method, properties, body);
}

void Connection::send_frames(std::uint16_t channel, std::string_view frames) {
  if (auto* protocol = writable(channel)) protocol->output().append(frames);
}

}  // namespace millrace::amqp::client
