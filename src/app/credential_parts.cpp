#include "app/credential_parts.hpp"

#include <fmt/format.h>

#include "app/credential_key.hpp"
#include "deployment/credential_check.hpp"
#include "io/posix/curl_transfers.hpp"

namespace millrace::app {
namespace {

credentials::oauth2::MakeTransfers over(io::posix::AsioLoop& loop) {
  return [&loop] { return io::posix::CurlTransfers::make(loop); };
}

}  // namespace

CredentialParts::CredentialParts(io::posix::AsioLoop& loop, store::Store& store, const component::Catalogue& catalogue,
                                 const credentials::Key& key)
    : shelf(store, credentials::Vault(key)),
      logins(loop, shelf, over(loop)),
      visits(loop, shelf, logins, over(loop)),
      keys(loop, shelf, catalogue) {}

Result<std::unique_ptr<CredentialParts>> CredentialParts::open(io::posix::AsioLoop& loop, store::Store& store,
                                                               const component::Catalogue& catalogue,
                                                               const ServeOptions& options, const std::string& key_file,
                                                               const std::function<void(std::string_view)>& line) {
  const auto key = credential_key(options.key_file, key_file, store);
  if (!key) return key.error();
  auto parts = std::unique_ptr<CredentialParts>(new CredentialParts(loop, store, catalogue, key->key));
  if (auto loaded = parts->shelf.load(); !loaded) {
    return loaded.error().in("key of the credentials, from " + key->place);
  }
  if (key->made) line(fmt::format("key      {}  (made; credentials cannot be read without it)", key->place));
  return parts;
}

std::string CredentialParts::problems_of(const std::vector<flow::Flow>& flows,
                                         const component::Catalogue& catalogue) const {
  std::string text;
  for (const auto& flow : flows) {
    const auto needs = deployment::credential_needs(flow, catalogue);
    for (const auto& problem : deployment::credential_problems(deployment::known_credentials(shelf), needs)) {
      text += (text.empty() ? "" : "\n") + problem.to_string();
    }
  }
  return text;
}

}  // namespace millrace::app
