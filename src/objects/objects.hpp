#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/disk.hpp"
#include "objects/head.hpp"

namespace millrace::objects {

struct Limits {
  std::uint64_t size_max = 20'000'000'000;                       ///< bytes of all objects
  std::chrono::milliseconds keep = std::chrono::hours(24 * 30);  ///< an object that does not say how long
  std::uint64_t free_space_min = 256u << 20;                     ///< bytes that stay free on the disk
};

/// An object as it was found.
struct Found {
  std::string id;
  Head head;
  std::uint64_t size = 0;  ///< of its bytes
  std::unique_ptr<io::File> file;
  std::uint64_t offset = 0;  ///< where in the file they begin
};

class Objects;

/// An object on its way to the disk. One that is not finished leaves nothing.
class Upload {
 public:
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  /// What follows. Error::no_space: the disk is full, or Limits::size_max is reached.
  Status write(std::string_view piece);
  /// It is on stable storage, under its id, when this returns that.
  Result<std::string> finish();

 private:
  friend class Objects;
  Upload(Objects& all, std::string name, std::string flow, std::string id);

  Objects& all_;
  const std::string name_;  ///< of its file until it is finished
  const std::string flow_;
  const std::string id_;
  std::unique_ptr<io::File> file_;
  std::uint64_t written_ = 0;
  std::uint64_t synced_ = 0;
  bool finished_ = false;
};

/// Large bodies and attachments of installed components, each a file: "FLOW.ID", a head and the bytes. An object
/// belongs to a flow; for another one it is not there. An id says when the object is over; prune() removes it then.
/// Replacing one keeps its id and its end.
///
/// Guarantees: what finish() has returned is on stable storage; what was not finished when the process ended is removed
/// at the next start. Thread: one at a time, off the loop, for it blocks. The disk outlives it.
class Objects {
 public:
  static Result<std::unique_ptr<Objects>> open(io::Disk& disk, Limits limits);

  /// A new object; `keep` zero: as Limits::keep says. Error::no_space.
  Result<std::unique_ptr<Upload>> create(const std::string& flow, const Head& head, std::chrono::seconds keep);
  /// What takes the place of an object. Error::not_found.
  Result<std::unique_ptr<Upload>> replace(const std::string& flow, const std::string& id, const Head& head);
  /// Error::not_found: there is none for this flow, or it is over.
  Result<Found> find(const std::string& flow, const std::string& id, std::int64_t now) const;
  /// Those of the flow that have all these labels, without their files.
  Result<std::vector<Found>> select(const std::string& flow, const Labels& query, std::int64_t now) const;
  /// Error::not_found.
  Status remove(const std::string& flow, const std::string& id);
  /// Removes what is over at `now`, ms since the Unix epoch; how many.
  Result<std::size_t> prune(std::int64_t now);

  std::uint64_t bytes() const { return bytes_; }

 private:
  friend class Upload;
  Objects(io::Disk& disk, Limits limits) : disk_(disk), limits_(limits) {}
  Result<std::unique_ptr<Upload>> begin(const std::string& flow, std::string id, const Head& head);
  Status room_for(std::uint64_t bytes) const;
  Status forget(const std::string& name);

  io::Disk& disk_;
  const Limits limits_;
  std::uint64_t bytes_ = 0;  ///< of all files
  std::uint64_t uploads_ = 0;
};

}  // namespace millrace::objects
