#include "store/replays.hpp"

#include <limits>

#include <fmt/format.h>

namespace millrace::store {
namespace {

constexpr std::string_view columns = "id, spec, state, created_by, created_at, ended_at, sent, skipped, reason, member";

ReplayRecord read(const Row& row) {
  return {row[0].text(),    row[1].text(),    row[2].text(),    row[3].text(), row[4].integer(),
          row[5].integer(), row[6].integer(), row[7].integer(), row[8].text(), row[9].text()};
}

Result<std::vector<ReplayRecord>> read_all(const Result<Rows>& found) {
  if (!found) return found.error();
  std::vector<ReplayRecord> all;
  for (const auto& row : found->rows) all.push_back(read(row));
  return all;
}

}  // namespace

Status Replays::create(const ReplayRecord& replay) {
  const auto done = database_.execute(
      fmt::format("INSERT INTO replays ({}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", columns),
      {replay.id, replay.spec, replay.state, replay.created_by, replay.created_at, replay.ended_at, replay.sent,
       replay.skipped, replay.reason, replay.member});
  return only_done(done);
}

Result<ReplayRecord> Replays::find(const std::string& id) {
  const auto found = database_.execute(fmt::format("SELECT {} FROM replays WHERE id = $1", columns), {id});
  if (!found) return found.error();
  if (found->empty()) return Error{Error::Kind::not_found, fmt::format("there is no replay {}", id)};
  return read(found->rows[0]);
}

Result<std::vector<ReplayRecord>> Replays::list(std::int64_t before, std::int64_t limit) {
  const auto newest = before == 0 ? std::numeric_limits<std::int64_t>::max() : before;
  return read_all(database_.execute(
      fmt::format("SELECT {} FROM replays WHERE created_at < $1 ORDER BY created_at DESC LIMIT $2", columns),
      {newest, limit}));
}

Result<std::vector<ReplayRecord>> Replays::running() {
  return read_all(
      database_.execute(fmt::format("SELECT {} FROM replays WHERE state = 'running' ORDER BY created_at", columns)));
}

Status Replays::end(const ReplayRecord& replay) {
  const auto done = database_.execute(
      "UPDATE replays SET state = $2, ended_at = $3, sent = $4, skipped = $5, reason = $6 WHERE id = $1 AND state = "
      "'running'",
      {replay.id, replay.state, replay.ended_at, replay.sent, replay.skipped, replay.reason});
  return only_done(done);
}

}  // namespace millrace::store
