#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/database.hpp"

namespace millrace::store {

/// What is known about a message that could not be processed.
struct DeadLetterFacts {
  std::string flow;
  std::int64_t version = 0;  ///< of the flow; 0: unknown
  std::string step;          ///< where it failed
  std::string id;
  std::string execution;
  std::string code;
  std::string reason;
  std::string details;  ///< JSON text, or empty
  std::int64_t attempts = 0;
  std::int64_t failed_at = 0;  ///< ms since the Unix epoch; 0: unknown (a worker was lost over it)
  std::int64_t retries = 0;    ///< how often it has come back from the dead letters before
};

struct DeadLetterRecord : DeadLetterFacts {
  std::string exchange;  ///< the message itself, from here on; as AMQP has it
  std::string routing_key;
  std::string properties;  ///< encoded
  std::string body;
  std::int64_t number = 0;      ///< counts up; given by the store
  std::uint64_t body_size = 0;  ///< bytes; also where the message itself is left out
};

/// Which dead letters; what is empty does not matter.
struct DeadLetterQuery {
  std::string flow = {};
  std::string step = {};
  std::string code = {};
  std::string text = {};                           ///< stands in code, reason or details
  std::optional<std::int64_t> failed_before = {};  ///< ms since the Unix epoch; those of unknown time are not meant
  std::optional<std::int64_t> failed_after = {};
  std::string execution = {};
};

/// Dead letters of all flows, where the broker is not this program's own. They are ordered by flow, those of a flow by
/// number. Who puts some back claims them first, so that of two platforms one does.
class DeadLetters {
 public:
  explicit DeadLetters(Database& database) : database_(database) {}

  /// False: this failure is known. One failure is one (flow, version, step, id, execution, retries): a message that is
  /// put back and fails again has one retry more, and what is handled twice after a crash has not.
  Result<bool> add(const DeadLetterRecord& letter);

  /// Those behind (`after_flow`, `after`), at most `limit`, without the messages themselves.
  Result<std::vector<DeadLetterRecord>> page(const DeadLetterQuery& query, const std::string& after_flow,
                                             std::int64_t after, std::int64_t limit);
  /// The last `count` of a flow, oldest first, without the messages themselves.
  Result<std::vector<DeadLetterRecord>> newest(const std::string& flow, std::int64_t count);
  /// By id or its beginning, whole; of several with the same id the first. Error::not_found; Error::invalid if several
  /// begin like this and none is called so.
  Result<DeadLetterRecord> find(const std::string& id_prefix);

  /// What a query means at one step.
  struct Heap {
    std::string flow;
    std::string step;
    std::int64_t count = 0;
    std::int64_t newest = 0;  ///< the greatest number
  };
  Result<std::vector<Heap>> heaps(const DeadLetterQuery& query);

  /// Whole, and until `until` (ms since the Unix epoch) nobody else's. Those that are not there, or somebody else's
  /// `now`, are left out.
  Result<std::vector<DeadLetterRecord>> claim(const std::vector<std::int64_t>& numbers, std::int64_t now,
                                              std::int64_t until);
  Status release(const std::vector<std::int64_t>& numbers);
  /// Returns how many were there. `now`: those that are somebody's at this time stay; none: all go.
  Result<std::int64_t> remove(const std::vector<std::int64_t>& numbers, std::optional<std::int64_t> now);

  struct Count {
    std::string flow;
    std::int64_t waiting = 0;
    std::int64_t total = 0;  ///< that the flow has had
  };
  Result<std::vector<Count>> counts();
  /// All of a flow that is deleted.
  Status forget(const std::string& flow);

 private:
  Status count(const std::string& flow, std::int64_t waiting, std::int64_t total);
  Database& database_;
};

}  // namespace millrace::store
