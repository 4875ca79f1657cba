#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/log_line.hpp"
#include "orchestrator/orchestrator.hpp"

namespace millrace::app {

/// What a worker, "<flow>/<step>.<instance>", has written as a line of the platform's log, with the facts flow, step
/// and instance: taken apart if it is a line of our own log or of the JSON that elastic.io's components write (bunyan),
/// otherwise as the text of one. Control characters other than tabs are replaced: a worker cannot play tricks on the
/// terminal.
log::Line read_worker_output(const std::string& worker, std::string_view line,
                             std::chrono::sys_time<std::chrono::milliseconds> now);

/// That a worker has ended without having been asked to, as a line of its step's log.
log::Line line_about_end(const orchestrator::WorkerStatus& worker);

}  // namespace millrace::app
