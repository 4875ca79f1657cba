#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "io/posix/loop.hpp"

namespace millrace::io::posix {

/// Signals as calls on the loop, from construction to destruction; SIGPIPE is ignored from then on.
class Signals {
 public:
  Signals(AsioLoop& loop, std::initializer_list<int> numbers, std::function<void(int number)> arrived);
  ~Signals();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::io::posix
