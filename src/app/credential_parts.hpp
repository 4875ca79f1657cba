#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/commands.hpp"
#include "component/action.hpp"
#include "core/result.hpp"
#include "credentials/component_keys.hpp"
#include "credentials/oauth2/visits.hpp"
#include "flow/flow.hpp"
#include "io/posix/loop.hpp"
#include "store/store.hpp"

namespace millrace::app {

/// What a running platform has of credentials, in the order in which it comes up. Loop, store and catalogue outlive it.
class CredentialParts {
 public:
  /// The key from where the options say, or made at `key_file` (then `line` tells of it), and all credentials opened
  /// with it. Error::permission if it is another's key.
  static Result<std::unique_ptr<CredentialParts>> open(io::posix::AsioLoop& loop, store::Store& store,
                                                       const component::Catalogue& catalogue,
                                                       const ServeOptions& options, const std::string& key_file,
                                                       const std::function<void(std::string_view)>& line);

  /// What is wrong with the credentials that these flows name, one problem a line; empty: nothing.
  std::string problems_of(const std::vector<flow::Flow>& flows, const component::Catalogue& catalogue) const;

  credentials::Shelf shelf;
  credentials::oauth2::Refresher logins;
  credentials::oauth2::Visits visits;
  credentials::ComponentKeys keys;

 private:
  CredentialParts(io::posix::AsioLoop& loop, store::Store& store, const component::Catalogue& catalogue,
                  const credentials::Key& key);
};

}  // namespace millrace::app
