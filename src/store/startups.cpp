#include "store/startups.hpp"

#include <fmt/format.h>

#include "store/changes.hpp"

namespace millrace::store {
namespace {

constexpr const char* startups_subject = "startups";

}  // namespace

Result<std::vector<StartupRecord>> Startups::all() {
  const auto found = database_.execute("SELECT flow, version, data, ending FROM startups ORDER BY flow, version");
  if (!found) return found.error();
  std::vector<StartupRecord> records;
  for (const auto& row : found->rows)
    records.push_back({row[0].text(), row[1].integer(), row[2].text(), row[3].integer() != 0});
  return records;
}

Status Startups::add(const StartupRecord& record) {
  const auto done = database_.execute(
      "INSERT INTO startups (flow, version, data, ending) VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING",
      {record.flow, record.version, record.data});
  if (!done) return done.error();
  if (done->changed == 1) return Changes(database_).note(startups_subject);
  return Error{Error::Kind::conflict,
               fmt::format("version {} of the flow {} has startup data already", record.version, record.flow)};
}

Status Startups::end(const std::string& flow, std::int64_t version) {
  const auto done =
      database_.execute("UPDATE startups SET ending = 1 WHERE flow = $1 AND version = $2", {flow, version});
  return done ? Changes(database_).note(startups_subject) : Status(done.error());
}

Status Startups::remove(const std::string& flow, std::int64_t version) {
  const auto done = database_.execute("DELETE FROM startups WHERE flow = $1 AND version = $2", {flow, version});
  return done ? Changes(database_).note(startups_subject) : Status(done.error());
}

}  // namespace millrace::store
