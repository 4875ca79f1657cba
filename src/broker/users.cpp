#include "broker/users.hpp"

#include <array>

#include <sodium.h>

namespace millrace::broker {

namespace {

using Salt = std::array<unsigned char, crypto_generichash_KEYBYTES>;

/// Passwords are compared as keyed hashes: equal length, no timing to learn from, and no plain text kept.
std::string digest(std::string_view password) {
  static const Salt salt = [] {
    Salt fresh;
    randombytes_buf(fresh.data(), fresh.size());
    return fresh;
  }();
  std::array<unsigned char, crypto_generichash_BYTES> out;
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(password.data()), password.size(),
                     salt.data(), salt.size());
  return std::string(reinterpret_cast<const char*>(out.data()), out.size());
}

}  // namespace

bool fits(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // the last `*` passed, and where its run ended
  std::size_t run = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      run = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++run;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

void Users::add(std::string name, std::string_view password, Permissions permissions) {
  Entry& entry = entries_[name];
  entry.user = std::make_shared<const User>(User{std::move(name), std::move(permissions)});
  entry.digest = digest(password);
}

std::optional<Permissions> User::permissions_in(std::string_view host) const {
  if (hosts.empty()) return permissions;
  const auto found = hosts.find(host);
  return found == hosts.end() ? std::nullopt : std::optional(found->second);
}

void Users::permit(const std::string& name, const std::string& host, Permissions permissions) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  User changed = *found->second.user;
  changed.hosts[host] = std::move(permissions);
  found->second.user = std::make_shared<const User>(std::move(changed));
}

void Users::retire(const std::string& name) {
  auto found = entries_.find(name);
  if (found == entries_.end()) return;
  const auto connections = std::move(found->second.connections);
  entries_.erase(found);
  for (UserConnection* connection : connections) connection->fence();
}

std::shared_ptr<const User> Users::log_in(std::string_view name, std::string_view password) const {
  static const std::string nobody = digest("");
  const std::string given = digest(password);
  auto found = entries_.find(name);
  const std::string& wanted = found == entries_.end() ? nobody : found->second.digest;
  const bool equal = sodium_memcmp(given.data(), wanted.data(), given.size()) == 0;
  return equal && found != entries_.end() ? found->second.user : nullptr;
}

void Users::connected(const std::string& name, UserConnection& connection) {
  auto found = entries_.find(name);
  if (found != entries_.end()) found->second.connections.insert(&connection);
  if (seen_) seen_(name);
}

void Users::disconnected(const std::string& name, UserConnection& connection) {
  auto found = entries_.find(name);
  if (found == entries_.end() || found->second.connections.erase(&connection) == 0) return;
  if (gone_ && found->second.connections.empty()) gone_(name);
}

}  // namespace millrace::broker
