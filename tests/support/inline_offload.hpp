#pragma once

#include <functional>

#include "io/loop.hpp"

namespace millrace::tests {

/// Does its work at once, and tells it at once.
class InlineOffload final : public io::Offload {
 public:
  void run(std::function<void()> work, std::function<void()> then) override {
    work();
    then();
  }
};

}  // namespace millrace::tests
