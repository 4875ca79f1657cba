#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace millrace::simulation {

/// A message that a client publishes; its body begins with `id`, which no other has.
struct Publication {
  std::string id;
  std::string key = {};
  std::string message_id = {};   ///< AMQP message-id; empty: none
  std::uint64_t expires_at = 0;  ///< ms; 0: never
};

struct Settling {
  std::string queue;
  std::string id;
  bool rejected = false;
};

struct QueueRules {
  std::string name;
  bool drops_repeats = false;
  bool keeps_only_the_last = false;
  bool is_pool = false;              ///< its messages expire, and go to the queue `returned`
  std::string dead_letter_key = {};  ///< empty: what is rejected is gone
};

/// What one record of the log is to do: all of it, or nothing.
struct Commit {
  std::vector<Publication> publications = {};
  std::vector<Settling> settlings = {};
  std::optional<QueueRules> declares = {};
  std::optional<std::pair<std::string, std::string>> binds = {};  ///< key, queue
};

/// What lies on which queue, oldest first, by id.
using Content = std::map<std::string, std::vector<std::string>>;

/// The plain model of a broker: maps and lists, no disk.
class Model {
 public:
  void apply(const Commit& commit);
  /// Nothing, or in what `found` differs. Time in ms: what has expired may lie on `returned`,
  /// and must if it did a second before `late_from`.
  std::optional<std::string> difference(const Content& found, std::uint64_t now, std::uint64_t late_from) const;
  /// The commit has left a trace in what is there.
  bool shows(const Commit& commit, const Content& found) const;
  bool holds(const std::string& queue, const std::string& id) const;
  std::size_t messages() const;

 private:
  struct Queue {
    QueueRules rules;
    std::vector<std::string> ids;
    std::set<std::string> seen;
  };
  void publish(const Publication& publication, bool by_client);
  std::optional<std::string> difference_of_pool(const Content& found, std::uint64_t now, std::uint64_t late_from) const;

  std::map<std::string, Queue> queues_;
  std::set<std::pair<std::string, std::string>> bindings_;
  std::map<std::string, std::uint64_t> pool_;        ///< id → expires_at: on the pool or on `returned`
  std::map<std::string, Publication> publications_;  ///< by id
};

/// What clients have asked for, in the log's order, and what they were told.
class History {
 public:
  /// Returns its number.
  std::size_t add(Commit commit);
  /// A client was told that it is durable. Nothing, or what is wrong about that.
  std::optional<std::string> confirm(std::size_t number);
  bool is_confirmed(std::size_t number) const { return number < confirmed_; }
  std::size_t confirmed() const { return confirmed_; }
  std::size_t size() const { return first_ + commits_.size(); }
  /// All that was asked for, done.
  const Model& intended() const { return intended_; }

  /// After a crash: finds how far the log got. All that was confirmed must be there, none of it twice, and of the
  /// rest the beginning, commit by whole commit. Where unsynced writes were scattered, any of the rest may be missing,
  /// each as a whole. What did not make it is forgotten. Otherwise: what is wrong.
  std::optional<std::string> recovered(const Content& found, std::uint64_t now, std::uint64_t late_from,
                                       bool scattered);
  /// Message-ids of commits of which nobody can say whether they were made; forgotten by asking.
  std::set<std::string> take_uncertain() { return std::exchange(uncertain_, {}); }

 private:
  /// It is a binding by which something lies where it does.
  bool has_routed(const Commit& commit, const Content& found) const;

  Model base_;
  Model intended_;
  std::size_t first_ = 0;  ///< number of commits_.front()
  std::vector<Commit> commits_;
  std::size_t confirmed_ = 0;  ///< all with smaller numbers
  std::set<std::string> uncertain_;
};

}  // namespace millrace::simulation
