#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "history/search.hpp"

namespace millrace::history {

/// Which messages: those that a step has got, or those that began executions.
struct Choice {
  Query query = {};            ///< of executions
  std::string execution = {};  ///< this one alone, whatever the query says
  std::string step = {};       ///< what this step got; empty: what the trigger brought
  std::string message = {};    ///< of those this one alone; empty: all
};

/// One message as it was recorded.
struct Chosen {
  Position at = {};  ///< of its execution in the search; of one execution alone always the same
  std::string execution;
  std::string message;
  std::string flow;
  std::int64_t version = 0;
  std::string envelope;   ///< empty: it is not recorded
  bool redacted = false;  ///< values were left out, or the whole was too large
};

/// The messages of some executions, oldest first.
struct Selection {
  std::vector<Chosen> messages;
  std::optional<Position> next;  ///< where to go on; nothing: that was all
};

/// Looks on from `from` at some executions; an execution's messages are never divided. Each message once, however often
/// the step tried it. Error::not_found for one execution of which nothing is recorded.
Result<Selection> select(History& history, const Choice& choice, std::optional<Position> from);

}  // namespace millrace::history
