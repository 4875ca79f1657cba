#include "store/flows.hpp"

#include <array>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "store/changes.hpp"
#include "store/credentials.hpp"
#include "store/dead_letters.hpp"

namespace millrace::store {
namespace {

constexpr std::array<std::pair<FlowState, std::string_view>, 5> flow_states = {{{FlowState::draft, "draft"},
                                                                                {FlowState::running, "running"},
                                                                                {FlowState::suspended, "suspended"},
                                                                                {FlowState::stopped, "stopped"},
                                                                                {FlowState::deleting, "deleting"}}};

VersionState version_state(std::string_view text) {
  if (text == "current") return VersionState::current;
  return text == "draining" ? VersionState::draining : VersionState::retired;
}

FlowRecord read_flow(const Row& row) {
  FlowRecord flow;
  flow.name = row[0].text();
  flow.state = flow_state(row[1].text()).value_or(FlowState::stopped);
  flow.origin = row[2].text();
  flow.revision = row[3].integer();
  flow.saved_by = row[4].text();
  flow.saved_at = row[5].integer();
  flow.current = row[6].integer();
  flow.created_at = row[7].integer();
  if (row.size() > 8) flow.draft = row[8].text();
  return flow;
}

VersionRecord read_version(const Row& row) {
  return {row[0].text(), row[1].integer(), version_state(row[2].text()), row[3].text(), row[4].text(),
          row[5].text(), row[6].integer()};
}

Error no_flow(const std::string& name) {
  return {Error::Kind::not_found, fmt::format("there is no flow {}", name)};
}

}  // namespace

std::string_view to_string(FlowState state) {
  for (const auto& [value, text] : flow_states) {
    if (value == state) return text;
  }
  return "stopped";
}

std::optional<FlowState> flow_state(std::string_view text) {
  for (const auto& [value, name] : flow_states) {
    if (name == text) return value;
  }
  return std::nullopt;
}

std::string_view to_string(VersionState state) {
  switch (state) {
    case VersionState::current:
      return "current";
    case VersionState::draining:
      return "draining";
    case VersionState::retired:
      return "retired";
  }
  return "retired";
}

Result<FlowRecord> Flows::find(const std::string& name) {
  const auto found = database_.execute(
      "SELECT name, state, origin, revision, saved_by, saved_at, current, created_at, draft FROM flows "
      "WHERE name = $1",
      {name});
  if (!found) return found.error();
  if (found->empty()) return no_flow(name);
  return read_flow(found->rows[0]);
}

Result<std::vector<FlowRecord>> Flows::list(const std::string& after, std::int64_t limit) {
  const auto found = database_.execute(
      "SELECT name, state, origin, revision, saved_by, saved_at, current, created_at FROM flows WHERE name > $1 "
      "ORDER BY name LIMIT $2",
      {after, limit});
  if (!found) return found.error();
  std::vector<FlowRecord> flows;
  for (const auto& row : found->rows) flows.push_back(read_flow(row));
  return flows;
}

Result<FlowRecord> Flows::save(const Draft& draft, std::optional<std::int64_t> expected) {
  const auto known = find(draft.name);
  if (!known && known.error().kind != Error::Kind::not_found) return known.error();
  const std::int64_t revision = known ? known->revision : 0;
  if (known && known->state == FlowState::deleting) {
    return Error{Error::Kind::conflict, fmt::format("the flow {} is being deleted", draft.name)};
  }
  if (expected && *expected != revision) {
    return Error{Error::Kind::stale, known ? fmt::format("the draft of {} has changed meanwhile: it is at revision {}, "
                                                         "saved by {}",
                                                         draft.name, revision, known->saved_by)
                                           : fmt::format("there is no flow {} to replace the draft of", draft.name)};
  }
  const auto done = database_.execute(
      "INSERT INTO flows (name, state, origin, draft, revision, saved_by, saved_at, current, created_at) "
      "VALUES ($1, 'draft', $2, $3, $4, $5, $6, 0, $6) ON CONFLICT (name) DO UPDATE SET origin = excluded.origin, "
      "draft = excluded.draft, revision = excluded.revision, saved_by = excluded.saved_by, "
      "saved_at = excluded.saved_at",
      {draft.name, draft.origin, draft.text, revision + 1, draft.who, draft.at});
  if (!done) return done.error();
  return find(draft.name);
}

Result<VersionRecord> Flows::publish(const Publication& publication) {
  const auto flow = find(publication.name);
  if (!flow) return flow.error();
  if (flow->state == FlowState::deleting) {
    return Error{Error::Kind::conflict, fmt::format("the flow {} is being deleted", publication.name)};
  }
  auto done = database_.execute("DELETE FROM webhooks WHERE flow = $1", {publication.name});
  for (const auto& [path, method] : publication.webhooks) {
    if (!done) return done.error();
    // A stopped flow of a file that is no longer given lets go of its address.
    done = database_.execute(
        "DELETE FROM webhooks WHERE path = $1 AND method = $2 AND flow IN "
        "(SELECT name FROM flows WHERE origin = 'file' AND state = 'stopped')",
        {path, method});
    if (!done) return done.error();
    const auto taken = database_.execute("SELECT flow FROM webhooks WHERE path = $1 AND method = $2", {path, method});
    if (!taken) return taken.error();
    if (!taken->empty()) {
      return Error{Error::Kind::conflict, fmt::format("{} /{} is already the webhook of the flow {} (choose another "
                                                      "path or method, or delete that flow)",
                                                      method, path, taken->rows[0][0].text())};
    }
    done = database_.execute("INSERT INTO webhooks (path, method, flow) VALUES ($1, $2, $3)",
                             {path, method, publication.name});
  }
  if (!done) return done.error();
  const auto last =
      database_.execute("SELECT COALESCE(MAX(number), 0) FROM versions WHERE flow = $1", {publication.name});
  if (!last) return last.error();
  const auto number = last->rows[0][0].integer() + 1;
  done = database_.execute("UPDATE versions SET state = 'draining' WHERE flow = $1 AND state = 'current'",
                           {publication.name});
  if (!done) return done.error();
  done = database_.execute(
      "INSERT INTO versions (flow, number, state, source, comment, published_by, published_at) "
      "VALUES ($1, $2, 'current', $3, $4, $5, $6)",
      {publication.name, number, publication.source, publication.comment, publication.who, publication.at});
  if (!done) return done.error();
  const auto state = flow->state == FlowState::draft ? FlowState::running : flow->state;
  done = database_.execute("UPDATE flows SET current = $2, state = $3 WHERE name = $1",
                           {publication.name, number, to_string(state)});
  if (!done) return done.error();
  std::vector<CredentialUse> uses;
  for (const auto& [step, name] : publication.credentials) uses.push_back({name, publication.name, number, step});
  if (auto used = Credentials(database_).use(uses); !used) return used.error();
  if (auto noted = note(publication.name); !noted) return noted.error();
  return version(publication.name, number);
}

Result<VersionRecord> Flows::version(const std::string& name, std::int64_t number) {
  const auto found = database_.execute(
      "SELECT flow, number, state, source, comment, published_by, published_at FROM versions "
      "WHERE flow = $1 AND number = $2",
      {name, number});
  if (!found) return found.error();
  if (!found->empty()) return read_version(found->rows[0]);
  if (const auto flow = find(name); !flow) return flow.error();
  return Error{Error::Kind::not_found, fmt::format("the flow {} has no version {}", name, number)};
}

Result<std::vector<VersionRecord>> Flows::versions(const std::string& name, std::int64_t before, std::int64_t limit) {
  if (const auto flow = find(name); !flow) return flow.error();
  const auto found = database_.execute(
      "SELECT flow, number, state, source, comment, published_by, published_at FROM versions "
      "WHERE flow = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
      {name, before > 0 ? before : std::numeric_limits<std::int64_t>::max(), limit});
  if (!found) return found.error();
  std::vector<VersionRecord> versions;
  for (const auto& row : found->rows) versions.push_back(read_version(row));
  return versions;
}

Status Flows::set_state(const std::string& name, FlowState state) {
  const auto flow = find(name);
  if (!flow) return flow.error();
  if (flow->state == FlowState::deleting) {
    return Error{Error::Kind::conflict, fmt::format("the flow {} is being deleted", name)};
  }
  if (flow->current == 0 && state != FlowState::deleting) {
    return Error{Error::Kind::conflict, fmt::format("the flow {} is only a draft (publish it first)", name)};
  }
  return noted(name, database_.execute("UPDATE flows SET state = $2 WHERE name = $1", {name, to_string(state)}));
}

Status Flows::retire(const std::string& name, std::int64_t number) {
  return noted(name, database_.execute(
                         "UPDATE versions SET state = 'retired' WHERE flow = $1 AND number = $2 AND state = 'draining'",
                         {name, number}));
}

Status Flows::revive(const std::string& name, std::int64_t number) {
  const auto known = version(name, number);
  if (!known) return known.error();
  return noted(name, database_.execute(
                         "UPDATE versions SET state = 'draining' WHERE flow = $1 AND number = $2 AND state = 'retired'",
                         {name, number}));
}

Result<std::optional<std::uint32_t>> Flows::set_scale(const std::string& name, const std::string& step,
                                                      std::optional<std::uint32_t> instances) {
  if (const auto flow = find(name); !flow) return flow.error();
  const auto found = database_.execute("SELECT instances FROM scales WHERE flow = $1 AND step = $2", {name, step});
  if (!found) return found.error();
  std::optional<std::uint32_t> before;
  if (!found->empty()) before = static_cast<std::uint32_t>(found->rows[0][0].integer());
  auto done = database_.execute("DELETE FROM scales WHERE flow = $1 AND step = $2", {name, step});
  if (done && instances) {
    done = database_.execute("INSERT INTO scales (flow, step, instances) VALUES ($1, $2, $3)",
                             {name, step, std::int64_t{*instances}});
  }
  if (!done) return done.error();
  if (auto told = note(name); !told) return told.error();
  return before;
}

Status Flows::remove(const std::string& name) {
  for (const auto* sql : {"DELETE FROM webhooks WHERE flow = $1", "DELETE FROM credential_uses WHERE flow = $1",
                          "DELETE FROM versions WHERE flow = $1", "DELETE FROM scales WHERE flow = $1",
                          "DELETE FROM flows WHERE name = $1"}) {
    if (const auto done = database_.execute(sql, {name}); !done) return done.error();
  }
  if (auto forgotten = DeadLetters(database_).forget(name); !forgotten) return forgotten;
  return note(name);
}

/// Others that share the store are to look at the flow again.
Status Flows::note(const std::string& name) {
  return Changes(database_).note("flow/" + name);
}

Status Flows::noted(const std::string& name, const Result<Rows>& changed) {
  return changed ? note(name) : Status(changed.error());
}

Result<FlowInUse> Flows::in_use(const std::string& name) {
  auto found = collect(database_.execute("SELECT name, state FROM flows WHERE name = $1", {name}),
                       database_.execute("SELECT flow, number, state, source, comment, published_by, published_at "
                                         "FROM versions WHERE flow = $1 AND state <> 'retired' ORDER BY number",
                                         {name}),
                       database_.execute("SELECT flow, step, instances FROM scales WHERE flow = $1", {name}));
  if (!found) return found.error();
  if (found->empty()) return no_flow(name);
  return std::move(found->front());
}

Result<std::vector<FlowInUse>> Flows::in_use() {
  return collect(database_.execute("SELECT name, state FROM flows WHERE state <> 'draft' ORDER BY name"),
                 database_.execute("SELECT flow, number, state, source, comment, published_by, published_at "
                                   "FROM versions WHERE state <> 'retired' ORDER BY flow, number"),
                 database_.execute("SELECT flow, step, instances FROM scales"));
}

Result<std::vector<FlowInUse>> Flows::collect(Result<Rows> flows, Result<Rows> versions, Result<Rows> scales) {
  if (!flows) return flows.error();
  if (!versions) return versions.error();
  if (!scales) return scales.error();
  std::vector<FlowInUse> all;
  std::map<std::string, std::size_t> places;
  for (const auto& row : flows->rows) {
    places.emplace(row[0].text(), all.size());
    all.push_back({row[0].text(), flow_state(row[1].text()).value_or(FlowState::stopped), {}});
  }
  for (const auto& row : versions->rows) {
    const auto place = places.find(row[0].text());
    if (place != places.end()) all[place->second].versions.push_back(read_version(row));
  }
  for (const auto& row : scales->rows) {
    const auto place = places.find(row[0].text());
    if (place != places.end()) all[place->second].scales[row[1].text()] = static_cast<std::uint32_t>(row[2].integer());
  }
  return all;
}

}  // namespace millrace::store
