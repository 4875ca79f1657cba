#include "storage/verify.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "storage/live_runs.hpp"
#include "storage/record.hpp"
#include "storage/segment_index.hpp"
#include "storage/segment_reader.hpp"

namespace millrace::storage {
namespace {

using Key = std::pair<std::uint32_t, std::uint8_t>;  // queue, priority

/// What the segments say, one after the other; then what must agree with it.
class Verifier {
 public:
  explicit Verifier(io::Disk& disk) : disk_(disk) {}

  Result<Verification> run() {
    const auto names = disk_.list();
    if (!names) return names.error();
    std::vector<std::uint32_t> segments;
    for (const auto& name : *names) {
      if (const auto number = segment_number(name)) segments.push_back(*number);
      if (name.find(".log.damaged-") != std::string::npos)
        find(Finding::Kind::kept_aside, name, 0, 0, "kept aside by an earlier start");
    }
    std::sort(segments.begin(), segments.end());
    for (const auto segment : segments) {
      segment_ = segment;
      is_last_ = segment == segments.back();
      const auto found_before = out_.findings.size();
      verify_segment();
      verify_sidecar();
      if (out_.findings.size() == found_before || is_there()) continue;
      // Meanwhile a broker at work has no more need of it, and may have given its file to another segment.
      out_.findings.resize(found_before);
      kept_.erase(segment);
    }
    for (const auto& part : parts_) verify_part(part);
    return std::move(out_);
  }

 private:
  struct Damage {
    std::uint64_t offset;
    std::uint64_t size;
  };
  struct StatedPart {
    PartItem item;
    std::string runs;
  };

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

  void verify_segment() {
    entries_.clear();
    damage_.clear();
    const auto name = segment_name(segment_);
    auto file = disk_.open(name, io::Disk::Open::existing);
    if (!file && file.error().kind == Error::Kind::not_found) return;
    const auto size = file ? (*file)->size() : Result<std::uint64_t>(file.error());
    if (!size) return find(Finding::Kind::damage, name, 0, 0, size.error().message);
    ++out_.segments;
    out_.bytes += *size;
    SegmentReader reader(**file, segment_, *size);
    const auto version = reader.header();
    if (!version) return find(Finding::Kind::damage, name, 0, 0, version.error().message);
    if (*version && !is_readable(**version)) {
      return find(Finding::Kind::damage, name, 0, *size,
                  fmt::format("it has format version {}, this program reads {} to {}", **version, oldest_format_version,
                              format_version));
    }
    for (;;) {
      const auto piece = reader.next();
      if (!piece) return find(Finding::Kind::damage, name, 0, 0, piece.error().message);
      if (!*piece) break;
      (*piece)->is_record ? take_record(**piece) : take_damage(**piece);
    }
    kept_[segment_] = entries_;
  }

  void take_record(const SegmentReader::Piece& piece) {
    ++out_.records;
    if (piece.header.type == RecordType::checkpoint) {
      parts_.clear();
      left_since_.clear();
    }
    for_each_item(
        piece.items, {segment_, static_cast<std::uint32_t>(piece.offset + record_header_size)},
        [&](Position at, const Item& item) { take_item(at, item); },
        [&](Position at, std::uint32_t size, const Error& error) {
          find(Finding::Kind::damage, segment_name(segment_), at.offset, size, error.message);
        });
  }

  void take_item(Position at, const Item& item) {
    if (const auto* message = std::get_if<MessageItem>(&item)) {
      ++out_.messages;
      for (const auto& target : message->targets)
        entries_[{target.queue, target.priority}].emplace_back(at.offset, message->number);
      if (!message->moved_from) return;
      for (const auto& target : message->targets) leave(target.queue, *message->moved_from);
    } else if (const auto* declared = std::get_if<QueueDeclaredItem>(&item)) {
      queues_[declared->queue] = declared->name;
    } else if (const auto* part = std::get_if<PartItem>(&item)) {
      parts_.push_back({*part, std::string(part->runs)});
    } else if (const auto* settled = std::get_if<SettledItem>(&item)) {
      leave(settled->place.queue, settled->place.at);
    } else if (const auto* purged = std::get_if<PurgedItem>(&item)) {
      std::erase_if(parts_, [&](const StatedPart& it) { return it.item.queue == purged->queue; });
    } else if (const auto* deleted = std::get_if<QueueDeletedItem>(&item)) {
      std::erase_if(parts_, [&](const StatedPart& it) { return it.item.queue == deleted->queue; });
    }
  }

  void leave(std::uint32_t queue, Position at) { ++left_since_[{queue, at.segment}]; }

  void take_damage(const SegmentReader::Piece& piece) {
    const auto name = segment_name(segment_);
    if (piece.is_zero || (is_last_ && piece.last_bytes && !piece.is_begun)) return;
    if (is_last_ && piece.last_bytes) {
      return find(Finding::Kind::unfinished, name, piece.offset, piece.size,
                  "the end of a write that nobody was told to be stored");
    }
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
        return !damaged && !std::binary_search(stored.begin(), stored.end(), std::pair(entry.offset, entry.number));
      });
      if (strange > 0) {
        find(Finding::Kind::damage, name, 0, 0,
             fmt::format("it lists {} messages of queue {} that its segment does not hold", strange,
                         queue_name(group.queue)));
      }
    }
  }

  /// What the newest checkpoint says is there, less what has left since.
  void verify_part(const StatedPart& part) {
    const auto& item = part.item;
    const auto left = left_since_[{item.queue, item.segment}];
    const auto runs = LiveRuns::decode(part.runs);
    if (!runs) return;
    const auto segment = kept_.find(item.segment);
    std::uint64_t found = 0;
    if (segment != kept_.end()) {
      for (const auto& [offset, number] : segment->second[{item.queue, item.priority}])
        found += runs->find(offset) != nullptr ? 1 : 0;
    } else {
      found = std::min<std::uint64_t>(left, item.count);  // it may go when all have left
    }
    if (found >= item.count) return;
    find(Finding::Kind::damage, segment_name(item.segment), 0, 0,
         fmt::format("{} of {} messages of queue {} are not to be found in it", item.count - found, item.count,
                     queue_name(item.queue)));
  }

  io::Disk& disk_;
  Verification out_;
  std::uint32_t segment_ = 0;
  bool is_last_ = false;
  std::map<std::uint32_t, std::string> queues_;
  std::map<Key, std::vector<std::pair<std::uint32_t, std::uint64_t>>> entries_;  // of the segment: offset, number
  std::map<std::uint32_t, std::map<Key, std::vector<std::pair<std::uint32_t, std::uint64_t>>>> kept_;
  std::vector<Damage> damage_;  // of the segment
  std::vector<StatedPart> parts_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> left_since_;  // the checkpoint; by queue, segment
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
  return std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.kind == Finding::Kind::damage || finding.kind == Finding::Kind::rebuildable;
  });
}

Result<Verification> verify(io::Disk& disk) {
  return Verifier(disk).run();
}

}  // namespace millrace::storage
