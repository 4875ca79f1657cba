#pragma once

#include "io/disk.hpp"
#include "io/posix/sync_times.hpp"

namespace millrace::io::posix {

/// A folder of the file system. One process at a time uses it: it is locked with flock(2), and the lock file says whose
/// it is.
class PosixDisk final : public Disk {
 public:
  /// Creates the folder (mode 0700) where it is missing. Error::conflict names the process that uses it; other errors
  /// name the folder and the mend.
  static Result<std::unique_ptr<PosixDisk>> open(const std::string& path);
  /// Only to read what is there: nothing is created, nothing is locked, another process may be at work in it.
  static Result<std::unique_ptr<PosixDisk>> look_at(const std::string& path);
  ~PosixDisk() override;

  Result<std::unique_ptr<File>> open(std::string_view name, Open how) override;
  Result<std::vector<std::string>> list() const override;
  Status remove(std::string_view name) override;
  Status rename(std::string_view from, std::string_view to) override;
  Status sync_folder() override;
  Result<std::uint64_t> free_space() const override;

  // For operators; from any thread.
  struct Usage {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;
  };
  Usage usage() const;
  const SyncTimes& sync_times() const { return *sync_times_; }

 private:
  PosixDisk(std::string path, int folder, int lock) : path_(std::move(path)), folder_(folder), lock_(lock) {}

  std::string path_;
  int folder_;
  int lock_;                                                               ///< -1: only to read
  std::shared_ptr<SyncTimes> sync_times_ = std::make_shared<SyncTimes>();  // also its files'
};

}  // namespace millrace::io::posix
