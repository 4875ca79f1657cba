#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/database.hpp"

namespace millrace::store {

/// One change that somebody made.
struct AuditEntry {
  std::int64_t number = 0;  ///< counts up; given by the store
  std::int64_t at = 0;      ///< ms since the Unix epoch
  std::string who;          ///< "token NAME", "local", "run"
  std::string action;       ///< "flow.publish"
  std::string subject;      ///< "flow/orders"
  std::string before;       ///< what it was, in short: a version, a state; may be empty. No secrets
  std::string after;
};

/// Who changed what. Written in the transaction that makes the change, never changed, kept when its subject is gone.
class Audit {
 public:
  explicit Audit(Database& database) : database_(database) {}

  Status write(const AuditEntry& entry);
  /// Newest first, numbers below `before` (0: from the newest); of one subject, or of all if it is empty.
  Result<std::vector<AuditEntry>> list(const std::string& subject, std::int64_t before, std::int64_t limit);

 private:
  Database& database_;
};

}  // namespace millrace::store
