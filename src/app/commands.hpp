#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/log.hpp"

namespace millrace::app {

/// `millrace run`
struct RunOptions {
  std::vector<std::string> flow_files;
  std::string data_folder = "./millrace-data";
  std::string http_address = "127.0.0.1:8080";
  std::string env_file = {};
  log::Level log_level = log::Level::info;
  std::uint64_t worker_memory_max = 512'000'000;  ///< bytes; 0: no limit
  std::chrono::milliseconds grace{10'000};
};

struct StatusOptions {
  std::string data_folder = "./millrace-data";
  bool json = false;
};

struct DeadLettersOptions {
  enum class Verb { list, show, retry, drop };
  Verb verb = Verb::list;
  std::string data_folder = "./millrace-data";
  std::string flow = {};              ///< only this flow's; empty: of all
  std::vector<std::string> ids = {};  ///< message ids
  bool all = false;                   ///< retry and drop: all of them
  bool json = false;
};

/// Each returns an ExitCode; results go to stdout, errors to stderr.
int run(const RunOptions& options);
int show_status(const StatusOptions& options);
int dead_letters(const DeadLettersOptions& options);

/// The whole program but for `millrace worker`.
int command_line(int argc, char** argv);

}  // namespace millrace::app
