#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "credentials/book.hpp"
#include "credentials/credential.hpp"
#include "store/store.hpp"

namespace millrace::credentials {

/// The credentials of a running platform: in memory what the store has, and nothing that it has not yet. Each change is
/// on stable storage before it can be found here or `done` is called. Thread: the loop's. The store outlives it.
class Shelf {
 public:
  Shelf(store::Store& store, Vault vault) : store_(store), vault_(std::move(vault)) {}
  ~Shelf() { *alive_ = false; }
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;

  /// Reads all of them, after prove_key. Error::permission if the vault's key is another's.
  Status load();

  /// Reads one again: another platform that shares the store has changed it.
  void reload(const std::string& name, std::function<void()> done = {});

  /// nullptr if there is none; valid until the loop goes on.
  const Credential* find(const std::string& name) const;
  /// In the order of their names, those after `name`.
  std::vector<const Credential*> after(const std::string& name) const;
  /// The login of one that needs no token, for the gateway.
  std::optional<component::Login> login(const std::string& name) const;

  void put(const std::string& name, const Definition& definition, const Change& change,
           std::optional<std::int64_t> expected, std::function<void(Result<Credential>)> done);
  void remove(const std::string& name, const Change& change, std::function<void(Status)> done);

  /// Changes its tokens, visit, state and problem. Error::stale if a person has set or deleted it since `revision`.
  /// What `work` does in the same transaction (an entry of the audit log) may be null.
  void update(const std::string& name, std::int64_t revision, const std::function<void(Credential&)>& change,
              std::function<void(Status)> done, std::function<Status(store::Database&)> work = {});
  /// What the last verification came to, JSON text.
  void keep_verification(const std::string& name, std::int64_t revision, const std::string& verification,
                         std::function<Status(store::Database&)> work, std::function<void(Status)> done);
  /// The one whose visit has this state (RFC 6749 §10.12), compared in constant time; nullptr if none has.
  const Credential* visited(const std::string& state) const;

 private:
  struct Entry {
    Credential stored;
    Credential ahead;  ///< with the changes that are on their way to the store
  };

  void take(const std::string& name, const std::optional<Credential>& found);
  void settle(const std::string& name, const Credential& credential, const Status& saved);

  store::Store& store_;
  Vault vault_;
  std::map<std::string, Entry> entries_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::credentials
