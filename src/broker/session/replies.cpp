#include "broker/session/replies.hpp"

namespace millrace::broker {

std::string& Replies::place() {
  if (waiting_.empty()) return out_;
  if (!waiting_.back().ready) waiting_.push_back({true, {}, nullptr});
  return waiting_.back().frames;
}

Replies::Ticket Replies::hold() {
  waiting_.emplace_back();
  return first_ + waiting_.size() - 1;
}

void Replies::fulfil(Ticket ticket, std::string frames) {
  Waiting& waiting = waiting_.at(ticket - first_);
  waiting.frames = std::move(frames);
  waiting.ready = true;
  while (!waiting_.empty() && waiting_.front().ready) {
    out_ += waiting_.front().frames;
    if (waiting_.front().written) waiting_.front().written();
    waiting_.pop_front();
    ++first_;
  }
}

}  // namespace millrace::broker
