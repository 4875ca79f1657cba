#include "storage/verify.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "storage/live_runs.hpp"
#include "storage/record.hpp"
#include "storage/segment_index.hpp"
#include "storage/segment_reader.hpp"

namespace millrace::storage {
namespace {

using Key = std::pair<std::uint32_t, std::uint8_t>;  // queue, priority

bool counts_as_damage(Finding::Kind kind) {
  return kind == Finding::Kind::damage || kind == Finding::Kind::rebuildable;
}

/// First what the newest checkpoint and what stands behind it say is there; then segment after segment, each compared
/// with that. What is kept in memory is of one segment at a time.
class Verifier {
 public:
  explicit Verifier(io::Disk& disk) : disk_(disk) {}

  Result<Verification> run() {
    const auto segments = list_segments();
    if (!segments) return segments.error();
    read_state(*segments);
    last_ = last_begun(*segments);
    listed_to_ = segments->empty() ? 0 : segments->back();
    for (const auto segment : *segments) {
      segment_ = segment;
      is_last_ = segment >= last_;
      const auto before = out_;
      bool was_read = verify_with_sidecar();
      // What a broker at work writes while it is read looks like damage; damage looks the same the next time.
      for (int again = 0; again < 2 && has_damage_since(before); ++again) {
        out_ = before;
        was_read = verify_with_sidecar();
      }
      if (has_damage_since(before) && !is_there()) {
        // Meanwhile a broker at work has no more need of it, and may have given its file to another segment.
        out_ = before;
      } else if (was_read) {
        verify_parts();
      }
    }
    verify_missing();
    return std::move(out_);
  }

 private:
  struct Damage {
    std::uint64_t offset;
    std::uint64_t size;
  };
  struct OpenSegment {
    std::uint32_t number;
    std::unique_ptr<io::File> file;
    std::uint64_t size;
  };
  /// What lies of a queue, with one priority, in a segment.
  struct StatedPart {
    PartItem item;
    std::string runs;
    std::optional<std::set<std::uint32_t>> kept = {};  ///< offsets of all that a purge since the checkpoint has left
  };
  using PartKey = std::tuple<std::uint32_t, std::uint8_t, std::uint32_t>;  // queue, priority, segment

  Result<std::vector<std::uint32_t>> list_segments() {
    const auto names = disk_.list();
    if (!names) return names.error();
    std::vector<std::uint32_t> segments;
    for (const auto& name : *names) {
      if (const auto number = segment_number(name)) segments.push_back(*number);
      if (name.find(".log.damaged-") != std::string::npos && aside_.insert(name).second)
        find(Finding::Kind::kept_aside, name, 0, 0, "kept aside by an earlier start");
    }
    std::sort(segments.begin(), segments.end());
    return segments;
  }

  void find(Finding::Kind kind, std::string file, std::uint64_t offset, std::uint64_t size, std::string what) {
    out_.findings.push_back({kind, std::move(file), offset, size, std::move(what)});
  }

  std::string queue_name(std::uint32_t queue) const {
    const auto found = queues_.find(queue);
    return found == queues_.end() ? fmt::format("number {}", queue) : "'" + found->second + "'";
  }

  /// The segment has its file still: the name goes before the file is given to another.
  bool is_there() {
    const auto file = disk_.open(segment_name(segment_), io::Disk::Open::existing);
    return file || file.error().kind != Error::Kind::not_found;
  }

  Result<OpenSegment> open_segment(std::uint32_t number) {
    auto file = disk_.open(segment_name(number), io::Disk::Open::existing);
    if (!file) return file.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    return OpenSegment{number, std::move(*file), *size};
  }

  /// Calls `visit` with each piece of a segment until it says false. Errors: the file cannot be read, or is of another
  /// version.
  static Status for_each_piece(const Result<OpenSegment>& segment,
                               const std::function<bool(const SegmentReader::Piece&)>& visit) {
    if (!segment) return segment.error();
    SegmentReader reader(*segment->file, segment->number, segment->size);
    const auto version = reader.header();
    if (!version) return version.error();
    if (*version && !is_readable(**version)) {
      return Error{Error::Kind::unsupported, fmt::format("it has format version {}, this program reads {} to {}",
                                                         **version, oldest_format_version, format_version)};
    }
    for (;;) {
      const auto piece = reader.next();
      if (!piece) return piece.error();
      if (!*piece || !visit(**piece)) return Done{};
    }
  }

  /// Where the newest intact checkpoint begins its segment: its index in `segments`; 0 if there is none.
  std::size_t first_of_state(const std::vector<std::uint32_t>& segments) {
    for (auto i = segments.size(); i > 0; --i) {
      bool is_checkpoint = false;
      (void)for_each_piece(open_segment(segments[i - 1]), [&](const SegmentReader::Piece& piece) {
        is_checkpoint = piece.is_record && piece.header.type == RecordType::checkpoint;
        return false;
      });
      if (is_checkpoint) return i - 1;
    }
    return 0;
  }

