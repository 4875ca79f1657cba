#include "store/audit.hpp"

#include <limits>

namespace millrace::store {

Status Audit::write(const AuditEntry& entry) {
  const auto done =
      database_.execute("INSERT INTO audit (at, who, action, subject, before, after) VALUES ($1, $2, $3, $4, $5, $6)",
                        {entry.at, entry.who, entry.action, entry.subject, entry.before, entry.after});
  return only_done(done);
}

Result<std::vector<AuditEntry>> Audit::list(const std::string& subject, std::int64_t before, std::int64_t limit) {
  const auto below = before > 0 ? before : std::numeric_limits<std::int64_t>::max();
  const auto found = subject.empty()
                         ? database_.execute(
                               "SELECT number, at, who, action, subject, before, after FROM audit WHERE number < $1 "
                               "ORDER BY number DESC LIMIT $2",
                               {below, limit})
                         : database_.execute(
                               "SELECT number, at, who, action, subject, before, after FROM audit WHERE subject = $1 "
                               "AND number < $2 ORDER BY number DESC LIMIT $3",
                               {subject, below, limit});
  if (!found) return found.error();
  std::vector<AuditEntry> entries;
  for (const auto& row : found->rows) {
    entries.push_back({row[0].integer(), row[1].integer(), row[2].text(), row[3].text(), row[4].text(), row[5].text(),
                       row[6].text()});
  }
  return entries;
}

}  // namespace millrace::store
