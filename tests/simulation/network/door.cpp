#include "door.hpp"

namespace millrace::simulation {
using namespace std::chrono_literals;

Door::Door(io::sim::SimLoop& loop, broker::Broker& broker, broker::Users& users, std::shared_ptr<Line> line,
           const broker::SessionSettings& settings)
    : loop_(loop),
      line_(std::move(line)),
      session_(std::make_unique<broker::Session>(loop, broker, users, *this, settings)) {
  line_->attach(Line::broker, *this);
}

Door::~Door() {
  *alive_ = false;
  line_->leave(Line::broker);
}

void Door::received(std::string_view bytes) {
  if (!session_) return;
  waiting_ += overlooks_ ? without_acks(bytes) : std::string(bytes);
  feed();
}

void Door::feed() {
  if (session_ && !session_->is_over() && !session_->input_paused() && !waiting_.empty()) {
    session_->input(std::exchange(waiting_, {}));
  }
}

void Door::lost() {
  end();
}

void Door::output_waiting() {
  if (std::exchange(flush_posted_, true)) return;
  loop_.post([this, alive = alive_] {
    if (!*alive) return;
    flush_posted_ = false;
    flush();
  });
}

void Door::input_resumed() {
  feed();
}

void Door::over() {
  output_waiting();
}

void Door::flush() {
  if (!session_) return;
  const auto bytes = std::exchange(session_->output(), {});
  line_->send(Line::broker, bytes);
  if (bytes.empty()) {
    if (session_->is_over()) end();
    return;
  }
  loop_.post([this, alive = alive_] {
    if (!*alive || !session_) return;
    session_->written();
    if (session_->is_over() || !session_->output().empty()) output_waiting();
  });
}

void Door::end() {
  session_.reset();
  line_->close(Line::broker);
}

void Door::overlook_an_ack() {
  overlooks_ = true;
  overseen_.set_frame_size_max(amqp::frame_size_usual);
}

std::string Door::without_acks(std::string_view bytes) {
  std::string passed;
  overseen_.feed(bytes);
  if (!greeted_) {
    const auto header = overseen_.take(amqp::protocol_header.size());
    greeted_ = header.has_value();
    if (header) passed += *header;
  }
  while (greeted_) {
    const auto next = overseen_.next();
    if (!next || !*next) break;
    const auto& frame = **next;
    amqp::Reader in(frame.payload);
    const bool is_method = frame.type == amqp::FrameType::method;
    if (overlooks_ && is_method && amqp::MethodId{in.number<std::uint32_t>()} == amqp::MethodId::basic_ack) {
      overlooks_ = false;
      continue;
    }
    amqp::write_frame(passed, frame.type, frame.channel, frame.payload);
  }
  if (!overlooks_ && greeted_) {  // what is half there goes on as it is
    if (const auto rest = overseen_.take(overseen_.waiting())) passed += *rest;
    overseen_ = {};
  } else {
    overseen_.keep();
  }
  return passed;
}

}  // namespace millrace::simulation
