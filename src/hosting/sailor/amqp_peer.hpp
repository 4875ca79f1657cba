#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "amqp/frame.hpp"
#include "amqp/methods.hpp"
#include "amqp/properties.hpp"

namespace millrace::hosting::sailor {

/// Something that a component has published.
struct Published {
  std::string routing_key;
  amqp::Properties properties;
  std::string body;
};

/// One AMQP 0-9-1 connection of a component's library, seen from the broker's side: exactly the methods that
/// `elasticio-sailor-nodejs` and its Java sibling use (docs/component-protocol.md), as bytes in and bytes out. There
/// are no queues behind it: what is published goes to `published` and is confirmed, unless confirms are held back; the
/// one consumer gets what deliver() gives it. Anything else it answers as the specification says, and then is over.
class AmqpPeer {
 public:
  struct Login {
    std::string user;
    std::string password;
  };
  struct Events {
    std::function<void(Published)> published;
    std::function<void()> consuming;  ///< a consumer has begun
    /// A delivery is done with: acknowledged, or rejected.
    std::function<void(std::uint64_t tag, bool acknowledged)> settled;
  };

  AmqpPeer(const Login& login, const Events& events) : login_(login), events_(events) {}

  void input(std::string_view bytes);
  /// What is to be sent; the caller takes it out.
  std::string& output() { return output_; }
  /// Nothing more is read; once the output is sent the connection is to be closed.
  bool is_over() const { return over_; }
  /// Why it is over, if by a fault of the other side; for the log.
  const std::string& fault() const { return fault_; }

  bool consumes() const { return consumer_.has_value(); }
  /// How many deliveries may be unsettled; 0: any number.
  std::uint16_t prefetch() const { return prefetch_; }
  /// To its consumer, which there must be. The tag that settles it.
  std::uint64_t deliver(const amqp::Properties& properties, std::string_view body);
  /// While held, what is published is not confirmed; then all of it at once.
  void hold_confirms(bool hold);

 private:
  struct Consumer {
    std::uint16_t channel = 0;
    std::string tag;
  };
  struct Incoming {
    Published message;
    std::uint64_t size = 0;
    bool has_header = false;
  };
  struct Channel {
    bool confirms = false;
    std::uint64_t published = 0;
    std::uint64_t confirmed = 0;
    std::optional<Incoming> incoming;
  };

  void frame(const amqp::Frame& frame);
  void connection_method(amqp::MethodId id, amqp::Reader& in);
  void channel_method(std::uint16_t number, amqp::MethodId id, amqp::Reader& in);
  void basic_method(std::uint16_t number, amqp::MethodId id, amqp::Reader& in);
  void content(std::uint16_t number, const amqp::Frame& frame);
  void arrived(Channel& channel);
  void settle(std::uint64_t tag, bool multiple, bool acknowledged);
  void greet();
  bool logs_in(const amqp::connection::StartOk& method) const;
  void write_confirms();
  void fail(amqp::ReplyCode code, std::string why);

  const Login& login_;
  const Events& events_;
  amqp::FrameReader reader_;
  std::string output_;
  bool greeted_ = false;
  bool logged_in_ = false;
  bool over_ = false;
  std::string fault_;
  std::uint32_t frame_size_max_ = amqp::frame_size_usual;
  std::map<std::uint16_t, Channel> channels_;
  std::optional<Consumer> consumer_;
  std::uint16_t prefetch_ = 0;
  std::uint64_t last_tag_ = 0;
  std::set<std::uint64_t> unsettled_;
  bool holds_confirms_ = false;
};

}  // namespace millrace::hosting::sailor
