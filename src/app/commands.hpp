#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/log.hpp"

namespace millrace::app {

/// Where workers run as containers (docs/containers.md).
struct DockerOptions {
  bool by_default = false;        ///< for flows and steps that do not say `driver:`
  std::string engine;             ///< in the form of DOCKER_HOST
  std::string certificates = {};  ///< folder; empty: no TLS
  std::string image;              ///< with Millrace's own components
  std::string network = {};       ///< an existing one; empty: our own
  std::string door = {};          ///< our name or address for containers; empty: their network's gateway
};

/// `millrace run`
struct RunOptions {
  std::vector<std::string> flow_files;
  std::string data_folder = "./millrace-data";
  std::string http_address = "127.0.0.1:8080";
  std::string env_file = {};
  log::Level log_level = log::Level::info;
  std::uint64_t worker_memory_max = 512'000'000;  ///< bytes; 0: no limit
  std::chrono::milliseconds grace{10'000};
  std::chrono::milliseconds worker_silence{75'000};  ///< a worker that says nothing for so long is replaced
  std::chrono::milliseconds start_timeout{30'000};   ///< from a worker's start to its connection
  DockerOptions docker = {};
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
