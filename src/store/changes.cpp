#include "store/changes.hpp"

namespace millrace::store {

Status Changes::note(const std::string& subject) {
  // The one row is held until the transaction ends: the next number is given when this one can be seen.
  const auto number = database_.execute(
      "INSERT INTO change_count (id, number) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET "
      "number = change_count.number + 1 RETURNING number");
  if (!number) return number.error();
  return only_done(
      database_.execute("INSERT INTO changes (subject, number) VALUES ($1, $2) ON CONFLICT (subject) DO UPDATE SET "
                        "number = excluded.number",
                        {subject, number->rows[0][0].integer()}));
}

Result<std::int64_t> Changes::last() {
  const auto found = database_.execute("SELECT number FROM change_count WHERE id = 1");
  if (!found) return found.error();
  return found->empty() ? std::int64_t{0} : found->rows[0][0].integer();
}

Result<std::vector<Changes::Subject>> Changes::since(std::int64_t number) {
  const auto found =
      database_.execute("SELECT subject, number FROM changes WHERE number > $1 ORDER BY number", {number});
  if (!found) return found.error();
  std::vector<Subject> subjects;
  for (const auto& row : found->rows) subjects.push_back({row[0].text(), row[1].integer()});
  return subjects;
}

}  // namespace millrace::store
