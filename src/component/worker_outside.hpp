#pragma once

#include <string>
#include <utility>

#include "component/outside.hpp"
#include "io/posix/loop.hpp"

namespace millrace::component {

/// The world outside of a worker process: libcurl, standard output and standard error, where a line has the form of the
/// log (core/log_line.hpp), so that the platform knows which message it is about.
class WorkerOutside final : public Outside {
 public:
  /// `who`: as the worker's log has it.
  WorkerOutside(io::posix::AsioLoop& loop, std::string who) : loop_(loop), who_(std::move(who)) {}

  Result<std::unique_ptr<io::Transfers>> transfers() override;
  void write(Stream stream, std::string_view line, const Subject& subject) override;

 private:
  io::posix::AsioLoop& loop_;
  std::string who_;
};

}  // namespace millrace::component
