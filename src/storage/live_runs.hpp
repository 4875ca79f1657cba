#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace millrace::storage {

/// Which of the entries that a segment holds for a queue are still in it: runs of offsets. A run covers every entry
/// that stands between its first and last one, so it is made only where nothing that has left stands between them.
///
/// An entry may be taken out without knowing its neighbours: what remains are the offsets before it and behind it.
class LiveRuns {
 public:
  /// Entries of a run were lost by consumers equally often.
  struct Run {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::uint16_t lost_count = 0;
    bool redelivered = false;
    friend bool operator==(const Run&, const Run&) = default;
  };

  /// Error::damaged if these are no runs in order.
  static Result<LiveRuns> decode(std::string_view bytes);
  std::string encode() const;

  /// Adds an entry behind all others; `joined`: nothing stands between it and the one before it.
  void append(std::uint32_t offset, std::uint16_t lost_count, bool redelivered, bool joined);
  /// Adds an entry that no run covers.
  void insert(const Run& run);
  /// False if it is in no run.
  bool remove(std::uint32_t offset);
  /// False if it is in no run.
  bool mark_lost(std::uint32_t offset, std::uint16_t lost_count);
  /// The run that covers it, or nullptr.
  const Run* find(std::uint32_t offset) const;

  bool empty() const { return runs_.empty(); }
  const std::vector<Run>& runs() const { return runs_; }

 private:
  std::vector<Run>::iterator place(std::uint32_t offset);

  std::vector<Run> runs_;  // ascending, apart from each other
};

}  // namespace millrace::storage
