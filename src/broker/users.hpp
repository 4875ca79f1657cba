#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace millrace::broker {

/// What a user may do, as names of queues and exchanges: a pattern is a name in which `*` stands for any run of
/// characters (so "*" is everything, and "" nothing but the default exchange's empty name).
struct Permissions {
  std::string configure = "*";  ///< declare, delete
  std::string write = "*";      ///< publish to; be bound to
  std::string read = "*";       ///< consume, get, purge, bind from
};

/// Whether `name` fits `pattern` (Permissions).
bool fits(std::string_view pattern, std::string_view name);

/// Somebody who logged in; held by its connections.
struct User {
  std::string name;
  Permissions permissions;                                     ///< in every virtual host, unless `hosts` says otherwise
  std::map<std::string, Permissions, std::less<>> hosts = {};  ///< if not empty: the only ones that the user may enter

  std::optional<Permissions> permissions_in(std::string_view host) const;
};

/// A connection as its user's list sees it.
class UserConnection {
 public:
  virtual ~UserConnection() = default;
  /// The user is retired: nothing that arrives or lies unread may have any effect from now on.
  virtual void fence() = 0;
};

/// Who may connect to the broker. Each worker has a user of its own, made when it is started and retired when it is
/// replaced: retire() returns only after every connection of that user has lost its effect, so that what a paused
/// worker sends when it wakes is as if never sent (no zombie commits). Thread: the broker's loop.
class Users {
 public:
  /// Adds a user or gives a known one a new password; open connections stay.
  void add(std::string name, std::string_view password, Permissions permissions = {});
  /// Limits a known user to the virtual hosts it is permitted to; connections to come are asked.
  void permit(const std::string& name, const std::string& host, Permissions permissions);
  /// Forgets the user and fences its connections. An unknown name is ignored.
  void retire(const std::string& name);
  bool knows(const std::string& name) const { return entries_.contains(name); }

  /// The user if name and password are right. Takes the same time whichever is wrong.
  std::shared_ptr<const User> log_in(std::string_view name, std::string_view password) const;
  void connected(const std::string& name, UserConnection& connection);
  void disconnected(const std::string& name, UserConnection& connection);
  /// `seen` is called with the name of each user that has logged in over a connection, `gone` with that of each whose
  /// last connection has ended otherwise than by retire().
  void watch(std::function<void(const std::string& name)> seen, std::function<void(const std::string& name)> gone) {
    seen_ = std::move(seen);
    gone_ = std::move(gone);
  }

 private:
  struct Entry {
    std::shared_ptr<const User> user;
    std::string digest;  // of the password, salted with what is made anew in every process
    std::set<UserConnection*> connections;
  };
  std::map<std::string, Entry, std::less<>> entries_;
  std::function<void(const std::string&)> seen_;
  std::function<void(const std::string&)> gone_;
};

}  // namespace millrace::broker
