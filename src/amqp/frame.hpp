#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amqp/methods.hpp"
#include "amqp/reply_code.hpp"
#include "core/result.hpp"

namespace millrace::amqp {

/// What a client opens with (§4.2.2); a server answers the same bytes to a client that opens with others.
inline constexpr std::string_view protocol_header{"AMQP\0\0\x09\x01", 8};

enum class FrameType : std::uint8_t { method = 1, header = 2, body = 3, heartbeat = 8 };

inline constexpr std::size_t frame_overhead = 8;           ///< bytes: type, channel, size before; frame-end after
inline constexpr std::uint32_t frame_size_min = 4096;      ///< bytes every peer takes before tuning (§1.1)
inline constexpr std::uint32_t frame_size_usual = 131072;  ///< bytes we offer in connection.tune

struct Frame {
  FrameType type = FrameType::heartbeat;
  std::uint16_t channel = 0;
  std::string_view payload;
};

/// Input that breaks the protocol, and what the specification says to answer.
struct ProtocolError {
  ReplyCode code;
  std::string text;
};

/// Cuts a stream of bytes into frames (§4.2.3). Copies only what a feed leaves unfinished: frames that lie whole in
/// what was fed are views into it. Memory: at most one frame_size_max plus what was fed and not taken.
class FrameReader {
 public:
  /// Frames larger than this are refused (§4.2.3, tuned by connection.tune-ok). The eight bytes around the payload are
  /// not counted, as RabbitMQ does not: clients are in use that forget them (npm's rabbitmq-client).
  void set_frame_size_max(std::uint32_t size) { frame_size_max_ = size; }

  /// `bytes` stay valid until keep().
  void feed(std::string_view bytes);
  /// The next whole frame, or nothing while more bytes are needed. Its payload is valid until keep().
  Result<std::optional<Frame>, ProtocolError> next();
  /// The next `count` bytes as they are (the protocol header), or nothing while there are fewer.
  std::optional<std::string_view> take(std::size_t count);
  /// Keeps what was not taken for later. To be called before the fed bytes go away.
  void keep();
  /// Bytes fed and not taken.
  std::size_t waiting() const { return rest_.size(); }

 private:
  std::uint32_t frame_size_max_ = frame_size_min;
  std::string kept_;       // what keep() saved; rest_ points into it or into what was fed
  std::string_view rest_;  // not yet taken
};

/// A content header frame's payload (§4.2.6.1); the properties stay as on the wire.
struct ContentHeader {
  std::uint16_t class_index = 0;
  std::uint64_t body_size = 0;
  std::string_view properties;
};
Result<ContentHeader, ProtocolError> read_content_header(std::string_view payload);

void write_frame(std::string& out, FrameType type, std::uint16_t channel, std::string_view payload);
void write_heartbeat(std::string& out);
/// Header frame and body frames of a content; none of them larger than `frame_size_max`. An empty body has no frame.
void write_content(std::string& out, std::uint16_t channel, std::string_view properties, std::string_view body,
                   std::uint32_t frame_size_max);

/// Where a frame begun with begin_frame() starts; end_frame() fills in its size.
std::size_t begin_frame(std::string& out, FrameType type, std::uint16_t channel);
void end_frame(std::string& out, std::size_t begin);

template <class Method>
void write_method(std::string& out, std::uint16_t channel, const Method& method) {
  const std::size_t begin = begin_frame(out, FrameType::method, channel);
  write_number(out, static_cast<std::uint32_t>(Method::id));
  method.write(out);
  end_frame(out, begin);
}

}  // namespace millrace::amqp
