#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "io/disk.hpp"

namespace millrace::storage {

/// Files of segments of which nothing is needed any more, kept to be segments again. Their blocks have been written: a
/// sync of what is written over them has only the data to wait for, while new blocks, also those that were allocated
/// ahead, cost the file system a commit of its journal. They go when the disk is short of space. Thread: the loop's;
/// renames are done at once.
class SpareFiles {
 public:
  /// Files of half to twice the size of a segment are kept.
  SpareFiles(io::Disk& disk, std::uint64_t segment_size) : disk_(disk), segment_size_(segment_size) {}

  /// What an earlier run has kept; false if it is not wanted.
  bool adopt(std::uint32_t number, std::uint64_t size);
  /// Takes the file of a segment that goes; false if it is not wanted: the caller removes it.
  bool keep(std::uint32_t segment, std::uint64_t size);

  struct Taken {
    std::unique_ptr<io::File> file;
    std::uint64_t size = 0;
  };
  /// One of them, named as that segment is now. What it held is still in it. Nothing if there is none. The new name is
  /// to be made durable before anything is written.
  std::optional<Taken> take(std::uint32_t segment);
  /// Keeps none of them any more; their names, for the caller to remove.
  std::vector<std::string> give_up();

 private:
  struct Spare {
    std::uint32_t number = 0;
    std::uint64_t size = 0;
  };

  static constexpr std::size_t count_max = 2;

  bool wants(std::uint64_t size) const;

  io::Disk& disk_;
  const std::uint64_t segment_size_;
  std::vector<Spare> spares_;
};

}  // namespace millrace::storage
