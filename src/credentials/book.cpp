#include "credentials/book.hpp"

#include <fmt/format.h>

#include "store/audit.hpp"
#include "store/credentials.hpp"

namespace millrace::credentials {
namespace {

constexpr std::string_view proof_text = "millrace";
constexpr std::string_view proof_purpose = "key";

std::string revision_text(std::int64_t revision, std::string_view type) {
  return revision == 0 ? std::string() : fmt::format("revision {}, {}", revision, type);
}

}  // namespace

Result<Credential> put(store::Database& database, const Vault& vault, const std::string& name,
                       const Definition& definition, const Change& change, std::optional<std::int64_t> expected) {
  store::Credentials credentials(database);
  const auto known = credentials.find(name);
  if (!known && known.error().kind != Error::Kind::not_found) return known.error();
  Credential credential{name, definition.type, definition.settings, definition.secrets};
  credential.changed_by = change.who;
  credential.changed_at = change.at;
  if (credential.grant() == Grant::authorization_code) {
    credential.state = State::authorization_needed;
    credential.problem = fmt::format("nobody has agreed yet: authorise with `millrace credential authorize {}`", name);
  }
  const auto record = credentials.put(sealed(credential, vault), expected);
  if (!record) return record.error();
  const auto written =
      store::Audit(database).write({0, change.at, change.who, "credential.set", "credential/" + name,
                                    known ? revision_text(known->revision, known->type) : std::string(),
                                    revision_text(record->revision, record->type)});
  if (!written) return written.error();
  return opened(*record, vault);
}

Status remove(store::Database& database, const std::string& name, const Change& change) {
  store::Credentials credentials(database);
  const auto known = credentials.find(name);
  if (!known) return known.error();
  if (auto removed = credentials.remove(name); !removed) return removed;
  return store::Audit(database).write({0, change.at, change.who, "credential.delete", "credential/" + name,
                                       revision_text(known->revision, known->type), ""});
}

Result<std::vector<Credential>> all(store::Database& database, const Vault& vault) {
  const auto records = store::Credentials(database).all();
  if (!records) return records.error();
  std::vector<Credential> credentials;
  for (const auto& record : *records) {
    auto credential = opened(record, vault);
    if (!credential) return credential.error();
    credentials.push_back(std::move(*credential));
  }
  return credentials;
}

Status prove_key(store::Database& database, const Vault& vault) {
  store::Credentials credentials(database);
  const auto proof = credentials.key_proof();
  if (!proof) return proof.error();
  if (*proof && vault.open(**proof, proof_purpose)) return Done{};
  if (*proof) {
    const auto records = credentials.all();
    if (!records) return records.error();
    if (!records->empty()) {
      return Error{
          Error::Kind::permission,
          fmt::format("it is not the key that the {} of this data folder were sealed with; nothing was changed",
                      records->size() == 1 ? "credential" : "credentials")};
    }
  }
  return credentials.set_key_proof(vault.seal(proof_text, proof_purpose));
}

Result<bool> opens(store::Database& database, const Vault& vault) {
  const auto proof = store::Credentials(database).key_proof();
  if (!proof) return proof.error();
  return *proof && vault.open(**proof, proof_purpose);
}

Result<bool> has_key(store::Database& database) {
  const auto records = store::Credentials(database).all();
  if (!records) return records.error();
  return !records->empty();
}

Status change_key(store::Database& database, const Vault& from, const Vault& to, const Change& change) {
  if (auto proven = prove_key(database, from); !proven) return proven;
  store::Credentials credentials(database);
  const auto known = all(database, from);
  if (!known) return known.error();
  for (const auto& credential : *known) {
    if (auto done = credentials.reseal(credential.name, sealed(credential, to).sealed); !done) return done;
  }
  if (auto done = credentials.set_key_proof(to.seal(proof_text, proof_purpose)); !done) return done;
  return store::Audit(database).write(
      {0, change.at, change.who, "credential.rekey", "credentials", "", fmt::format("{} sealed anew", known->size())});
}

}  // namespace millrace::credentials
