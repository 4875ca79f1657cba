#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/api_client.hpp"
#include "core/log.hpp"
#include "history/policy.hpp"
#include "objects/objects.hpp"
#include "tracing/exporter.hpp"

namespace millrace::app {

/// Where workers run as containers (docs/containers.md).
struct DockerOptions {
  bool by_default = false;        ///< for flows and steps that do not say `driver:`
  std::string engine;             ///< in the form of DOCKER_HOST
  std::string certificates = {};  ///< folder; empty: no TLS
  std::string image;              ///< with Millrace's own components
  std::string nodejs_image;       ///< of installed components, with Node.js
  std::string network = {};       ///< an existing one; empty: our own
  std::string door = {};          ///< our name or address for containers; empty: their network's gateway
  std::string config = {};        ///< folder of Docker's config.json: logins of registries; empty: none
};

/// `millrace serve`, and `millrace run` with flows given. What each means stands in settings.cpp.
struct ServeOptions {
  std::string data_folder;
  std::string store;   ///< URL of PostgreSQL; empty: a file in the data folder
  std::string amqp;    ///< URL of RabbitMQ; empty: the embedded broker
  std::string member;  ///< what it is called among the platforms that share the store; empty: by host and data folder
  std::string http_address;
  std::string api_address;  ///< empty: the API is on the control socket only
  std::string env_file;
  std::string key_file;    ///< of the credentials; empty: where else it may be
  std::string public_url;  ///< of http_address; empty: that itself
  log::Level log_level = log::Level::info;
  log::Format log_format = log::Format::text;
  bool warm = false;
  std::chrono::milliseconds worker_idle{};
  std::uint64_t worker_memory_max = 0;  ///< bytes; 0: no limit
  history::Policy history = {};         ///< of flows that do not say what is recorded of them
  std::uint64_t history_size_max = 0;
  std::chrono::milliseconds history_keep{};
  objects::Limits objects = {};
  std::chrono::milliseconds grace{};
  std::chrono::milliseconds start_timeout{};   ///< from a worker's start to its connection
  std::chrono::milliseconds worker_silence{};  ///< a worker that says nothing for so long is replaced
  DockerOptions docker = {};
  tracing::Exporter::Settings traces = {};  ///< without an endpoint: none are recorded
  double trace_ratio = 1;                   ///< of those that begin here
};

struct StatusOptions {
  Server server = {};
  bool json = false;
};

struct DeadLettersOptions {
  enum class Verb { list, show, retry, drop };
  Verb verb = Verb::list;
  Server server = {};
  std::vector<std::string> ids = {};  ///< message ids
  // Which ones; what is empty does not matter.
  std::string flow = {};
  std::string step = {};
  std::string code = {};
  std::string text = {};
  std::string older_than = {};  ///< a time, or how long ago
  std::string newer_than = {};
  bool all = false;  ///< retry and drop: all that are meant
  bool dry_run = false;
  std::string body = {};     ///< retry of one: JSON, instead of the message's own body
  std::string version = {};  ///< retry of some: "current", "original" or a number
  bool json = false;
};

/// What was given on the command line: a configuration file, and settings by their names.
struct Given {
  std::string config_file = {};
  std::map<std::string, std::string> flags = {};
};

/// Each returns an ExitCode; results go to stdout, errors to stderr.
int run(const Given& given, const std::vector<std::string>& flow_files);
int serve(const Given& given);
int show_config(const Given& given, bool json);
int show_status(const StatusOptions& options);
int dead_letters(const DeadLettersOptions& options);

/// The whole program but for `millrace worker`.
int command_line(int argc, char** argv);

}  // namespace millrace::app
