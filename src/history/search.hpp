#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "history/execution.hpp"

namespace millrace::history {

/// Which executions; what is empty does not matter.
struct Query {
  std::string flow = {};
  std::int64_t version = 0;  ///< 0: any
  /// It has handled a message of the execution; where only failed ones or an error are asked for: it failed there.
  std::string step = {};
  std::vector<State> states = {};  ///< one of these; none: any
  std::string error = {};          ///< stands in the code or message of a failure, without regard to case (ASCII)
  std::int64_t since = 0;          ///< ms since the Unix epoch: what began, or of a step happened, no earlier …
  std::int64_t until = 0;          ///< … and earlier than this; 0: any
};

enum class Order { newest_first, oldest_first };

/// One page of a search. It may have fewer items than were asked for, also none, although there are more: one look
/// takes only so long.
struct Found {
  std::vector<Execution> executions;
  std::vector<Position> places;  ///< where each was found: `from` such a one finds it again, and what comes after
  std::optional<Position> next;  ///< where to go on; nothing: that was all
};

/// The executions that the query means, each once, in the order in which they began, or, where a step or failure is
/// asked for, in the order of that. `from`: the `next` of the page before.
Found search(History& history, const Query& query, Order order, std::optional<Position> from, std::size_t limit);

}  // namespace millrace::history
