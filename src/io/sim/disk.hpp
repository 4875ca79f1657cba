#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "io/disk.hpp"

namespace millrace::io::sim {

/// What the power cut leaves of that which was not synced.
enum class Loss {
  everything,  ///< all of it is gone
  torn,        ///< the operations up to one of them are there; the last, if a write, only up to some byte
  scattered,   ///< of each write some sectors of 512 bytes are there; of the folder's changes those up to one of them
  nothing,     ///< all of it is there
};

/// A Disk in memory that can fail as disks do. Every operation that changes something, syncs included, is counted
/// and is a point at which the power can be cut: it is then half done or not, everything fails until power_on(), and
/// files opened before stay useless for good. Deterministic by seed.
class SimDisk final : public Disk {
 public:
  explicit SimDisk(std::uint64_t seed, std::uint64_t capacity = 1u << 30);
  ~SimDisk() override;

  // Disk
  Result<std::unique_ptr<File>> open(std::string_view name, Open how) override;
  Result<std::vector<std::string>> list() const override;
  Status remove(std::string_view name) override;
  Status rename(std::string_view from, std::string_view to) override;
  Status sync_folder() override;
  Result<std::uint64_t> free_space() const override;

  /// Counted operations since the beginning.
  std::uint64_t operations() const { return operations_; }
  /// The power is cut in the middle of that operation (the first is number 1).
  void cut_power_at(std::uint64_t operation) { cut_at_ = operation; }
  bool is_off() const { return off_; }
  /// The power comes back (also to a disk that was on: then it had been cut between two operations).
  void power_on(Loss loss);

  /// The sync of that number (files and folder counted together) fails, and nobody knows what it has done: what was
  /// written may be durable, or may be readable until the power goes and never be written by a later sync
  /// (https://lwn.net/Articles/752063/).
  void fail_sync(std::uint64_t sync) { failing_sync_ = sync; }
  bool sync_has_failed() const { return failing_sync_ && *failing_sync_ <= syncs_; }
  /// The sync of that number says that it is done, and is not: a broken program, which tests must catch.
  void skip_sync(std::uint64_t sync) { skipped_sync_ = sync; }
  /// Likewise the write of that number.
  void skip_write(std::uint64_t write) { skipped_write_ = write; }
  std::uint64_t syncs() const { return syncs_; }
  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }
  /// Flips one bit of what is stored; false if nothing is.
  bool flip_a_bit();

 private:
  struct Inode;
  struct FolderChange;
  class OpenFile;
  using Names = std::map<std::string, std::shared_ptr<Inode>, std::less<>>;

  Status begin_operation();
  Status sync(const std::function<void()>& make_durable, const std::function<void()>& give_up);
  Status write(Inode& inode, std::uint64_t offset, std::string_view data);
  Status allocate(Inode& inode, std::uint64_t size);
  std::size_t up_to(std::size_t count, Loss loss);
  void scatter(Inode& inode);
  void keep(Inode& inode, Loss loss);
  std::uint64_t used() const;
  std::uint64_t random(std::uint64_t below);

  std::mt19937_64 random_;
  std::uint64_t capacity_;
  Names names_;
  Names durable_names_;
  std::vector<FolderChange> changes_;  ///< of names, since the last sync_folder
  std::uint64_t operations_ = 0;
  std::uint64_t syncs_ = 0;
  std::optional<std::uint64_t> cut_at_;
  std::optional<std::uint64_t> failing_sync_;
  std::optional<std::uint64_t> skipped_sync_;
  std::uint64_t writes_ = 0;
  std::optional<std::uint64_t> skipped_write_;
  bool off_ = false;
  std::uint64_t boots_ = 0;
};

}  // namespace millrace::io::sim
