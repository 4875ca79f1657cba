#pragma once

#include <string>
#include <string_view>

namespace millrace::app {

/// Puts a line that a worker wrote into the platform's log: as it is if it is a line of our own log, otherwise as the
/// text of one. Control characters other than tabs are replaced: a worker cannot play tricks on the terminal.
void pass_on_worker_output(const std::string& worker, std::string_view line);

/// Whether the line looks like one that log::write makes: "2026-01-31T12:00:00.000Z info [worker a/b] …".
bool is_log_line(std::string_view line);

}  // namespace millrace::app
