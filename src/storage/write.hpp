#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "io/disk.hpp"

namespace millrace::storage {

/// Records on their way into one segment, one behind the other. Large ones are written from where they were made, small
/// ones are put behind those before them first.
class Write {
 public:
  struct Target {
    std::uint32_t segment = 0;
    std::shared_ptr<io::File> file;
    std::shared_ptr<std::uint64_t> allocated;  ///< bytes of the file; used only where the writes are made
  };

  Write(Target target, std::uint64_t offset) : target_(std::move(target)), begin_(offset), end_(offset) {}

  /// Adds a record: its header, with what stands before it, and its items.
  void add(std::string head, std::string items);
  /// The segment is complete with what has been added.
  void end_segment() { ends_ = true; }

  std::uint32_t segment() const { return target_.segment; }
  std::uint64_t size() const { return end_ - begin_; }
  /// Where the last record ends.
  std::uint64_t end() const { return end_; }
  /// What stands there and behind, at least up to the end of the record; nothing if no items of this write stand there.
  std::optional<std::string_view> items_at(std::uint64_t offset) const;

  /// Writes and syncs. The file grows in steps of at least `growth_min`, so that most syncs need not change its size;
  /// a segment that is complete is cut to what it holds.
  Status run(std::uint64_t growth_min) const;

 private:
  /// A record, or small ones up to `joint_max` bytes.
  struct Piece {
    std::uint64_t items_offset = 0;  ///< in the segment
    std::string head;
    std::string items;  ///< of small ones after the first with their heads
  };

  static constexpr std::size_t small_max = 1u << 10;
  static constexpr std::size_t joint_max = 16u << 10;

  /// Up to whole pages, with zeros that the next write overwrites: of a page that is written in part the system would
  /// first have to read the rest.
  std::size_t padding() const;
  void make_room(std::uint64_t growth_min) const;

  Target target_;
  std::uint64_t begin_;
  std::uint64_t end_;
  std::vector<Piece> pieces_;
  bool ends_ = false;
};

}  // namespace millrace::storage
