#include "credentials/component_keys.hpp"

#include <utility>

#include <fmt/format.h>

#include "core/log.hpp"
#include "credentials/component_definition.hpp"
#include "store/audit.hpp"

namespace millrace::credentials {

void ComponentKeys::take(const std::string& name, const std::string& component, const boost::json::object& keys,
                         const std::string& who, std::function<void(Status)> done) {
  const auto* found = shelf_.find(name);
  if (found == nullptr) return done(Error{Error::Kind::not_found, fmt::format("there is no credential {}", name)});
  const auto* descriptor = asking_for_credentials(catalogue_, component);
  const auto form = descriptor == nullptr ? component::CredentialForm() : *descriptor->credential_form;
  const std::int64_t now = loop_.wall_now().time_since_epoch().count();
  auto tried = *found;
  if (auto taken = take_keys(tried, keys, form, now); !taken) return done(taken);
  if (tried.generation == found->generation) return done(Done{});
  shelf_.update(
      name, found->revision,
      [&](Credential& credential) {
        // What others have changed meanwhile is kept; only these keys are ours.
        if (!take_keys(credential, keys, form, now)) credential = tried;
      },
      [name, who, done = std::move(done)](const Status& stored) {
        if (stored) log::info("a component has changed its credential", {{"credential", name}, {"by", who}});
        done(stored);
      },
      [name, who, now](store::Database& database) {
        return store::Audit(database).write({0, now, who, "credential.keys", "credential/" + name, "", ""});
      });
}

}  // namespace millrace::credentials
