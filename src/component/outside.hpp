#pragma once

#include <memory>
#include <string_view>

#include "core/result.hpp"
#include "io/transfers.hpp"

namespace millrace::component {

/// The world as a step's action reaches it; there is no other way out. For real in a worker (worker_outside.hpp); in a
/// flow test the test's file answers. Lives longer than what it gave.
class Outside {
 public:
  enum class Stream { out, err };

  virtual ~Outside() = default;
  /// For one action. Error::unsupported if there is no client library: only those that ask for it need it.
  virtual Result<std::unique_ptr<io::Transfers>> transfers() = 0;
  /// Which message a line is about.
  struct Subject {
    std::string_view execution_id;
    std::string_view message_id;
  };
  /// Writes one line, without its end, where an operator sees it.
  virtual void write(Stream stream, std::string_view line, const Subject& subject) = 0;
};

}  // namespace millrace::component
