#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "history/history.hpp"

namespace millrace::history {

/// What became of an execution, as far as its records tell.
enum class State {
  running,     ///< some message of it was handed on and is not handled yet
  done,        ///< all were
  failed,      ///< all were, and one is a dead letter
  incomplete,  ///< only a part is recorded
};
std::string_view to_string(State state);
std::optional<State> state_of(std::string_view text);

/// The account of an execution: what was handed on against what was handled. Made from entries alone.
struct Account {
  std::int64_t open = 0;      ///< handed on and not handled
  std::int64_t failures = 0;  ///< dead letters that were not taken up again with success
  std::uint32_t handled = 0;
  std::uint32_t rebounds = 0;
  bool has_began = false;
  bool whole = false;
  std::int64_t began_at = 0;
  std::int64_t last_at = 0;

  void add(const Entry& entry);
  State state() const;
};

/// An execution in short.
struct Summary {
  std::string id;
  std::string flow;
  std::int64_t version = 0;
  State state = State::running;
  std::string via;    ///< empty if its beginning is not recorded
  std::string cause;  ///< of a replay
  std::int64_t began_at = 0;
  std::int64_t last_at = 0;
  std::uint32_t handled = 0;
  std::uint32_t rebounds = 0;
  /// The last failure, or last try that has to be made again; empty step: there was none.
  std::string failed_step;
  std::string code;
  std::string error;
};

/// All that is recorded of one execution.
struct Execution {
  Summary summary;
  std::vector<Stored> records;  ///< by time
};

/// Error::not_found: nothing is recorded of it.
Result<Execution> load(History& history, const std::string& id);

}  // namespace millrace::history
