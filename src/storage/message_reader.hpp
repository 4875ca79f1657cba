#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "storage/items.hpp"
#include "storage/segments.hpp"

namespace millrace::storage {

/// Reads messages back from segments. Asked for one after another, it reads ahead, twice as far each time, so
/// that a backlog which is delivered in order costs few reads, and one that expires in any order costs small ones. What
/// it keeps is bounded.
class MessageReader {
 public:
  explicit MessageReader(Segments& segments) : segments_(segments) {}

  /// The message whose item begins there, checked; views are valid until the next call.
  Result<MessageItem> read(Position at);
  /// The message at the beginning of bytes that are not in their file yet.
  static Result<MessageItem> decode(std::string_view bytes);
  void forget(std::uint32_t segment);

 private:
  struct Chunk {
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
    std::string bytes;
    /// What it holds from there on, or nothing.
    std::string_view from(Position at) const;
  };

  /// How much to read there; more than chunk_min if it goes on from a chunk that is kept.
  std::size_t size_to_read(Position at) const;
  std::string_view keep(Chunk chunk);

  static constexpr std::size_t chunk_min = 8u << 10;
  static constexpr std::size_t chunk_max = 256u << 10;
  static constexpr std::size_t chunks_max = 16;

  Segments& segments_;
  std::list<Chunk> chunks_;  // the last used first, those that were used once not before the middle
};

}  // namespace millrace::storage
