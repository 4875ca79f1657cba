#include "storage/segment_reader.hpp"

#include <string>

#include <doctest/doctest.h>

#include "io/sim/disk.hpp"

namespace millrace::storage {

TEST_CASE("a segment that was cut off before the size it should have is damage up to that size, and read to its end") {
  io::sim::SimDisk disk(1);
  auto file = disk.open("segment", io::Disk::Open::create_new);
  REQUIRE(file);
  REQUIRE((*file)->write_at(0, std::string(5'000, 'x')));
  SegmentReader reader(**file, 7, 40'000);
  const auto damage = reader.next();
  REQUIRE(damage);
  REQUIRE(damage->has_value());
  CHECK_FALSE((*damage)->is_record);
  CHECK((*damage)->size == 40'000);
  CHECK((*damage)->last_bytes);
  CHECK_FALSE((*damage)->is_zero);
  const auto end = reader.next();
  REQUIRE(end);
  CHECK_FALSE(end->has_value());
}

TEST_CASE("a damaged header does not make the records behind it unreadable") {
  std::string items;
  encode(items, NextIdsItem{1, 1});
  for (std::size_t damaged = 0; damaged < segment_header_size; ++damaged) {
    CAPTURE(damaged);
    auto bytes = segment_header({7, 0x1234'5678'9abc'def0});
    bytes += record_header(RecordType::checkpoint, {7, 0x1234'5678'9abc'def0}, 1, items) + items;
    bytes[damaged] = static_cast<char>(~bytes[damaged]);
    io::sim::SimDisk disk(1);
    auto file = disk.open("segment", io::Disk::Open::create_new);
    REQUIRE(file);
    REQUIRE((*file)->write_at(0, bytes));
    SegmentReader reader(**file, 7, bytes.size());
    const auto version = reader.header();
    REQUIRE(version);
    CHECK_FALSE(version->has_value());
    const auto header = reader.next();
    REQUIRE(header);
    CHECK_FALSE((*header)->is_record);
    const auto record = reader.next();
    REQUIRE(record);
    REQUIRE(record->has_value());
    CHECK((*record)->is_record);
  }
}

}  // namespace millrace::storage
