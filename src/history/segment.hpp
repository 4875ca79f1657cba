#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "core/result.hpp"
#include "history/record.hpp"

namespace millrace::history {

/// Who tells.
struct Source {
  std::string flow;
  std::int64_t version = 0;
  std::string step;
  std::string worker = {};  ///< empty: the platform itself

  friend auto operator<=>(const Source&, const Source&) = default;
};

/// A file NNNNNNNN.history is chunks, each a batch of records of one source:
///
///   "MRH1" · u32 size of what follows the checksum · u64 XXH3 of it ·
///   source (flow, step, worker: varint size and text; version: varint) · records (encode)
///
/// Numbers are little-endian. A chunk that is not whole, or does not match its checksum, and all after it, was never
/// written.
namespace chunk {
inline constexpr std::size_t head_size = 16;
inline constexpr std::size_t size_max = 64u << 20;
/// Appends a chunk; `records` are framed records.
void append(std::string& to, const Source& source, std::string_view records);
struct Read {
  Source source;
  std::string_view records;
  std::size_t records_at = 0;  ///< offset in `bytes`
  std::size_t size = 0;        ///< of the whole chunk
};
/// The chunk at the beginning of `bytes`.
std::optional<Read> read(std::string_view bytes);
}  // namespace chunk

/// What is known of a record without reading it. 32 bytes; as it is in memory and in index files.
struct Entry {
  std::uint64_t execution = 0;  ///< key_of
  std::int64_t at = 0;
  std::uint32_t offset = 0;  ///< of the framed record in its file
  std::uint32_t size = 0;    ///< with its frame
  std::uint32_t spawned = 0;
  std::uint16_t source = 0;  ///< place in SegmentIndex::sources
  Record::Kind kind = Record::Kind::done;
  std::uint8_t flags = 0;

  static constexpr std::uint8_t whole = 1;
  static constexpr std::uint8_t retried = 2;
  bool is(std::uint8_t flag) const { return (flags & flag) != 0; }
  bool is_failure() const { return kind == Record::Kind::failed || kind == Record::Kind::rebound; }
  /// Whether the step is through with the message.
  bool is_final() const {
    return kind == Record::Kind::done || kind == Record::Kind::filtered || kind == Record::Kind::failed;
  }
};
static_assert(sizeof(Entry) == 32);

/// Which executions a segment may know: a Bloom filter of 64 KiB, so that those that do not are not read.
class ExecutionFilter {
 public:
  static constexpr std::size_t words = 8'192;
  void add(std::uint64_t execution);
  bool may_have(std::uint64_t execution) const;
  const std::vector<std::uint64_t>& bits() const { return bits_; }
  std::vector<std::uint64_t>& bits() { return bits_; }

 private:
  std::vector<std::uint64_t> bits_ = std::vector<std::uint64_t>(words);
};

/// All entries of one segment in the order of its file, and by execution.
class SegmentIndex {
 public:
  static constexpr std::size_t sources_max = 60'000;

  /// Reads the records of a chunk that lies at `offset` of the file. Stops at the first that is malformed.
  void add(const Source& source, std::string_view records, std::uint64_t offset);

  const std::vector<Entry>& entries() const { return entries_; }
  const Source& source(const Entry& entry) const { return sources_[entry.source]; }
  std::size_t source_count() const { return sources_.size(); }
  /// Places of the execution's entries, in the order of the file.
  std::vector<std::uint32_t> find(std::uint64_t execution) const;
  std::size_t memory() const { return entries_.size() * (sizeof(Entry) + sizeof(std::uint32_t)); }

  /// The index file NNNNNNNN.index: "MRI1", version, counts, the filter, sources, entries, XXH3 of all that.
  std::string to_file(const ExecutionFilter& filter) const;
  /// Error::damaged: it is made anew from the segment.
  static Result<SegmentIndex> from_file(std::string_view bytes, ExecutionFilter& filter);

 private:
  std::uint16_t place_of(const Source& source);

  std::vector<Entry> entries_;
  std::vector<Source> sources_;
  std::map<Source, std::uint16_t> places_;
  mutable std::vector<std::uint32_t> by_execution_;  ///< sorted when it is asked for
};

}  // namespace millrace::history
