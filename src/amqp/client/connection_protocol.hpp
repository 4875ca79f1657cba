#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "amqp/client/handshake.hpp"
#include "amqp/client/link.hpp"
#include "amqp/frame.hpp"
#include "core/result.hpp"

namespace millrace::amqp::client {

/// A message that the broker brings.
struct Content {
  MethodId id{};              ///< basic.deliver or basic.return
  std::string consumer_tag;   ///< of basic.deliver
  std::string return_reason;  ///< of basic.return: reply code and text
  Delivery message;           ///< tag and redelivered are basic.deliver's
};

/// What it means that the broker has closed the "channel" or "connection".
Error closed_by_broker(std::string_view what, ReplyCode code, std::string_view text);

/// A client's connection with any number of channels, without its socket: bytes in, events and bytes out (AMQP 0-9-1
/// §2.2.4, §4). Which channels are open, and what is said on them, is up to its user. After `failed` or `closed`
/// no more events come. Events are never called from inside anything but input().
class ConnectionProtocol {
 public:
  struct Events {
    std::function<void()> opened;  ///< channels may be opened
    std::function<void(std::uint16_t channel, MethodId id, Reader& in)> method;
    std::function<void(std::uint16_t channel, Content content)> content;
    /// The broker closed it, and may be asked to open it again.
    std::function<void(std::uint16_t channel, ReplyCode code, std::string text)> channel_closed;
    std::function<void(std::optional<std::string> reason)> blocked;  ///< connection.blocked; nullopt: no longer
    std::function<void(Error)> failed;
    std::function<void()> closed;  ///< after close()
  };

  /// `connection_name` is how the broker lists it; no more than `channels` are asked for.
  ConnectionProtocol(BrokerUri uri, std::string connection_name, std::uint16_t channels, Events events);

  void input(std::string_view bytes);
  template <class Method>
  void send(std::uint16_t channel, const Method& method) {
    write_method(output_, channel, method);
  }
  void publish(std::uint16_t channel, const basic::Publish& method, std::string_view properties, std::string_view body);
  void close();
  /// No more events, and nothing more to send.
  void stop();

  /// Bytes to send; the caller takes them out.
  std::string& output() { return output_; }
  /// What connection.tune agreed on, in seconds; 0 before that.
  std::uint16_t heartbeat_interval() const { return handshake_.heartbeat_interval(); }
  /// What a closed socket means at this point.
  Error end_of_stream() const;

 private:
  enum class Stage { opening, open, closing, ended };

  struct Incoming {
    std::optional<Content> content;             ///< not whole yet
    std::optional<std::uint64_t> missing = {};  ///< bytes of the body; nothing before its header frame
  };

  void fail(Error error);
  void take(const Frame& frame);
  void method(std::uint16_t channel, std::string_view payload);
  void handshake(MethodId id, Reader& in);
  void on_connection(MethodId id, Reader& in);
  void take_content(const Frame& frame);
  void begin_content(std::uint16_t channel, MethodId id, Reader& in);

  Handshake handshake_;
  Events events_;
  FrameReader reader_;
  std::string output_;
  Stage stage_ = Stage::opening;
  std::map<std::uint16_t, Incoming> incoming_;  ///< by channel
};

}  // namespace millrace::amqp::client
