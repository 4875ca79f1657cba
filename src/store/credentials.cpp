#include "store/credentials.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "store/changes.hpp"

namespace millrace::store {
namespace {

constexpr std::string_view columns =
    "name, type, settings, sealed, revision, generation, state, problem, verification, created_by, created_at, "
    "changed_by, changed_at";

CredentialRecord read(const Row& row) {
  return {row[0].text(),     row[1].text(),  row[2].text(),    row[3].text(), row[4].integer(),
          row[5].integer(),  row[6].text(),  row[7].text(),    row[8].text(), row[9].text(),
          row[10].integer(), row[11].text(), row[12].integer()};
}

Error missing(const std::string& name) {
  return {Error::Kind::not_found, fmt::format("there is no credential {}", name)};
}

Error stale(const std::string& name, const CredentialRecord* known) {
  if (known == nullptr) return {Error::Kind::stale, fmt::format("there is no credential {} to replace", name)};
  return {Error::Kind::stale, fmt::format("the credential {} has changed meanwhile: it is at revision {}, set by {}",
                                          name, known->revision, known->changed_by)};
}

}  // namespace

Result<CredentialRecord> Credentials::find(const std::string& name) {
  const auto found = database_.execute(fmt::format("SELECT {} FROM credentials WHERE name = $1", columns), {name});
  if (!found) return found.error();
  if (found->empty()) return missing(name);
  return read(found->rows[0]);
}

Result<std::vector<CredentialRecord>> Credentials::all() {
  const auto found = database_.execute(fmt::format("SELECT {} FROM credentials ORDER BY name", columns));
  if (!found) return found.error();
  std::vector<CredentialRecord> records;
  for (const auto& row : found->rows) records.push_back(read(row));
  return records;
}

Result<CredentialRecord> Credentials::put(const CredentialRecord& record, std::optional<std::int64_t> expected) {
  const auto known = find(record.name);
  if (!known && known.error().kind != Error::Kind::not_found) return known.error();
  const std::int64_t revision = known ? known->revision : 0;
  if (expected && *expected != revision) return stale(record.name, known ? &*known : nullptr);
  const auto done = database_.execute(
      "INSERT INTO credentials (name, type, settings, sealed, revision, generation, state, problem, verification, "
      "created_by, created_at, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, '', $8, $9, $8, $9) "
      "ON CONFLICT (name) DO UPDATE SET type = excluded.type, settings = excluded.settings, sealed = excluded.sealed, "
      "revision = excluded.revision, generation = 0, state = excluded.state, problem = excluded.problem, "
      "verification = '', changed_by = excluded.changed_by, changed_at = excluded.changed_at",
      {record.name, record.type, record.settings, Bytes{record.sealed}, revision + 1, record.state, record.problem,
       record.changed_by, record.changed_at});
  if (!done) return done.error();
  if (auto noted = note(record.name); !noted) return noted.error();
  return find(record.name);
}

Status Credentials::update(const CredentialRecord& record) {
  const auto done = database_.execute(
      "UPDATE credentials SET sealed = $3, generation = $4, state = $5, problem = $6, settings = $7 "
      "WHERE name = $1 AND revision = $2 AND generation <= $4",
      {record.name, record.revision, Bytes{record.sealed}, record.generation, record.state, record.problem,
       record.settings});
  if (!done) return done.error();
  if (done->changed == 1) return note(record.name);
  return Error{Error::Kind::stale, fmt::format("the credential {} has changed meanwhile", record.name)};
}

Status Credentials::set_verification(const std::string& name, std::int64_t revision, const std::string& verification) {
  return only_done(database_.execute("UPDATE credentials SET verification = $3 WHERE name = $1 AND revision = $2",
                                     {name, revision, verification}));
}

Status Credentials::remove(const std::string& name) {
  if (const auto known = find(name); !known) return known.error();
  const auto users = uses(name);
  if (!users) return users.error();
  std::vector<std::string> flows;
  for (const auto& use : *users) {
    if (std::ranges::find(flows, use.flow) == flows.end()) flows.push_back(use.flow);
  }
  if (!flows.empty()) {
    return Error{Error::Kind::conflict,
                 fmt::format("the credential {} is used by {} {} (publish {} without it, or "
                             "delete {}, first)",
                             name, flows.size() == 1 ? "the flow" : "the flows", fmt::join(flows, ", "),
                             flows.size() == 1 ? "it" : "them", flows.size() == 1 ? "it" : "them")};
  }
  const auto removed = database_.execute("DELETE FROM credentials WHERE name = $1", {name});
  return removed ? note(name) : Status(removed.error());
}

/// Others that share the store are to read it again.
Status Credentials::note(const std::string& name) {
  return Changes(database_).note("credential/" + name);
}

Status Credentials::use(const std::vector<CredentialUse>& uses) {
  for (const auto& use : uses) {
    const auto done =
        database_.execute("INSERT INTO credential_uses (credential, flow, version, step) VALUES ($1, $2, $3, $4)",
                          {use.credential, use.flow, use.version, use.step});
    if (!done) return done.error();
  }
  return Done{};
}

Result<std::vector<CredentialUse>> Credentials::uses(const std::string& credential) {
  constexpr std::string_view select =
      "SELECT u.credential, u.flow, u.version, u.step FROM credential_uses u JOIN versions v ON v.flow = u.flow AND "
      "v.number = u.version WHERE v.state <> 'retired'";
  constexpr std::string_view order = "ORDER BY u.credential, u.flow, u.version, u.step";
  const auto found = credential.empty()
                         ? database_.execute(fmt::format("{} {}", select, order))
                         : database_.execute(fmt::format("{} AND u.credential = $1 {}", select, order), {credential});
  if (!found) return found.error();
  std::vector<CredentialUse> uses;
  for (const auto& row : found->rows) {
    uses.push_back({row[0].text(), row[1].text(), row[2].integer(), row[3].text()});
  }
  return uses;
}

Result<std::optional<std::string>> Credentials::key_proof() {
  const auto found = database_.execute("SELECT proof FROM credential_key");
  if (!found) return found.error();
  if (found->empty()) return std::optional<std::string>();
  return std::optional(found->rows[0][0].text());
}

Status Credentials::set_key_proof(const std::string& proof) {
  return only_done(database_.execute(
      "INSERT INTO credential_key (id, proof) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET proof = excluded.proof",
      {Bytes{proof}}));
}

Status Credentials::reseal(const std::string& name, const std::string& sealed) {
  return only_done(database_.execute("UPDATE credentials SET sealed = $2 WHERE name = $1", {name, Bytes{sealed}}));
}

}  // namespace millrace::store
