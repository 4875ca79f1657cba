#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace millrace::io {

/// One open file. Not thread-safe, but may be handed from thread to thread.
class File {
 public:
  virtual ~File() = default;
  /// Writes all of the pieces at `offset`, one behind the other. On failure any part of them may have been written.
  virtual Status write_at(std::uint64_t offset, std::span<const std::string_view> pieces) = 0;
  Status write_at(std::uint64_t offset, std::string_view data) { return write_at(offset, std::span(&data, 1)); }
  /// Reads up to `size` bytes; fewer only at the end of the file.
  virtual Result<std::string> read_at(std::uint64_t offset, std::size_t size) const = 0;
  /// What was written before is on stable storage when this returns Done (fdatasync). After a failure nothing is known
  /// about what was written since the last success; see "fsyncgate", https://lwn.net/Articles/752063/.
  virtual Status sync() = 0;
  /// What is read after this is on stable storage: syncs, and forgets what the system has only in memory because an
  /// earlier sync of it, perhaps by a process that is gone, has failed.
  virtual Status settle() = 0;
  virtual Status truncate(std::uint64_t size) = 0;
  /// Makes the file at least that large, with zeros: what is written there later is synced in half the time, because it
  /// does not change the file's size (fallocate). Where a file system cannot do that, nothing happens.
  virtual Status allocate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
};

/// One data folder. Names are relative to it and hold no "..".
class Disk {
 public:
  enum class Open { existing, create_new };

  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<File>> open(std::string_view name, Open how) = 0;
  /// Names of the files in the folder, sorted.
  virtual Result<std::vector<std::string>> list() const = 0;
  virtual Status remove(std::string_view name) = 0;
  virtual Status rename(std::string_view from, std::string_view to) = 0;
  /// Makes creations, removals and renames durable.
  virtual Status sync_folder() = 0;
  /// Bytes that may still be written.
  virtual Result<std::uint64_t> free_space() const = 0;
};

}  // namespace millrace::io
