#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/queue/entry.hpp"
#include "storage/live_runs.hpp"
#include "storage/segment_index.hpp"

namespace millrace::broker {

/// What of a backlog stands in one segment of the log (or, segment 0, only in memory). It is loaded: its entries are
/// here; or cold: here is only how many there are, between which bounds, and which of the segment's are still in it.
/// Data only; Backlog keeps the sums.
class Part {
 public:
  explicit Part(std::uint32_t in_segment) : segment(in_segment) {}
  explicit Part(const storage::PartItem& item);

  const std::uint32_t segment;
  std::uint32_t count = 0;
  std::uint64_t bytes = 0;       ///< properties and bodies of its entries
  std::uint64_t number_min = 0;  ///< a bound, not the first one's
  std::uint64_t number_max = 0;
  std::uint64_t expires_first = 0;  ///< none expires earlier; 0: none expires
  std::uint64_t watched_at = 0;     ///< when somebody will look for what has expired; 0: nobody

  bool is_loaded() const { return loaded_; }
  /// By number; the first and the last one are not gone.
  const std::deque<Entry>& entries() const { return entries_; }
  bool wakes_earlier() const { return expires_first != 0 && (watched_at == 0 || expires_first < watched_at); }

  // Loaded.
  /// The newest of its segment, in order.
  void append(Entry entry);
  /// One that was here before, or that is younger in the segment than its number says (it was moved): `moved`.
  void insert(Entry entry, bool moved);
  Entry take(std::size_t index);
  /// The entry with that number.
  std::optional<std::size_t> find(std::uint64_t number) const;
  /// What is appended next does not join what stands before it.
  void isolate_next() { gap_next_ = true; }
  /// From now on the entry's time counts.
  void watch(const Entry& entry);
  /// Takes out, at most `count_max`, what has expired at `now`, and sets expires_first anew.
  std::vector<Entry> take_expired(std::uint64_t now, std::size_t count_max);
  /// Bytes of bodies that are in memory.
  std::uint64_t body_bytes() const;

  /// Which of its segment's entries are here, and `also`, which are out with consumers.
  storage::LiveRuns live(const std::vector<const Entry*>& also) const;
  /// What the segment's sidecar says of it.
  std::vector<storage::IndexEntry> index(const std::vector<const Entry*>& also) const;

  // Cold.
  /// One that was here before.
  void insert_cold(const Entry& entry);
  void unload();
  /// Its entries, from what the segment's sidecar says; nothing changes.
  std::vector<Entry> read(const std::vector<storage::IndexEntry>& entries, std::uint8_t priority) const;
  void load(std::vector<Entry> entries);

  // What the log tells when it is replayed; `loaded` or not. False: it is not here.
  bool forget(const storage::Place& place);
  bool mark_lost(const storage::Place& place, std::uint32_t lost_count);
  /// Forgets all but these.
  void keep_only(const std::vector<storage::Place>& kept);
  /// The replay is over.
  void settle();

 private:
  struct Expiry {
    std::uint64_t at;
    std::uint64_t number;
    friend auto operator<=>(const Expiry&, const Expiry&) = default;
  };
  storage::LiveRuns& runs();
  void note(const Entry& entry);
  bool is_current(const Expiry& expiry) const;
  void tidy();

  bool loaded_ = true;
  std::deque<Entry> entries_;
  std::size_t gone_ = 0;  ///< of entries_
  bool gap_next_ = true;
  bool by_offset_ = true;                    ///< the order of numbers is that of offsets
  std::vector<Expiry> expiries_;             ///< a heap, soonest first; of entries that may have left meanwhile
  std::string live_;                         ///< of a cold one: LiveRuns
  std::unique_ptr<storage::LiveRuns> runs_;  ///< the same while it changes
};

}  // namespace millrace::broker