  /// The last segment in which anything stands: what a crash has left of its end, and later ones, is no damage.
  std::uint32_t last_begun(const std::vector<std::uint32_t>& segments) {
    for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
      const auto opened = open_segment(*segment);
      const auto begun = opened ? is_begun(*opened->file, *segment, opened->size) : opened.error();
      if (!begun || *begun) return *segment;
    }
    return 0;
  }

  /// Reads the newest checkpoint, and what stands behind it.
  void read_state(const std::vector<std::uint32_t>& segments) {
    for (auto i = first_of_state(segments); i < segments.size(); ++i) read_state_of(segments[i]);
  }

  /// What cannot be read is told when the segment is verified.
  void read_state_of(std::uint32_t segment) {
    (void)for_each_piece(open_segment(segment), [&](const SegmentReader::Piece& piece) {
      if (!piece.is_record) return true;
      if (piece.header.type == RecordType::checkpoint) {
        parts_.clear();
        left_since_.clear();
      }
      for_each_item(
          piece.items, {segment, static_cast<std::uint32_t>(piece.offset + record_header_size)},
          [&](Position, const Item& item) { take_state(item); }, [](Position, std::uint32_t, const Error&) {});
      return true;
    });
  }

  bool has_damage_since(const Verification& before) const {
    return std::any_of(out_.findings.begin() + static_cast<std::ptrdiff_t>(before.findings.size()), out_.findings.end(),
                       [](const Finding& finding) { return counts_as_damage(finding.kind); });
  }

  /// False if the segment cannot be read.
  bool verify_with_sidecar() {
    const bool was_read = verify_segment();
    verify_sidecar();
    return was_read;
  }

  /// Likewise.
  bool verify_segment() {
    entries_.clear();
    damage_.clear();
    read_to_ = 0;
    const auto opened = open_segment(segment_);
    if (!opened && opened.error().kind == Error::Kind::not_found) return false;
    ++out_.segments;
    out_.bytes += opened ? opened->size : 0;
    const auto read = for_each_piece(opened, [&](const SegmentReader::Piece& piece) {
      piece.is_record ? take_record(piece) : take_damage(piece);
      return true;
    });
    if (!read) find(Finding::Kind::damage, segment_name(segment_), 0, 0, read.error().message);
    return static_cast<bool>(read);
  }

  void take_record(const SegmentReader::Piece& piece) {
    ++out_.records;
    read_to_ = piece.offset + piece.size;
    for_each_item(
        piece.items, {segment_, static_cast<std::uint32_t>(piece.offset + record_header_size)},
        [&](Position at, const Item& item) { take_item(at, item); },
        [&](Position at, std::uint32_t size, const Error& error) {
          find(Finding::Kind::damage, segment_name(segment_), at.offset, size, error.message);
        });
  }

  void take_item(Position at, const Item& item) {
    const auto* message = std::get_if<MessageItem>(&item);
    if (message == nullptr) return;
    ++out_.messages;
    for (const auto& target : message->targets)
      entries_[{target.queue, target.priority}].emplace_back(at.offset, message->number);
  }

  void take_state(const Item& item) {
    if (const auto* message = std::get_if<MessageItem>(&item)) {
      if (!message->moved_from) return;
      for (const auto& target : message->targets) leave({target.queue, target.priority, message->moved_from->segment});
    } else if (const auto* declared = std::get_if<QueueDeclaredItem>(&item)) {
      queues_[declared->queue] = declared->name;
    } else if (const auto* part = std::get_if<PartItem>(&item)) {
      parts_.push_back({*part, std::string(part->runs)});
    } else if (const auto* settled = std::get_if<SettledItem>(&item)) {
      leave({settled->place.queue, settled->place.priority, settled->place.at.segment});
    } else if (const auto* purged = std::get_if<PurgedItem>(&item)) {
      purge(*purged);
    } else if (const auto* deleted = std::get_if<QueueDeletedItem>(&item)) {
      std::erase_if(parts_, [&](const StatedPart& it) { return it.item.queue == deleted->queue; });
    }
  }

  void leave(const PartKey& part) { ++left_since_[part]; }

  /// What was out with consumers stays.
  void purge(const PurgedItem& purged) {
    for (auto& part : parts_) {
      if (part.item.queue != purged.queue) continue;
      part.kept.emplace();
      for (const auto& place : purged.except) {
        if (place.at.segment == part.item.segment && place.priority == part.item.priority)
          part.kept->insert(place.at.offset);
      }
      part.item.count = static_cast<std::uint32_t>(part.kept->size());
      left_since_.erase(key_of(part));
    }
  }

  void take_damage(const SegmentReader::Piece& piece) {
    const auto name = segment_name(segment_);
    if (piece.is_zero) return;
    if (is_last_ && piece.is_begun) {
      return find(Finding::Kind::unfinished, name, piece.offset, piece.size,
                  "the end of a write that nobody was told to be stored");
    }
    if (is_last_ && piece.last_bytes && !piece.is_headless) return;  // what the file held before
    damage_.push_back({piece.offset, piece.size});
    const auto known = read_sidecar();
    std::vector<std::string> affected;
    if (known) {
      for (const auto& group : known->groups) {
        const auto count = std::count_if(group.entries.begin(), group.entries.end(), [&](const IndexEntry& entry) {
          return entry.offset >= piece.offset && entry.offset < piece.offset + piece.size;
        });
        if (count > 0) affected.push_back(fmt::format("{} messages of queue {}", count, queue_name(group.queue)));
      }
    }
    find(Finding::Kind::damage, name, piece.offset, piece.size,
         affected.empty() ? "records cannot be read: messages, settlements or declarations"
                          : fmt::format("records cannot be read: {}", fmt::join(affected, ", ")));
  }

