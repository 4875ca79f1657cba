#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "core/result.hpp"
#include "io/disk.hpp"

namespace millrace::storage {

/// The segments that there are, and the files of those in use: however large the log, few files are open.
class Segments {
 public:
  explicit Segments(io::Disk& disk) : disk_(disk) {}

  struct Segment {
    std::uint64_t size = 0;     ///< with what is still to be written
    std::uint64_t durable = 0;  ///< bytes on stable storage
    std::shared_ptr<io::File> file;
    std::uint64_t used_at = 0;
    std::shared_ptr<std::uint64_t> allocated;  ///< see Write; of one that is written in this run
  };

  void add(std::uint32_t number, Segment segment);
  void erase(std::uint32_t number);
  Segment* find(std::uint32_t number);
  /// Its file, opened if need be.
  Result<std::shared_ptr<io::File>> file(std::uint32_t number);
  void grow(Segment& segment, std::uint64_t bytes);

  const std::map<std::uint32_t, Segment>& all() const { return all_; }
  std::uint64_t size() const { return size_; }

 private:
  std::size_t open_count() const;
  /// Closes the file that was used longest ago; false if none can be.
  bool close_oldest();

  static constexpr std::size_t open_max = 32;

  io::Disk& disk_;
  std::map<std::uint32_t, Segment> all_;
  std::uint64_t size_ = 0;  // of all
  std::uint64_t uses_ = 0;
};

}  // namespace millrace::storage
