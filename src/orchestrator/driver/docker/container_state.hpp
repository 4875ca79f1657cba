#pragma once

#include <string>
#include <string_view>

#include "orchestrator/driver.hpp"

namespace millrace::orchestrator::docker {

/// What an engine tells of one container (`GET /containers/{id}/json`).
struct ContainerState {
  std::string id;
  bool is_ours = false;  ///< it has our platform's label
  std::string worker;    ///< label: whose container it is
  std::string made_as;   ///< label: ContainerSpec::made_as
  Credentials credentials;
  bool created = false;  ///< made, and never started
  bool running = false;
  bool out_of_memory = false;
  int exit_code = 0;
  std::string fault;             ///< why the engine could not run it
  std::uint64_t memory_max = 0;  ///< bytes; 0: no limit

  static Result<ContainerState> read(std::string_view json, std::string_view platform);
  /// How it ended, in words for people.
  Exit exit() const;
};

}  // namespace millrace::orchestrator::docker
