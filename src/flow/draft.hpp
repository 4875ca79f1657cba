#pragma once

#include <optional>
#include <string>
#include <vector>

#include "flow/reading.hpp"

namespace millrace::flow {

inline constexpr std::int64_t target_backlog_default = 100;
inline constexpr std::int64_t target_backlog_max = 1'000'000;
inline constexpr std::int64_t concurrency_max = 1'000;
inline constexpr std::int64_t attempts_max = 1'000;

/// A step as read, before the graph is known to be sound.
struct Draft {
  struct Reference {
    std::string id;
    std::size_t offset = 0;
  };

  Step step;
  std::string path;                               ///< "steps[2]"
  NodePtr node;                                   ///< the whole step
  std::size_t id_offset;                          ///< where problems of the step as such are shown
  const component::Function* function = nullptr;  ///< null: unknown, or known to the step's image alone
  bool foreign = false;                           ///< the latter
  std::vector<Reference> after;
  bool sound = true;  ///< false: its `after` could not be read, so nothing is concluded from it
  bool passthrough = false;
};

/// One step of the list `steps`. Reports what is wrong in it; nullopt if it is not even a mapping.
std::optional<Draft> read_step(Reading& reading, const NodePtr& node, const std::string& path, const Running& of_flow);

/// `instances:` and `retry:` of a step.
void read_instances(Reading& reading, Draft& draft);
void read_retry(Reading& reading, Draft& draft);

/// What only the steps together tell: exactly one trigger, unique ids, `after` that names existing steps, no cycles,
/// every step reachable. Reports what is wrong.
void check_graph(Reading& reading, const Node& flow, const std::vector<Draft>& drafts);

/// The form of names: a lower-case letter or digit, then these, `-` and, for steps and credentials, `_`; at most 63
/// characters.
bool is_flow_name(std::string_view name);
bool is_step_id(std::string_view id);
bool is_credential_name(std::string_view name);

}  // namespace millrace::flow
