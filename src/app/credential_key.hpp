#pragma once

#include <string>

#include "core/result.hpp"
#include "credentials/vault.hpp"
#include "store/store.hpp"

namespace millrace::app {

/// The key that credentials are sealed with, and where it came from, for messages.
struct CredentialKey {
  credentials::Key key;
  std::string place;
  bool made = false;  ///< just now, in the data folder
};

/// The first of: the file that is configured (`key_file`), the variable MILLRACE_KEY, systemd's credential
/// `millrace.key` ($CREDENTIALS_DIRECTORY), `folder_file` (DATA/credentials.key). Where there is none, one is made
/// there (mode 0600), unless the store has credentials already: Error::permission, for no new key would open them. The
/// variable is wiped from the process's environment once it is read. Error::invalid for what is no key,
/// Error::permission for a file that others may read; both name the place.
Result<CredentialKey> credential_key(const std::string& configured_file, const std::string& folder_file,
                                     store::Store& store);

/// The same, but none is made: Error::not_found.
Result<CredentialKey> configured_key(const std::string& configured_file, const std::string& folder_file,
                                     store::Store& store);

/// Where a new key waits beside `folder_file` while the store is sealed with it (`millrace credential rekey`). A start
/// that finds one puts it in the old one's place if the store has been, and drops it if not.
std::string waiting_key_file(const std::string& folder_file);

}  // namespace millrace::app
