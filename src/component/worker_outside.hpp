#pragma once

#include "component/outside.hpp"
#include "io/posix/loop.hpp"

namespace millrace::component {

/// The world outside of a worker process: libcurl, standard output and standard error.
class WorkerOutside final : public Outside {
 public:
  explicit WorkerOutside(io::posix::AsioLoop& loop) : loop_(loop) {}

  Result<std::unique_ptr<io::Transfers>> transfers() override;
  void write(Stream stream, std::string_view line) override;

 private:
  io::posix::AsioLoop& loop_;
};

}  // namespace millrace::component
