#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/api_client.hpp"

namespace millrace::app {

/// What the commands over the API were given.
struct ApiOptions {
  Server server = {};
  bool json = false;
  std::vector<std::string> files = {};
  std::string flow = {};
  std::string comment = {};
  std::optional<std::int64_t> version = {};
  std::string against = {};  ///< for a difference
  std::string body = {};     ///< for `run-now`: JSON
  bool discard = false;      ///< for `delete`
  std::string step = {};     ///< for `scale`: FLOW/STEP
  std::string count = {};    ///< for `scale`: a number, "auto", or empty to look
  std::string name = {};     ///< of a token
  std::vector<std::string> scopes = {};
  std::string level = {};  ///< of log lines, the least
  std::string since = {};  ///< a time, or how long ago
  std::size_t lines = 100;
  bool follow = false;
};

/// Each returns an ExitCode; results go to stdout, tables for people or JSON, errors to stderr.
int deploy(const ApiOptions& options);
int list_flows(const ApiOptions& options);
int show_flow(const ApiOptions& options);
/// start, stop, suspend, resume
int change_flow(const ApiOptions& options, const std::string& action);
int run_flow_now(const ApiOptions& options);
int show_flow_history(const ApiOptions& options);
int diff_flow(const ApiOptions& options);
int roll_back_flow(const ApiOptions& options);
int delete_flow(const ApiOptions& options);

/// Shows or sets how many instances a step has.
int scale_step(const ApiOptions& options);

int create_token(const ApiOptions& options);
int list_tokens(const ApiOptions& options);
/// By name or id.
int delete_token(const ApiOptions& options);

}  // namespace millrace::app
