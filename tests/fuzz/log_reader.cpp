// Arbitrary bytes as a segment, a sidecar, runs: whatever stands on the disk, reading it ends, in bounds, and what it
// takes for a message is one.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "io/sim/disk.hpp"
#include "storage/live_runs.hpp"
#include "storage/record.hpp"
#include "storage/segment_index.hpp"
#include "storage/segment_reader.hpp"
#include "storage/verify.hpp"

using namespace millrace;

namespace {

void put(io::sim::SimDisk& disk, std::string_view name, std::string_view bytes) {
  auto file = disk.open(name, io::Disk::Open::create_new);
  if (!file || !(*file)->write_at(0, bytes)) std::abort();
}

/// A segment with a good header and the bytes as items of a record with good checksums, so that the fuzzer gets
/// behind them.
std::string wrapped(std::string_view items) {
  auto bytes = storage::segment_header({1, 9});
  const std::string padded = std::string(items) + std::string((8 - items.size() % 8) % 8, '\0');
  bytes += storage::record_header(storage::RecordType::transaction, {1, 9}, 1, padded) + padded;
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0: {
      io::sim::SimDisk disk(1);
      put(disk, storage::segment_name(1), bytes);
      put(disk, storage::index_name(1), bytes);
      if (!storage::verify(disk)) std::abort();
      break;
    }
    case 1: {
      io::sim::SimDisk disk(1);
      const auto segment = wrapped(bytes);
      put(disk, storage::segment_name(1), segment);
      if (!storage::verify(disk)) std::abort();
      auto file = disk.open(storage::segment_name(1), io::Disk::Open::existing);
      const auto index = storage::make_index(**file, 1, segment.size());
      if (!index) std::abort();
      const auto again = storage::decode_index(storage::encode_index(*index), 1);
      if (!again || again->groups.size() != index->groups.size()) std::abort();
      for (std::size_t i = 0; i < index->groups.size(); ++i) {
        if (again->groups[i].entries != index->groups[i].entries) std::abort();
      }
      break;
    }
    case 2:
      (void)storage::decode_index(bytes, 1);
      break;
    default: {
      auto runs = storage::LiveRuns::decode(bytes);
      if (!runs) break;
      if (!(storage::LiveRuns::decode(runs->encode())->runs() == runs->runs())) std::abort();
      const auto before = runs->runs();
      for (const auto& run : before) {
        (void)runs->mark_lost(run.first, 7);
        (void)runs->remove(run.last);
      }
    }
  }
  return 0;
}
