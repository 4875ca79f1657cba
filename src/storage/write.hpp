#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "io/disk.hpp"

namespace millrace::storage {

/// Records on their way into one segment, one behind the other. They are written from where they were made: nothing
/// copies them into one buffer first.
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
  /// Where the last record ends.
  std::uint64_t end() const { return end_; }
  /// The items there and behind, up to the end of their record; nothing if none of this write's stand there.
  std::optional<std::string_view> items_at(std::uint64_t offset) const;

  /// Writes and syncs. The file grows in steps of at least `growth_min`, so that most syncs need not change its size;
  /// a segment that is complete is cut to what it holds.
  Status run(std::uint64_t growth_min) const;

 private:
  struct Record {
    std::uint64_t items_offset = 0;  ///< in the segment
    std::string head;
    std::string items;
  };

  /// Up to whole pages, with zeros that the next write overwrites: of a page that is written in part the system would
  /// first have to read the rest.
  std::size_t padding() const;
  void make_room(std::uint64_t growth_min) const;

  Target target_;
  std::uint64_t begin_;
  std::uint64_t end_;
  std::vector<Record> records_;
  bool ends_ = false;
};

}  // namespace millrace::storage
