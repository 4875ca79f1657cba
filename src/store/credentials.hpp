#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/database.hpp"

namespace millrace::store {

/// A credential as it is kept: what is no secret as JSON text, the rest sealed (credentials::Vault).
struct CredentialRecord {
  std::string name;
  std::string type;             ///< of component::CredentialType
  std::string settings;         ///< JSON
  std::string sealed;           ///< bytes
  std::int64_t revision = 0;    ///< counts what people have set
  std::int64_t generation = 0;  ///< counts the secrets that services were shown: tokens of one revision
  std::string state;            ///< of credentials::State
  std::string problem;          ///< what is the matter; empty: nothing
  std::string verification;     ///< JSON, how the last one went; empty: none was made
  std::string created_by;
  std::int64_t created_at = 0;
  std::string changed_by;
  std::int64_t changed_at = 0;
};

/// A step of a version that names a credential.
struct CredentialUse {
  std::string credential;
  std::string flow;
  std::int64_t version = 0;
  std::string step;
};

/// Credentials, who uses them, and what proves that a key is theirs.
class Credentials {
 public:
  explicit Credentials(Database& database) : database_(database) {}

  Result<CredentialRecord> find(const std::string& name);
  /// In the order of their names.
  Result<std::vector<CredentialRecord>> all();

  /// What a person has set; the next revision. `expected`: the revision that is replaced, 0 for one that must not be
  /// there yet (Error::stale); none: whatever there is.
  Result<CredentialRecord> put(const CredentialRecord& record, std::optional<std::int64_t> expected);
  /// What has become of its tokens and fields: sealed, settings, generation, state, problem. Error::stale if it has
  /// been set or deleted since the revision of `record`.
  Status update(const CredentialRecord& record);
  Status set_verification(const std::string& name, std::int64_t revision, const std::string& verification);
  /// Error::conflict names the flows that use it.
  Status remove(const std::string& name);

  /// The steps of a version, written down when it is published.
  Status use(const std::vector<CredentialUse>& uses);
  /// By steps of versions that are not retired; of one credential, or of all if the name is empty.
  Result<std::vector<CredentialUse>> uses(const std::string& credential);

  /// Sealed words that only the right key opens; nullopt: no key has been used here.
  Result<std::optional<std::string>> key_proof();
  Status set_key_proof(const std::string& proof);
  /// With another key: the sealed bytes alone change.
  Status reseal(const std::string& name, const std::string& sealed);

 private:
  Status note(const std::string& name);
  Database& database_;
};

}  // namespace millrace::store
