#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "history/segment.hpp"
#include "io/disk.hpp"

namespace millrace::history {

/// Where an entry stands. Ordered by when it was written.
struct Position {
  std::uint32_t segment = 0;
  std::uint32_t entry = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

/// One record as it was read, with who told it.
struct Stored {
  Position at;
  Source source;
  Record record;
  std::shared_ptr<const std::string> bytes;  ///< what the record's views point into
};

/// What passed each step, on disk: segments that are appended to, each with an index once it is full, the oldest
/// removed when they are too old or too many.
///
/// Guarantees: what append() has taken survives the end of the process; the loss of power may cost the last seconds
/// (nothing is synced), never what is older. Disk: `size_max` and one segment; it takes nothing more while the disk has
/// less than `free_space_min` left. Memory: 64 KiB a segment, the entries of the segment being written (32 bytes each),
/// and at most `cache_max` of indexes that were asked for. Thread: one at a time, off the loop, for it blocks. The disk
/// outlives it.
class History {
 public:
  struct Limits {
    std::uint64_t size_max = 1u << 30;
    std::chrono::milliseconds keep = std::chrono::hours(24 * 7);
    std::uint64_t segment_size = 16u << 20;
    std::uint64_t free_space_min = 256u << 20;
    std::size_t cache_max = 32u << 20;
  };

  /// A torn end is cut off, an index that is not there or damaged is made anew.
  static Result<std::unique_ptr<History>> open(io::Disk& disk, Limits limits);

  /// Takes framed records of one source. Error::no_space, Error::io: they are dropped.
  Status append(const Source& source, std::string_view records, std::int64_t now);
  /// Removes what is too old or too much.
  void prune(std::int64_t now);

  // Looking.
  /// Numbers of the segments, oldest first; never empty.
  std::vector<std::uint32_t> segments() const;
  /// nullptr if there is no such segment any more.
  std::shared_ptr<const SegmentIndex> index(std::uint32_t segment);
  /// All entries of an execution, in the order they were written.
  std::vector<std::pair<Position, Entry>> find(std::uint64_t execution);
  /// Error::damaged, Error::io, Error::not_found.
  Result<Stored> read(Position at);

  struct Facts {
    std::uint64_t bytes = 0;  ///< on disk
    std::uint64_t segments = 0;
    std::int64_t oldest_at = 0;  ///< ms since the Unix epoch; 0: nothing is there
  };
  Facts facts() const;

 private:
  struct Segment {
    std::uint32_t number = 0;
    std::uint64_t size = 0;        ///< of its file
    std::uint64_t index_size = 0;  ///< 0: it is being written
    std::int64_t first_at = 0;
    std::int64_t last_at = 0;
    ExecutionFilter filter = {};
    std::unique_ptr<io::File> file = {};
  };

  History(io::Disk& disk, Limits limits) : disk_(disk), limits_(limits) {}
  Status recover();
  Status load(std::uint32_t number);
  Status begin_segment();
  Status seal();
  void remove_oldest();
  void note(Segment& segment, const SegmentIndex& index, std::size_t from);
  Segment* segment(std::uint32_t number);

  io::Disk& disk_;
  Limits limits_;
  std::deque<Segment> segments_;  ///< the last one is written to
  std::shared_ptr<SegmentIndex> open_index_;
  struct Cached {
    std::uint32_t segment = 0;
    std::shared_ptr<const SegmentIndex> index;
  };
  std::deque<Cached> cache_;  ///< the one asked for last in front
};

}  // namespace millrace::history
