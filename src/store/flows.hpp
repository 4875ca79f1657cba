#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/database.hpp"

namespace millrace::store {

/// What a flow shall do.
enum class FlowState {
  draft,      ///< nothing was published yet
  running,    ///< takes events and works
  suspended,  ///< takes webhook calls, which wait; nothing is worked on, no tick is made
  stopped,    ///< takes no events; what it has in flight is finished
  deleting,   ///< is being taken apart; then it is gone
};
std::string_view to_string(FlowState state);
std::optional<FlowState> flow_state(std::string_view text);

struct FlowRecord {
  std::string name;
  FlowState state = FlowState::draft;
  std::string origin;  ///< "api", or "file" for one that `millrace run` was given
  std::string draft;   ///< the text as last saved
  std::int64_t revision = 0;
  std::string saved_by;
  std::int64_t saved_at = 0;
  std::int64_t current = 0;  ///< number of the version that new events go to; 0: none was published
  std::int64_t created_at = 0;
};

/// What new events go to, what still has messages in flight, and what is only kept.
enum class VersionState { current, draining, retired };
std::string_view to_string(VersionState state);

struct VersionRecord {
  std::string flow;
  std::int64_t number = 0;
  VersionState state = VersionState::current;
  std::string source;
  std::string comment;
  std::string published_by;
  std::int64_t published_at = 0;
};

/// One flow as it shall run: level, not edge; whoever makes it so compares it with what there is.
struct FlowInUse {
  std::string name;
  FlowState state = FlowState::running;
  std::vector<VersionRecord> versions;               ///< current and draining ones, oldest first
  std::map<std::string, std::uint32_t> scales = {};  ///< instances by step, where somebody has set them
};

/// A webhook's address, which one flow only may have.
struct Address {
  std::string path;
  std::string method;
};

/// A credential that a step names.
struct StepCredential {
  std::string step;
  std::string name;
};

/// Flows, their drafts and versions. Each change is checked against what is there: Error::not_found, Error::stale when
/// the draft has another revision than the caller has seen, Error::conflict when a state does not allow it.
class Flows {
 public:
  explicit Flows(Database& database) : database_(database) {}

  Result<FlowRecord> find(const std::string& name);
  /// In the order of their names, after `after`; without drafts.
  Result<std::vector<FlowRecord>> list(const std::string& after, std::int64_t limit);

  struct Draft {
    std::string name;
    std::string text;
    std::string who;
    std::string origin;
    std::int64_t at = 0;
  };
  /// Saves a draft, of a new flow or of a known one. `expected`: the revision that is replaced, 0 for a flow that must
  /// not be there yet; none: whatever there is.
  Result<FlowRecord> save(const Draft& draft, std::optional<std::int64_t> expected);

  struct Publication {
    std::string name;
    std::string source;
    std::string comment;
    std::string who;
    std::int64_t at = 0;
    std::vector<Address> webhooks;
    std::vector<StepCredential> credentials = {};
  };
  /// Makes the source the flow's next version, which new events go to; the one before drains. The first one starts the
  /// flow. Error::conflict names the flow that has one of the webhooks already.
  Result<VersionRecord> publish(const Publication& publication);

  Result<VersionRecord> version(const std::string& name, std::int64_t number);
  /// Newest first, numbers below `before` (0: from the newest).
  Result<std::vector<VersionRecord>> versions(const std::string& name, std::int64_t before, std::int64_t limit);

  Status set_state(const std::string& name, FlowState state);
  /// A version that has nothing in flight any more.
  Status retire(const std::string& name, std::int64_t number);
  /// A retired version that gets messages again: dead letters that are retried on it.
  Status revive(const std::string& name, std::int64_t number);
  /// How many instances a step shall have, whatever its flow says; none: as the flow says. Returns what was set before.
  Result<std::optional<std::uint32_t>> set_scale(const std::string& name, const std::string& step,
                                                 std::optional<std::uint32_t> instances);
  /// All there is of the flow, but for the audit log.
  Status remove(const std::string& name);

  Result<FlowInUse> in_use(const std::string& name);
  /// All that are not mere drafts.
  Result<std::vector<FlowInUse>> in_use();

 private:
  Status note(const std::string& name);
  Status noted(const std::string& name, const Result<Rows>& changed);
  Result<std::vector<FlowInUse>> collect(Result<Rows> flows, Result<Rows> versions, Result<Rows> scales);
  Database& database_;
};

}  // namespace millrace::store
