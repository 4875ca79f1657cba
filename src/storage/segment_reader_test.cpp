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
  CHECK_FALSE((*damage)->is_unused);
  const auto end = reader.next();
  REQUIRE(end);
  CHECK_FALSE(end->has_value());
}

}  // namespace millrace::storage
