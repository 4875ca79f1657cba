#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "broker/session/connection_status.hpp"
#include "io/posix/memory_use.hpp"
#include "io/posix/sync_times.hpp"

namespace millrace::api {

/// The log of a virtual host on its disk.
struct LogFacts {
  std::string host;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t free_bytes = 0;  ///< what may still be written beside it
  broker::StorageState state = broker::StorageState::writable;
  const io::posix::SyncTimes* sync_times = nullptr;
};

struct MemoryFacts {
  io::posix::MemoryUse use;
  std::uint64_t limit = 0;  ///< bytes allocated, beyond which publishers wait; 0: none
  bool publishing_held = false;
};

/// What the composition root knows of a broker and the broker does not. Each is asked on the loop when an operator
/// asks.
struct BrokerFacts {
  std::function<std::vector<broker::ConnectionStatus>()> connections;
  std::function<broker::Traffic()> traffic;
  std::function<std::vector<LogFacts>()> logs;
  std::function<MemoryFacts()> memory;
  std::function<std::string()> more_metrics = {};  ///< text that stands behind the broker's own; may be empty
};

}  // namespace millrace::api