  Result<SegmentIndex> read_sidecar() {
    auto file = disk_.open(index_name(segment_), io::Disk::Open::existing);
    if (!file) return file.error();
    const auto size = (*file)->size();
    if (!size) return size.error();
    const auto bytes = (*file)->read_at(0, *size);
    if (!bytes) return bytes.error();
    return decode_index(*bytes, segment_);
  }

  void verify_sidecar() {
    const auto name = index_name(segment_);
    const auto index = read_sidecar();
    if (!index) {
      if (index.error().kind != Error::Kind::not_found)
        find(Finding::Kind::rebuildable, name, 0, 0, index.error().message + "; it is made anew when it is needed");
      return;
    }
    ++out_.sidecars;
    for (const auto& group : index->groups) {
      auto& stored = entries_[{group.queue, group.priority}];
      const auto strange = std::count_if(group.entries.begin(), group.entries.end(), [&](const IndexEntry& entry) {
        const bool damaged = std::any_of(damage_.begin(), damage_.end(), [&](const Damage& damage) {
          return entry.offset >= damage.offset && entry.offset < damage.offset + damage.size;
        });
        // Of what a broker writes just now its sidecar may tell more than was there when it was read.
        const bool newer = segment_ + 1 >= last_ && entry.offset >= read_to_;
        return !damaged && !newer &&
               !std::binary_search(stored.begin(), stored.end(), std::pair(entry.offset, entry.number));
      });
      if (strange > 0) {
        find(Finding::Kind::damage, name, 0, 0,
             fmt::format("it lists {} messages of queue {} that its segment does not hold", strange,
                         queue_name(group.queue)));
      }
    }
  }

  static PartKey key_of(const StatedPart& part) { return {part.item.queue, part.item.priority, part.item.segment}; }

  /// What the newest checkpoint says lies in this segment.
  void verify_parts() {
    for (const auto& part : parts_) {
      if (part.item.segment != segment_) continue;
      const auto runs = LiveRuns::decode(part.runs);
      if (!runs) continue;
      std::uint64_t found = 0;
      for (const auto& [offset, number] : entries_[{part.item.queue, part.item.priority}]) {
        const bool is_stated = part.kept ? part.kept->contains(offset) : runs->find(offset) != nullptr;
        found += is_stated ? 1 : 0;
      }
      report_missing(part, found);
    }
    verified_.insert(segment_);
  }

  /// Parts in segments that are not there, or cannot be read. While the others were read, a broker at work may have
  /// removed some; what has been written by now says so.
  void verify_missing() {
    const auto segments = list_segments();
    if (!segments) return;
    read_state(*segments);
    for (const auto& part : parts_) {
      if (verified_.contains(part.item.segment) || part.item.segment > listed_to_) continue;
      // A segment may go when all have left it.
      report_missing(part, std::min<std::uint64_t>(left_since_[key_of(part)], part.item.count));
    }
  }

  void report_missing(const StatedPart& part, std::uint64_t found) {
    const auto& item = part.item;
    if (found >= item.count) return;
    find(Finding::Kind::damage, segment_name(item.segment), 0, 0,
         fmt::format("{} of {} messages of queue {} are not to be found in it", item.count - found, item.count,
                     queue_name(item.queue)));
  }

  io::Disk& disk_;
  Verification out_;
  std::uint32_t segment_ = 0;
  bool is_last_ = false;         // nothing stands in later ones
  std::uint32_t last_ = 0;       // the last segment in which anything stands
  std::uint32_t listed_to_ = 0;  // the last one that was there when the verification began
  std::uint64_t read_to_ = 0;    // of the segment: where its last whole record ends
  std::map<std::uint32_t, std::string> queues_;
  std::map<Key, std::vector<std::pair<std::uint32_t, std::uint64_t>>> entries_;  // of the segment: offset, number
  std::vector<Damage> damage_;                                                   // of the segment
  std::vector<StatedPart> parts_;
  std::set<std::uint32_t> verified_;             ///< segments that were read
  std::set<std::string> aside_;                  ///< files that were named
  std::map<PartKey, std::uint64_t> left_since_;  // the checkpoint
};

}  // namespace

std::string_view to_string(Finding::Kind kind) {
  switch (kind) {
    case Finding::Kind::damage:
      return "damage";
    case Finding::Kind::rebuildable:
      return "rebuildable";
    case Finding::Kind::unfinished:
      return "unfinished";
    case Finding::Kind::kept_aside:
      return "kept_aside";
  }
  return "unknown";
}

bool Verification::is_sound() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return counts_as_damage(finding.kind); });
}

Result<Verification> verify(io::Disk& disk) {
  return Verifier(disk).run();
}

}  // namespace millrace::storage
