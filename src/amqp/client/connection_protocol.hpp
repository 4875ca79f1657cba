#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "amqp/client/handshake.hpp"
#include "amqp/frame.hpp"
#include "core/result.hpp"

namespace millrace::amqp::client {

/// A method that brings a message: basic.deliver, basic.get-ok, basic.return.
struct Content {
  MethodId id{};
  std::string method;      ///< its arguments as on the wire
  std::string properties;  ///< property flags and list as on the wire; amqp::decode_properties
  std::string body;
};

/// A client's connection with any number of channels, without its socket: bytes in, events and bytes out (AMQP 0-9-1
/// §2.2.4, §4). Which channels are open, and what is said on them, is up to its user. After `failed` no more events
/// come. Events are never called from inside anything but input().
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

  ConnectionProtocol(BrokerUri uri, std::string connection_name, Events events);

  void input(std::string_view bytes);
  template <class Method>
  void send(std::uint16_t channel, const Method& method) {
    write_method(output_, channel, method);
  }
  void publish(std::uint16_t channel, const basic::Publish& method, std::string_view properties, std::string_view body);
  void close();

  /// Bytes to send; the caller takes them out.
  std::string& output() { return output_; }
  /// What connection.tune agreed on, in seconds; 0 before that.
  std::uint16_t heartbeat_interval() const { return handshake_.heartbeat_interval(); }
  /// What a closed socket means at this point.
  Error end_of_stream() const;

 private:
  enum class Stage { opening, open, closing, ended };

  /// A content that is not whole yet.
  struct Incoming {
    Content content;
    std::optional<std::uint64_t> missing = {};  ///< bytes of the body; nothing before its header frame
  };

  void fail(Error error);
  void take(const Frame& frame);
  void method(std::uint16_t channel, std::string_view payload);
  void handshake(MethodId id, Reader& in);
  void on_connection(MethodId id, Reader& in);
  void take_content(const Frame& frame);
  static bool brings_content(MethodId id);

  Handshake handshake_;
  Events events_;
  FrameReader reader_;
  std::string output_;
  Stage stage_ = Stage::opening;
  std::map<std::uint16_t, Incoming> incoming_;  ///< by channel
};

}  // namespace millrace::amqp::client
