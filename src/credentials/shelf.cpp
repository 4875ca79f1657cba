#include "credentials/shelf.hpp"

#include <utility>
#include <vector>

#include <sodium.h>

namespace millrace::credentials {

Status Shelf::load() {
  const auto loaded = store_.now<std::vector<Credential>>([this](store::Database& database) {
    const auto proven = prove_key(database, vault_);
    return proven ? credentials::all(database, vault_) : Result<std::vector<Credential>>(proven.error());
  });
  if (!loaded) return loaded.error();
  for (const auto& credential : *loaded) entries_[credential.name] = {credential, credential};
  return Done{};
}

void Shelf::reload(const std::string& name, std::function<void()> done) {
  using Found = std::optional<Credential>;
  store_.run<Found>(
      [name, vault = vault_](store::Database& database) -> Result<Found> {
        const auto record = store::Credentials(database).find(name);
        if (!record && record.error().kind == Error::Kind::not_found) return Found();
        if (!record) return record.error();
        auto credential = opened(*record, vault);
        if (!credential) return credential.error();
        return Found(std::move(*credential));
      },
      [this, alive = alive_, name, done = std::move(done)](const Result<Found>& found) {
        if (!*alive) return;
        if (found) take(name, *found);
        if (done) done();
      });
}

void Shelf::take(const std::string& name, const std::optional<Credential>& found) {
  if (!found) return static_cast<void>(entries_.erase(name));
  const auto known = entries_.find(name);
  // What this platform has changed itself may be further than what was read.
  const bool is_older = known != entries_.end() && known->second.ahead.revision == found->revision &&
                        known->second.ahead.generation > found->generation;
  if (!is_older) entries_[name] = {*found, *found};
}

const Credential* Shelf::find(const std::string& name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second.stored;
}

std::vector<const Credential*> Shelf::after(const std::string& name) const {
  std::vector<const Credential*> found;
  for (auto entry = entries_.upper_bound(name); entry != entries_.end(); ++entry) {
    found.push_back(&entry->second.stored);
  }
  return found;
}

std::optional<component::Login> Shelf::login(const std::string& name) const {
  const auto* credential = find(name);
  return credential == nullptr || credential->is_oauth2() ? std::nullopt : login_of(*credential, 0);
}

void Shelf::put(const std::string& name, const Definition& definition, const Change& change,
                std::optional<std::int64_t> expected, std::function<void(Result<Credential>)> done) {
  store_.run<Credential>(
      [vault = vault_, name, definition, change, expected](store::Database& database) {
        return credentials::put(database, vault, name, definition, change, expected);
      },
      [this, alive = alive_, done = std::move(done)](const Result<Credential>& set) {
        if (!*alive) return;
        if (set) entries_[set->name] = {*set, *set};
        done(set);
      });
}

void Shelf::remove(const std::string& name, const Change& change, std::function<void(Status)> done) {
  store_.run<Done>([name, change](store::Database& database) { return credentials::remove(database, name, change); },
                   [this, alive = alive_, name, done = std::move(done)](const Status& removed) {
                     if (!*alive) return;
                     if (removed) entries_.erase(name);
                     done(removed);
                   });
}

void Shelf::update(const std::string& name, std::int64_t revision, const std::function<void(Credential&)>& change,
                   std::function<void(Status)> done, std::function<Status(store::Database&)> work) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.stored.revision != revision) {
    return done(Error{Error::Kind::stale, "the credential has been set or deleted meanwhile"});
  }
  auto& ahead = found->second.ahead;
  change(ahead);
  store_.run<Done>(
      [record = sealed(ahead, vault_), work = std::move(work)](store::Database& database) -> Status {
        if (auto updated = store::Credentials(database).update(record); !updated) return updated;
        return work ? work(database) : Status(Done{});
      },
      [this, alive = alive_, credential = ahead, done = std::move(done)](const Status& saved) {
        if (!*alive) return;
        settle(credential.name, credential, saved);
        done(saved);
      });
}

/// A change that was not stored is none: also those after it, which were made on top of it, start from what is stored.
void Shelf::settle(const std::string& name, const Credential& credential, const Status& saved) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second.stored.revision != credential.revision) return;
  if (!saved) {
    found->second.ahead = found->second.stored;
    return;
  }
  const auto verification = found->second.stored.verification;
  found->second.stored = credential;
  found->second.stored.verification = verification;
}

void Shelf::keep_verification(const std::string& name, std::int64_t revision, const std::string& verification,
                              std::function<Status(store::Database&)> work, std::function<void(Status)> done) {
  store_.run<Done>(
      [=](store::Database& database) -> Status {
        auto kept = store::Credentials(database).set_verification(name, revision, verification);
        return kept ? work(database) : kept;
      },
      [this, alive = alive_, name, revision, verification, done = std::move(done)](const Status& kept) {
        if (!*alive) return;
        const auto found = entries_.find(name);
        if (kept && found != entries_.end() && found->second.stored.revision == revision) {
          found->second.stored.verification = verification;
          found->second.ahead.verification = verification;
        }
        done(kept);
      });
}

const Credential* Shelf::visited(const std::string& state) const {
  const Credential* found = nullptr;
  for (const auto& [name, entry] : entries_) {
    const auto& visit = entry.stored.visit;
    const bool same = visit && visit->state.size() == state.size() &&
                      sodium_memcmp(visit->state.data(), state.data(), state.size()) == 0;
    if (same) found = &entry.stored;
  }
  return found;
}

}  // namespace millrace::credentials
