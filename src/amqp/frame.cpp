#include "amqp/frame.hpp"

#include <algorithm>

namespace millrace::amqp {

namespace {

constexpr char frame_end = '\xCE';
constexpr std::size_t frame_head = 7;  // type, channel, size

bool known(std::uint8_t type) {
  switch (FrameType{type}) {
    case FrameType::method:
    case FrameType::header:
    case FrameType::body:
    case FrameType::heartbeat:
      return true;
  }
  return false;
}

}  // namespace

void FrameReader::feed(std::string_view bytes) {
  if (rest_.empty()) {
    rest_ = bytes;
    return;
  }
  kept_.append(bytes);
  rest_ = kept_;
}

Result<std::optional<Frame>, ProtocolError> FrameReader::next() {
  if (rest_.size() < frame_head) return std::optional<Frame>{};
  Reader head(rest_);
  const auto type = head.number<std::uint8_t>();
  const auto channel = head.number<std::uint16_t>();
  const auto size = head.number<std::uint32_t>();
  if (!known(type)) {
    return ProtocolError{ReplyCode::frame_error, "a frame of the unknown type " + std::to_string(type)};
  }
  if (size > frame_size_max_) {  // not less the overhead: see set_frame_size_max
    return ProtocolError{ReplyCode::frame_error, "a frame of " + std::to_string(size + frame_overhead) +
                                                     " bytes is larger than the agreed " +
                                                     std::to_string(frame_size_max_)};
  }
  if (rest_.size() < size + frame_overhead) return std::optional<Frame>{};
  if (rest_[frame_head + size] != frame_end) {
    return ProtocolError{ReplyCode::frame_error, "a frame does not end with the frame-end octet"};
  }
  Frame frame{FrameType{type}, channel, rest_.substr(frame_head, size)};
  rest_.remove_prefix(size + frame_overhead);
  return std::optional<Frame>{frame};
}

std::optional<std::string_view> FrameReader::take(std::size_t count) {
  if (rest_.size() < count) return std::nullopt;
  std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

void FrameReader::keep() {
  if (rest_.empty()) {
    if (kept_.capacity() > frame_size_min) {
      kept_ = {};
    } else {
      kept_.clear();
    }
  } else if (rest_.data() >= kept_.data() && rest_.data() < kept_.data() + kept_.size()) {
    kept_.erase(0, static_cast<std::size_t>(rest_.data() - kept_.data()));
  } else {
    kept_.assign(rest_);
  }
  rest_ = kept_;
}

Result<ContentHeader, ProtocolError> read_content_header(std::string_view payload) {
  Reader in(payload);
  ContentHeader header;
  header.class_index = in.number<std::uint16_t>();
  const auto weight = in.number<std::uint16_t>();
  header.body_size = in.number<std::uint64_t>();
  header.properties = in.rest();
  if (!in.ok() || weight != 0) return ProtocolError{ReplyCode::syntax_error, "a malformed content header frame"};
  return header;
}

std::size_t begin_frame(std::string& out, FrameType type, std::uint16_t channel) {
  const std::size_t begin = out.size();
  write_number(out, static_cast<std::uint8_t>(type));
  write_number(out, channel);
  write_number(out, std::uint32_t{0});
  return begin;
}

void end_frame(std::string& out, std::size_t begin) {
  const auto size = __builtin_bswap32(static_cast<std::uint32_t>(out.size() - begin - frame_head));
  std::memcpy(out.data() + begin + 3, &size, sizeof size);
  out += frame_end;
}

void write_frame(std::string& out, FrameType type, std::uint16_t channel, std::string_view payload) {
  const std::size_t begin = begin_frame(out, type, channel);
  out += payload;
  end_frame(out, begin);
}

void write_heartbeat(std::string& out) {
  write_frame(out, FrameType::heartbeat, 0, {});
}

void write_content(std::string& out, std::uint16_t channel, std::string_view properties, std::string_view body,
                   std::uint32_t frame_size_max) {
  constexpr std::uint16_t class_basic = 60;
  const std::size_t begin = begin_frame(out, FrameType::header, channel);
  write_number(out, class_basic);
  write_number(out, std::uint16_t{0});
  write_number(out, static_cast<std::uint64_t>(body.size()));
  out += properties;
  end_frame(out, begin);
  const std::size_t piece_max = frame_size_max - frame_overhead;
  while (!body.empty()) {
    const std::size_t piece = std::min(body.size(), piece_max);
    write_frame(out, FrameType::body, channel, body.substr(0, piece));
    body.remove_prefix(piece);
  }
}

}  // namespace millrace::amqp
