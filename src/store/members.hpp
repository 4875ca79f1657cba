#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/database.hpp"

namespace millrace::store {

/// One of the platforms that share this store. Times are the database's, ms since the Unix epoch.
struct MemberRecord {
  std::string name;
  std::string boot;     ///< of its last start: another one with the same name is another process
  std::string address;  ///< where its API is, for people
  std::int64_t started_at = 0;
  std::int64_t seen_at = 0;
};

/// What one member at a time holds.
struct LeaseRecord {
  std::string member;  ///< empty: nobody has ever held it
  std::string boot;
  std::int64_t epoch = 0;  ///< counts its holders
  std::int64_t until = 0;  ///< the database's time, ms since the Unix epoch
};

/// Who shares the store, and who holds what. `now` is the database's time (Database::now).
class Members {
 public:
  explicit Members(Database& database) : database_(database) {}

  /// This process is the member of that name from now on; one that was has no say any more.
  Status join(const MemberRecord& member, std::int64_t now);
  /// It is still there. False: another process has taken its name since.
  Result<bool> beat(const MemberRecord& member, std::int64_t now);
  /// It is no member any more, and holds nothing.
  Status leave(const MemberRecord& member);
  Result<std::vector<MemberRecord>> all();
  /// Those that were not seen since then.
  Status forget_before(std::int64_t seen_at);

  /// Renews the lease if this member holds it, takes it if nobody does, and tells who holds it now.
  Result<LeaseRecord> hold(const std::string& lease, const MemberRecord& member, std::int64_t now, std::int64_t until);
  /// The next one may take it at once; without effect if another one holds it.
  Status let_go(const std::string& lease, const MemberRecord& member);
  Result<LeaseRecord> lease(const std::string& lease);
  /// Whether the lease is still in that turn; nobody else gets it before this transaction ends.
  Result<bool> is_turn(const std::string& lease, std::int64_t epoch);

 private:
  Database& database_;
};

}  // namespace millrace::store
