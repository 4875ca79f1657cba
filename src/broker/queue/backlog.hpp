#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "broker/queue/part.hpp"

namespace millrace::broker {

class Backlog;

/// What of all backlogs is in memory.
struct Residents {
  std::uint64_t entries = 0;
  std::uint64_t body_bytes = 0;
  std::uint64_t loads = 0;  ///< parts that came in from disk, ever
};

/// Where a backlog's cold parts come from.
class PartSource {
 public:
  virtual ~PartSource() = default;
  /// The part's entries; fewer than its count if some are damaged. Error if the files cannot be opened now.
  virtual Result<std::vector<Entry>> read(const Backlog& backlog, const Part& part) = 0;
  /// Makes the part loaded; afterwards it may be gone, if nothing of it can be read. False if that cannot be done now.
  virtual bool load(Backlog& backlog, Part& part) = 0;
};

/// The waiting messages of one priority of one queue, oldest first, as parts: one for each segment in which some of
/// them stand. Parts may overlap in their numbers, because old messages are moved to new segments; cold ones are loaded
/// when one of theirs may be next.
class Backlog {
 public:
  Backlog(std::uint32_t queue_id, std::uint8_t its_priority, Residents& residents)
      : queue(queue_id), priority(its_priority), residents_(residents) {}
  ~Backlog();
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;

  const std::uint32_t queue;
  const std::uint8_t priority;

  /// A message that is the newest of all; it is not visible before arrived().
  void append(Entry entry);
  /// All up to that one can be delivered. Its part, if it expires: it counts time now.
  Part* arrived(const Entry& entry);
  /// The next to deliver is the first entry of this part; nullptr if there is none, or none that can be had now.
  Part* front(PartSource& source);
  Entry take(Part& part, std::size_t index);
  /// A message that was taken out returns to its place; or, `moved`, comes to another segment.
  Part& put_back(Entry entry, PartSource& source, bool moved);
  std::vector<Entry> take_expired(Part& part, std::uint64_t now, std::size_t count_max);
  /// How much of a segment's went.
  struct Gone {
    std::uint32_t segment;
    std::uint32_t count;
    std::uint64_t bytes;
  };
  /// All visible entries go; the others are added to `kept`.
  std::vector<Gone> purge(std::vector<storage::Place>& kept);
  /// All visible entries in order, until `visit` returns false; cold parts are read for it and forgotten again.
  bool walk(PartSource& source, const std::function<bool(const Entry&)>& visit) const;

  /// While the log is replayed: a message has left from there.
  void forget(const storage::Place& place);
  /// While the log is replayed: all have left but these.
  void keep_only(const std::vector<storage::Place>& kept);

  void load(Part& part, std::vector<Entry> entries);
  void unload(Part& part);
  void add(std::unique_ptr<Part> part);
  void erase(const Part& part);
  Part* find(std::uint32_t segment);
  /// The part of that segment, made if need be.
  Part& part_of(std::uint32_t segment);
  const std::vector<std::unique_ptr<Part>>& parts() const { return parts_; }
  /// Its entries are not all visible yet.
  bool is_arriving(const Part& part) const { return part.number_max > visible_; }
  std::uint64_t body_bytes() const { return body_bytes_; }

 private:
  void sort();
  void account(const Entry& entry, bool added);

  Residents& residents_;
  std::vector<std::unique_ptr<Part>> parts_;  ///< by number_min
  Part* newest_ = nullptr;                    ///< to which was appended last
  std::uint64_t visible_ = 0;
  std::uint64_t body_bytes_ = 0;  ///< in memory
};

}  // namespace millrace::broker
