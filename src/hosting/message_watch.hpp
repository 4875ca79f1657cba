#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "component/program.hpp"
#include "core/result.hpp"
#include "io/loop.hpp"

namespace millrace::hosting {

/// Sees to it that a program does not keep a message for ever: one that it has had for `silence_max` without a sign
/// (something emitted for it) is told of with `late`, once, after which nothing more is; a minute's silence is logged.
/// Thread: the loop's, which outlives it.
class MessageWatch {
 public:
  using Late = std::function<void(std::string why)>;

  /// As the component's variable MILLRACE_MESSAGE_TIMEOUT says, in seconds, 0 for no limit; ten minutes without it.
  static Result<std::chrono::seconds> silence_max(const component::Program& program);

  MessageWatch(io::Loop& loop, std::chrono::seconds silence_max, Late late);
  ~MessageWatch();
  MessageWatch(const MessageWatch&) = delete;
  MessageWatch& operator=(const MessageWatch&) = delete;

  /// The program has got the message, or gives a sign of it.
  void heard(const std::string& message);
  /// It is done with it.
  void over(const std::string& message);

 private:
  struct Silence {
    io::SteadyTime since;
    bool told = false;
  };
  void look();

  io::Loop& loop_;
  const std::chrono::seconds silence_max_;
  Late late_;
  std::map<std::string, Silence> silences_;
  io::TimerId timer_ = 0;
};

}  // namespace millrace::hosting
