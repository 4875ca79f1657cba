#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.hpp"

namespace millrace::store {

/// One replay: what it was asked for, and how far it is known to have come.
struct ReplayRecord {
  std::string id;
  std::string spec;               ///< JSON, as it was asked for
  std::string state = "running";  ///< running | done | stopped | failed
  std::string created_by;
  std::int64_t created_at = 0;  ///< ms since the Unix epoch
  std::int64_t ended_at = 0;    ///< 0: it runs
  std::int64_t sent = 0;        ///< messages; of one that runs its ledger in the broker knows better
  std::int64_t skipped = 0;
  std::string reason;       ///< of `failed`
  std::string member = {};  ///< of the platforms that share the store, the one whose history it reads; or empty
};

class Replays {
 public:
  explicit Replays(Database& database) : database_(database) {}

  Status create(const ReplayRecord& replay);
  /// Error::not_found.
  Result<ReplayRecord> find(const std::string& id);
  /// Newest first, created before `before` (0: from the newest).
  Result<std::vector<ReplayRecord>> list(std::int64_t before, std::int64_t limit);
  Result<std::vector<ReplayRecord>> running();
  /// Writes down its end; one that has ended already stays as it is.
  Status end(const ReplayRecord& replay);

 private:
  Database& database_;
};

}  // namespace millrace::store
