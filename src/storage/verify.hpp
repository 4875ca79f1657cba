#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "io/disk.hpp"

namespace millrace::storage {

/// Something that is not as it should be, and what that means for the messages.
struct Finding {
  enum class Kind {
    damage,       ///< what was stored cannot be read; it is lost, its neighbours are not
    rebuildable,  ///< a sidecar that will be made anew from its segment
    unfinished,   ///< the end of the last write: after a crash, or while a broker runs
    kept_aside,   ///< a copy of damage that a start has found
  };
  Kind kind = Kind::damage;
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::string what;
};
std::string_view to_string(Finding::Kind kind);

struct Verification {
  std::uint64_t segments = 0;
  std::uint64_t sidecars = 0;
  std::uint64_t records = 0;
  std::uint64_t messages = 0;  ///< stored, also those that have left since
  std::uint64_t bytes = 0;
  std::vector<Finding> findings;

  bool is_sound() const;
};

/// Reads a log whole and checks every segment, record, message and sidecar, and that what the newest checkpoint says is
/// there. Changes nothing. A broker may be at work in the folder meanwhile: files that it removes are passed over.
/// Error if the folder cannot be listed. Thread: any; it blocks for as long as reading takes.
Result<Verification> verify(io::Disk& disk);

}  // namespace millrace::storage
