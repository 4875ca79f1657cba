#include "store/answers.hpp"

namespace millrace::store {

Result<std::optional<KeptAnswer>> Answers::find(const std::string& who, const std::string& key, std::int64_t now) {
  const auto found =
      database_.execute("SELECT request, status, body FROM answers WHERE who = $1 AND key = $2 AND answered_at > $3",
                        {who, key, now - kept_for});
  if (!found) return found.error();
  if (found->empty()) return std::optional<KeptAnswer>();
  const auto& row = found->rows[0];
  return std::optional(KeptAnswer{row[0].text(), static_cast<int>(row[1].integer()), row[2].text()});
}

Status Answers::keep(const std::string& who, const std::string& key, const KeptAnswer& answer, std::int64_t now) {
  if (auto done = database_.execute("DELETE FROM answers WHERE answered_at <= $1", {now - kept_for}); !done) {
    return done.error();
  }
  const auto done = database_.execute(
      "INSERT INTO answers (who, key, request, status, body, answered_at) VALUES ($1, $2, $3, $4, $5, $6) "
      "ON CONFLICT DO NOTHING",
      {who, key, answer.request, std::int64_t{answer.status}, answer.body, now});
  return only_done(done);
}

}  // namespace millrace::store
