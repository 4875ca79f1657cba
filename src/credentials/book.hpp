#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "credentials/credential.hpp"
#include "credentials/definition.hpp"
#include "credentials/vault.hpp"
#include "store/database.hpp"

/// Credentials in one transaction of the store, sealed and opened: what a running platform does, and a command on a
/// data folder without one.
namespace millrace::credentials {

struct Change {
  std::string who;      ///< as the audit log has it
  std::int64_t at = 0;  ///< ms since the Unix epoch
};

/// Sets one, new or another in its place. `expected`: as store::Credentials::put has it. With its entry in the audit
/// log.
Result<Credential> put(store::Database& database, const Vault& vault, const std::string& name,
                       const Definition& definition, const Change& change, std::optional<std::int64_t> expected);
/// Error::conflict names the flows that use it.
Status remove(store::Database& database, const std::string& name, const Change& change);
Result<std::vector<Credential>> all(store::Database& database, const Vault& vault);

/// Whether the vault's key is the one that this store's credentials were sealed with; where there are none yet, it is
/// from now on. Error::permission, and nothing has happened, if it is not.
Status prove_key(store::Database& database, const Vault& vault);
/// Whether a key has been used here: then another one must not be made up.
Result<bool> has_key(store::Database& database);
/// Whether the vault's key is the one that was used here last; changes nothing.
Result<bool> opens(store::Database& database, const Vault& vault);
/// Seals all of them with another key.
Status change_key(store::Database& database, const Vault& from, const Vault& to, const Change& change);

}  // namespace millrace::credentials
