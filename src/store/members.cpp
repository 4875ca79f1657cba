#include "store/members.hpp"

namespace millrace::store {

Status Members::join(const MemberRecord& member, std::int64_t now) {
  return only_done(
      database_.execute("INSERT INTO members (name, boot, address, started_at, seen_at) VALUES ($1, $2, $3, $4, $4) "
                        "ON CONFLICT (name) DO UPDATE SET boot = $2, address = $3, started_at = $4, seen_at = $4",
                        {member.name, member.boot, member.address, now}));
}

Result<bool> Members::beat(const MemberRecord& member, std::int64_t now) {
  const auto seen = database_.execute("UPDATE members SET seen_at = $3, address = $4 WHERE name = $1 AND boot = $2",
                                      {member.name, member.boot, now, member.address});
  if (!seen) return seen.error();
  if (seen->changed > 0) return true;
  // Another process has the name; or nobody has, for this one was away so long that it was forgotten.
  const auto back = database_.execute(
      "INSERT INTO members (name, boot, address, started_at, seen_at) VALUES ($1, $2, $3, $4, $4) "
      "ON CONFLICT (name) DO NOTHING",
      {member.name, member.boot, member.address, now});
  if (!back) return back.error();
  return back->changed > 0;
}

Status Members::leave(const MemberRecord& member) {
  // Whoever is next gets the next epoch: the row stays.
  if (auto let_go =
          database_.execute("UPDATE leases SET until = 0 WHERE member = $1 AND boot = $2", {member.name, member.boot});
      !let_go) {
    return let_go.error();
  }
  return only_done(database_.execute("DELETE FROM members WHERE name = $1 AND boot = $2", {member.name, member.boot}));
}

Result<std::vector<MemberRecord>> Members::all() {
  const auto found = database_.execute("SELECT name, boot, address, started_at, seen_at FROM members ORDER BY name");
  if (!found) return found.error();
  std::vector<MemberRecord> members;
  for (const auto& row : found->rows) {
    members.push_back({row[0].text(), row[1].text(), row[2].text(), row[3].integer(), row[4].integer()});
  }
  return members;
}

Status Members::forget_before(std::int64_t seen_at) {
  return only_done(database_.execute("DELETE FROM members WHERE seen_at < $1", {seen_at}));
}

Result<LeaseRecord> Members::hold(const std::string& lease, const MemberRecord& member, std::int64_t now,
                                  std::int64_t until) {
  if (auto made = database_.execute("INSERT INTO leases (name, member, boot, epoch, until) VALUES ($1, '', '', 0, 0) "
                                    "ON CONFLICT (name) DO NOTHING",
                                    {lease});
      !made) {
    return made.error();
  }
  const auto renewed =
      database_.execute("UPDATE leases SET until = $4 WHERE name = $1 AND member = $2 AND boot = $3 AND until > $5",
                        {lease, member.name, member.boot, until, now});
  if (!renewed) return renewed.error();
  if (renewed->changed == 0) {
    const auto taken = database_.execute(
        "UPDATE leases SET member = $2, boot = $3, epoch = epoch + 1, until = $4 WHERE name = $1 AND until <= $5",
        {lease, member.name, member.boot, until, now});
    if (!taken) return taken.error();
  }
  return this->lease(lease);
}

Status Members::let_go(const std::string& lease, const MemberRecord& member) {
  return only_done(database_.execute("UPDATE leases SET until = 0 WHERE name = $1 AND member = $2 AND boot = $3",
                                     {lease, member.name, member.boot}));
}

Result<bool> Members::is_turn(const std::string& lease, std::int64_t epoch) {
  // An update, for its lock on the row.
  const auto held = database_.execute("UPDATE leases SET epoch = epoch WHERE name = $1 AND epoch = $2", {lease, epoch});
  if (!held) return held.error();
  return held->changed == 1;
}

Result<LeaseRecord> Members::lease(const std::string& lease) {
  const auto found = database_.execute("SELECT member, boot, epoch, until FROM leases WHERE name = $1", {lease});
  if (!found) return found.error();
  if (found->empty()) return LeaseRecord{};
  const auto& row = found->rows[0];
  return LeaseRecord{row[0].text(), row[1].text(), row[2].integer(), row[3].integer()};
}

}  // namespace millrace::store
