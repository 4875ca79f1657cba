#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "content.hpp"

namespace millrace::simulation {

/// A message that a client publishes; its body begins with `id`, which no other has.
struct Publication {
  std::string id;
  std::string key = {};
  std::string message_id = {};   ///< AMQP message-id; empty: none
  std::uint64_t expires_at = 0;  ///< ms; 0: never
  std::uint8_t priority = 0;
  std::uint64_t size = 0;      ///< bytes of properties and body
  std::string order_key = {};  ///< on the queue `ordered`; empty: none
};

/// A message takes the place of another on its queue: a rebound in order.
struct Replacing {
  std::string queue;
  std::string id;
  Publication by;
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
  std::uint64_t bytes_max = 0;       ///< more are dropped from its head; 0: no limit
  bool ranks = false;                ///< by priority
  bool ordered = false;              ///< by key
  bool is_pool = false;              ///< its messages expire, and go to the queue `returned`
  std::string dead_letter_key = {};  ///< empty: what is rejected is gone
};

struct Purge {
  std::string queue;
  std::set<std::string> except;  ///< out with consumers, or not yet durable
};

/// What one record of the log is to do: all of it, or nothing.
struct Commit {
  std::vector<Publication> publications = {};
  std::vector<Settling> settlings = {};
  std::vector<Replacing> replacings = {};
  std::optional<QueueRules> declares = {};
  std::optional<std::pair<std::string, std::string>> binds = {};  ///< key, queue
  std::optional<Purge> purges = {};
};

bool lies(const std::vector<std::string>& ids, const std::string& id);
bool lies_anywhere(const Content& found, const std::string& id);

/// The plain model of a broker: maps and lists, no disk.
class Model {
 public:
  void apply(const Commit& commit);
  /// Nothing, or in what `found` differs. Time in ms: what has expired may lie on `returned`,
  /// and must if it did a second before `late_from`.
  std::optional<std::string> difference(const Content& found, std::uint64_t now, std::uint64_t late_from) const;
  /// Of what size its messages are, and so on; it need not have been made.
  void learn(const Commit& commit);
  /// What lies there on queues that drop from their head is taken for right: where commits may be missing, nobody can
  /// tell which of them have dropped what.
  void adopt_dropping(const Content& found);
  /// Some of its queues may have dropped it as the repeat of a message that was lost: those where it is not found.
  void learn_repeat(const Publication& publication, const Content& found);
  /// The commit has left a trace in what is there.
  bool shows(const Commit& commit, const Content& found) const;
  bool holds(const std::string& queue, const std::string& id) const;
  /// Ids on a queue that is no pool, in order of delivery.
  const std::vector<std::string>& on(const std::string& queue) const { return queues_.at(queue).ids; }
  const Publication& publication(const std::string& id) const { return publications_.at(id); }
  std::size_t messages() const;

 private:
  struct Queue {
    QueueRules rules;
    std::vector<std::string> ids;
    std::set<std::string> seen;
  };
  void publish(const Publication& publication, bool by_client);
  void lay_in(Queue& queue, const Publication& publication) const;
  void purge(const Purge& purge);
  std::optional<std::string> difference_of_pool(const Content& found, std::uint64_t now, std::uint64_t late_from) const;

  std::map<std::string, Queue> queues_;
  std::set<std::pair<std::string, std::string>> bindings_;
  std::map<std::string, std::uint64_t> pool_;        ///< id → expires_at: on the pool or on `returned`
  std::map<std::string, Publication> publications_;  ///< by id
};

}  // namespace millrace::simulation
