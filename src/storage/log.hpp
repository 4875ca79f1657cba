#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "io/disk.hpp"
#include "io/loop.hpp"
#include "storage/format.hpp"
#include "storage/items.hpp"

namespace millrace::storage {

/// The transaction log: records in segments, one sync shared by all who wait (group commit).
///
/// Guarantees: records become durable in the order appended; `applied` is called in that order, on the loop, after the
/// sync that covers its record, never from inside append(). A failed write or sync is final: everything waiting and
/// everything later gets its Error, and nothing more is written ("fsyncgate", https://lwn.net/Articles/752063/).
/// Format: docs/storage-format.md. Thread: the loop's; writes and syncs run on the Offload.
class Log {
 public:
  using Applied = std::function<void(Status)>;
  /// One item found when opening: where it stands and when its record was written (ms since the Unix epoch).
  using Replay = std::function<void(Position at, std::uint64_t written_at, const Item& item)>;

  struct Settings {
    /// Bytes of transactions, at least as many as of the checkpoint, after which a new segment begins; with what was
    /// written meanwhile it may become larger.
    std::uint64_t segment_size = 64u << 20;
  };

  /// What a segment's first record restates, so that older segments can go: the items of topology, counters and ids.
  using Checkpoint = std::function<std::string()>;

  /// Reads every segment in order. A torn tail is cut off; a damaged record is named in the log, skipped, and kept
  /// aside in "<segment>.damaged-<offset>"; its neighbours are replayed.
  static Result<std::unique_ptr<Log>> open(io::Loop& loop, io::Disk& disk, io::Offload& offload, Settings settings,
                                           const Replay& replay);
  ~Log();

  /// Begins the first segment of this run; before it nothing may be appended.
  Status begin(Checkpoint checkpoint);

  /// Appends one record of items (a multiple of 8 bytes). Returns where its first item stands. `urgent`: somebody
  /// waits; others are written with the next sync, at the latest `lazy_delay` later.
  Position append(std::string_view items, bool urgent, Applied applied);
  /// Calls `applied` when all that has been appended is durable.
  void after_pending(Applied applied);

  /// Reads one message item back. The string holds it; the item's views point into it.
  Result<std::pair<std::string, MessageItem>> read(Position at) const;

  std::uint32_t current_segment() const { return current_; }
  std::uint32_t oldest_segment() const;
  std::size_t segment_count() const { return segments_.size(); }
  std::uint64_t size() const;
  /// The newest segment of this run whose checkpoint is on stable storage; 0: none is yet.
  std::uint32_t durable_segment() const { return durable_segment_; }
  /// Deletes the oldest segment; it is older than the durable one and nothing in it is needed.
  void remove_oldest();

  const std::optional<Error>& failure() const { return failure_; }

 private:
  struct Segment {
    std::shared_ptr<io::File> file;
    std::uint64_t size = 0;
  };
  struct Write {
    std::shared_ptr<io::File> file;
    std::uint64_t offset = 0;
    std::string bytes;
  };
  struct Flush;

  static constexpr std::chrono::milliseconds lazy_delay{5};

  Log(io::Loop& loop, io::Disk& disk, io::Offload& offload, Settings settings);
  /// Makes sure of what the last writes have left; returns the last segment in which anything stands.
  Result<std::uint32_t> settle_tail(const std::map<std::uint32_t, std::string>& segments);
  Status replay_segment(const std::string& name, std::uint32_t number, const Replay& replay, bool last);
  void set_aside(const std::string& name, std::uint64_t offset, std::string_view bytes);
  Status start_segment();
  void end_full_segment();
  Position write_record(RecordType type, std::string_view items);
  void flush();
  void flushed(Status status, std::vector<Applied> waiting);
  void fail(const Error& error);

  io::Loop& loop_;
  io::Disk& disk_;
  io::Offload& offload_;
  Settings settings_;
  Checkpoint checkpoint_;
  std::map<std::uint32_t, Segment> segments_;
  std::uint32_t current_ = 0;
  std::uint32_t durable_segment_ = 0;
  std::uint64_t checkpoint_end_ = 0;  ///< offset in the current segment

  std::vector<Write> pending_;
  std::vector<Applied> waiting_;
  bool folder_changed_ = false;
  bool flushing_ = false;
  /// A removal could not be made durable: those after it are not made. Belongs to the offloaded work.
  std::shared_ptr<bool> removals_stopped_ = std::make_shared<bool>(false);
  io::TimerId lazy_ = 0;
  std::optional<Error> failure_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::storage
