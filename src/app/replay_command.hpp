#pragma once

#include <optional>
#include <string>

#include "app/execution_command.hpp"

namespace millrace::app {

/// What `millrace replay` was given.
struct ReplayOptions {
  ExecutionOptions which = {};  ///< server, json, and which executions
  std::string id = {};          ///< of a replay
  std::string from = {};        ///< the step that gets the messages; empty: those after the trigger
  std::string message = {};
  std::string on = {};    ///< current, original, or the number of a version
  std::string body = {};  ///< JSON, instead of the message's own
  double rate = 0;
  bool dry_run = false;
  bool with_redacted = false;
  bool wait = false;  ///< until it has ended
};

int start_replay(const ReplayOptions& options);
int list_replays(const ReplayOptions& options);
int show_replay(const ReplayOptions& options);
int stop_replay(const ReplayOptions& options);

}  // namespace millrace::app
