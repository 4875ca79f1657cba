#pragma once

#include <memory>
#include <string>

#include "app/commands.hpp"
#include "io/posix/loop.hpp"
#include "tracing/exporter.hpp"
#include "tracing/tracer.hpp"

namespace millrace::app {

/// What a platform that records traces has for them. Thread: the loop's, which outlives it.
struct TraceParts {
  TraceParts(io::posix::AsioLoop& loop, tracing::Exporter::Settings settings, double ratio);
  /// nullptr: no collector is named, and none are recorded. `run`: which run of the platform this is.
  static std::unique_ptr<TraceParts> open(io::posix::AsioLoop& loop, const ServeOptions& options,
                                          const std::string& run);

  io::posix::ThreadOffload offload;
  tracing::Exporter exporter;
  tracing::Tracer tracer;
};

}  // namespace millrace::app
