#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "io/disk.hpp"
#include "io/loop.hpp"
#include "storage/format.hpp"
#include "storage/items.hpp"
#include "storage/lone_pace.hpp"
#include "storage/message_reader.hpp"
#include "storage/segment_index.hpp"
#include "storage/segments.hpp"
#include "storage/spare_files.hpp"
#include "storage/write.hpp"

namespace millrace::storage {

/// The transaction log: records in segments, one sync shared by all who wait (group commit).
///
/// Guarantees: records become durable in the order appended; `applied` is called in that order, on the loop, after the
/// sync that covers its record, never from inside append(). A full disk is waited for: what was appended stays in
/// memory and is written when there is room. Any other failed write, and a failed sync, is final: everything waiting
/// and everything later gets its Error, and nothing more is written ("fsyncgate", https://lwn.net/Articles/752063/).
///
/// A start reads the newest intact checkpoint and what follows it, not the log: see docs/storage-format.md.
/// Thread: the loop's; writes and syncs run on the Offload, those of a commit that comes alone may run here (LonePace).
class Log {
 public:
  using Applied = std::function<void(Status)>;
  /// One item found when opening: where it stands and when its record was written (ms since the Unix epoch).
  using Replay = std::function<void(Position at, std::uint64_t written_at, const Item& item)>;

  struct Settings {
    /// Bytes of transactions, at least as many as of the checkpoint, after which a new segment begins; with what was
    /// written meanwhile it may become larger.
    std::uint64_t segment_size = 16u << 20;
    /// After so many commits that came alone, one by one, the loop waits for the disk itself (LonePace).
    int lone_commits_min = 8;
  };

  /// What the log asks of its owner, between two of its operations.
  struct Owner {
    /// Items that state everything as all records appended so far have made it.
    std::function<std::string()> checkpoint;
    /// The entries of a segment that is complete now, and in which queues they lie.
    std::function<SegmentIndex(std::uint32_t segment)> index;
  };

  /// Replays the newest intact checkpoint and what stands behind it. A torn tail is cut off; a damaged record is named
  /// in the log, skipped, and kept aside in "<segment>.damaged-<offset>"; its neighbours are replayed.
  static Result<std::unique_ptr<Log>> open(io::Loop& loop, io::Disk& disk, io::Offload& offload, Settings settings,
                                           const Replay& replay);
  ~Log();

  /// Begins the first segment of this run; before it nothing may be appended.
  Status begin(Owner owner);

  /// Appends one record of items (not empty, a multiple of 8 bytes). Returns where its first item stands. `urgent`:
  /// somebody waits; others are written with the next sync, at the latest `lazy_delay` later.
  Position append(std::string items, bool urgent, Applied applied);
  /// Calls `applied` when all that has been appended is durable.
  void after_pending(Applied applied);
  /// Likewise, and as soon as that has to wait for space on the disk, with the reason: nobody knows when there will be
  /// some, and nothing that was confirmed depends on it.
  void close(Applied closed);

  /// Reads one message; its views are valid until the next call. What was appended can be read at once.
  Result<MessageItem> read(Position at);
  /// A complete segment's entries for one priority of one queue, from its sidecar; where that is missing or damaged, it
  /// is made anew from the segment.
  Result<std::vector<IndexEntry>> entries(std::uint32_t segment, std::uint32_t queue, std::uint8_t priority);
  /// Keeps bytes that are no message in "<segment>.damaged-<offset>".
  void quarantine(Position at);

  std::uint32_t current_segment() const { return current_; }
  const Segments& segments() const { return segments_; }
  bool has(std::uint32_t segment) { return segments_.find(segment) != nullptr; }
  /// The segment is complete and on stable storage, with its sidecar: entries() can be asked for it at any time.
  bool at_rest(std::uint32_t segment) const;
  /// Older than the two newest durable checkpoints: a start does not replay it, even if one of them is damaged.
  bool is_removable(std::uint32_t segment) const;
  /// Begins a new segment soon, however full this one is: what is older becomes removable earlier.
  void end_segment_early();
  /// Removes a removable segment, of which nothing is needed; its file may be kept for one that comes.
  void remove(std::uint32_t segment);
  /// Space is short: files that are kept for segments to come are removed.
  void give_up_spares();

  const std::optional<Error>& failure() const { return failure_; }
  /// Why nothing can be written for the time being.
  const std::optional<Error>& stalled() const { return stalled_; }

 private:
  struct Flush;

  static constexpr std::chrono::milliseconds lazy_delay{5};
  static constexpr std::chrono::milliseconds space_retry_delay{200};

  Log(io::Loop& loop, io::Disk& disk, io::Offload& offload, Settings settings);

  // log_open.cpp
  Result<std::vector<std::uint32_t>> find_segments();
  /// Makes sure of what the last writes have left; returns the last segment in which anything stands.
  Result<std::uint32_t> settle_tail(const std::vector<std::uint32_t>& segments);
  /// The newest segment whose checkpoint is intact, or the oldest of all.
  Result<std::uint32_t> find_start(const std::vector<std::uint32_t>& segments);
  Status replay_segment(std::uint32_t number, const Replay& replay, bool last);
  void set_aside(std::uint32_t segment, std::uint64_t offset, std::uint64_t size);

  /// The file of a new segment: a spare one, or one that is made.
  Result<Segments::Segment> new_file(std::uint32_t number);
  Status start_segment();
  void end_full_segment();
  void write_index(std::uint32_t segment);
  void store_index(const SegmentIndex& index);
  /// `before`: what stands in front of the record's header.
  Position write_record(std::string before, RecordType type, std::string items);
  Write& write_to_current();
  void flush();
  void run(const std::shared_ptr<Flush>& batch, bool here);
  void flushed(const std::shared_ptr<Flush>& batch);
  void wait_for_space(const std::shared_ptr<Flush>& batch);
  void tell_closed(const Status& status);
  void fail(const Error& error);

  io::Loop& loop_;
  io::Disk& disk_;
  io::Offload& offload_;
  const Settings settings_;
  Owner owner_;
  Segments segments_;
  SpareFiles spares_;
  MessageReader reader_;
  std::uint32_t current_ = 0;
  std::uint64_t salt_ = 0;            ///< of the current segment
  std::uint64_t checkpoint_end_ = 0;  ///< offset in the current segment
  bool ends_early_ = false;
  /// Segments with intact checkpoints from which a start could go on, oldest first; the last two that are durable.
  std::vector<std::uint32_t> checkpoints_;
  std::uint32_t durable_segment_ = 0;   ///< the newest whose checkpoint is on stable storage
  std::set<std::uint32_t> unindexed_;   ///< complete, and their sidecar is being written
  std::optional<SegmentIndex> remade_;  ///< the last index that had to be made anew

  std::vector<Write> pending_;
  std::vector<Applied> waiting_;
  std::size_t urgent_count_ = 0;  ///< of those that wait, who did not want to wait for others
  std::size_t record_count_ = 0;  ///< of what is pending
  bool in_flushed_ = false;
  LonePace pace_{settings_.lone_commits_min};
  Applied closed_;  ///< who has asked for the end, until told
  std::shared_ptr<Flush> in_flight_;
  bool folder_changed_ = false;
  io::TimerId lazy_ = 0;
  io::TimerId space_retry_ = 0;
  std::optional<Error> stalled_;
  std::optional<Error> failure_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::storage
