#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/result.hpp"

namespace millrace::components {

/// What http.poll remembers between ticks: its snapshot.
class PollState {
 public:
  std::string cursor;          ///< JSON text; empty: none yet. `$cursor` in url, headers and query
  std::string cursor_pending;  ///< what cursor becomes once the last page of the run is done
  std::string tick;            ///< whose run is under way; empty: the run goes on with any tick
  std::string next;            ///< URL of the page to go on with; empty: a run begins
  std::uint64_t pages = 0;     ///< done by the run under way

  PollState() = default;
  PollState(const PollState& other);
  PollState(PollState&&) = default;
  PollState& operator=(PollState other) noexcept;

  /// Error::damaged if it is not what json() wrote.
  static Result<PollState> read(std::string_view json);
  std::string json() const;

  /// Whether an item of that id with that content is new or has changed since it was last noted; notes it. Beyond
  /// `seen_max` ids, those noted longest ago are forgotten. Ids and contents are kept as 64-bit hashes.
  bool note(std::string_view id, std::string_view content, std::size_t seen_max);
  std::size_t seen() const { return order_.size(); }

 private:
  struct Seen {
    std::string id;
    std::string content;
  };
  void keep(std::string id, std::string content);

  std::list<Seen> order_;  ///< noted longest ago first
  std::unordered_map<std::string, std::list<Seen>::iterator> by_id_;
};

/// 64 bits of a hash of a text, as 16 hexadecimal digits.
std::string short_hash(std::string_view text);

}  // namespace millrace::components
