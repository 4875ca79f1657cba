#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "amqp/frame.hpp"

namespace millrace::broker {

/// A channel's answers in the order of the questions, although some of them (declare-ok, tx.commit-ok) have to wait for
/// the disk: what is answered after such a one waits behind it.
class Replies {
 public:
  using Ticket = std::uint64_t;

  explicit Replies(std::string& out) : out_(out) {}

  /// Answers now, or as soon as those before are answered.
  template <class Method>
  void answer(std::uint16_t channel, const Method& method) {
    amqp::write_method(place(), channel, method);
  }
  /// As answer(); `written` is called when the answer stands in the output, maybe at once.
  template <class Method>
  void answer(std::uint16_t channel, const Method& method, std::function<void()> written) {
    if (waiting_.empty()) {
      amqp::write_method(out_, channel, method);
      return written();
    }
    waiting_.push_back({true, {}, std::move(written)});
    amqp::write_method(waiting_.back().frames, channel, method);
  }
  /// Where to write the frames of an answer that is made of more than a method.
  std::string& place();

  /// Keeps a place for an answer to come.
  Ticket hold();
  void fulfil(Ticket ticket, std::string frames);
  bool settled() const { return waiting_.empty(); }

 private:
  struct Waiting {
    bool ready = false;
    std::string frames;  // the answer and what was answered at once after it
    std::function<void()> written;
  };

  std::string& out_;
  std::deque<Waiting> waiting_;  // tickets first_, first_ + 1, …
  Ticket first_ = 0;
};

}  // namespace millrace::broker
