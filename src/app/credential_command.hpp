#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/api_client.hpp"

namespace millrace::app {

/// What `millrace credential …` was given.
struct CredentialOptions {
  Server server = {};
  std::string key_file = {};  ///< for a data folder without a platform
  bool json = false;
  std::string name = {};
  std::string type = {};
  std::map<std::string, std::string> settings = {};                 ///< by the names of credentials::Field
  std::map<std::string, std::vector<std::string>> parameters = {};  ///< "NAME=VALUE", by the field's name
  std::string secret_file = {};   ///< "-" or empty: standard input; a terminal is asked, without an echo
  std::string new_key_file = {};  ///< for `rekey`; empty: one is made in the data folder
  std::string flow = {};          ///< for `verify`: as this step does it
  std::string step = {};
  std::string function = {};  ///< or this function with this config, JSON
  std::string config = {};
  std::string definition = {};  ///< file with the whole definition as the API takes it
};

/// Each returns an ExitCode; results go to stdout, tables for people or JSON, errors to stderr. `set`, `list`, `show`
/// and `delete` work on a data folder without a platform, too: then they open it themselves.
int set_credential(const CredentialOptions& options);
int list_credentials(const CredentialOptions& options);
int show_credential(const CredentialOptions& options);
int delete_credential(const CredentialOptions& options);
/// Prints the address where a person agrees.
int authorize_credential(const CredentialOptions& options);
/// Tries it on its service; ExitCode::failed if that does not take it.
int verify_credential(const CredentialOptions& options);
/// Seals all of a data folder's with another key, while no platform runs on it.
int rekey_credentials(const CredentialOptions& options);

}  // namespace millrace::app
