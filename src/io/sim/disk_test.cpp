#include "io/sim/disk.hpp"

#include <doctest/doctest.h>

using namespace millrace::io;
using sim::Loss;
using sim::SimDisk;

namespace {

std::string content(SimDisk& disk, std::string_view name) {
  auto file = disk.open(name, Disk::Open::existing);
  if (!file) return "none";
  return *(*file)->read_at(0, 1'000'000);
}

std::unique_ptr<File> made(SimDisk& disk, std::string_view name) {
  auto file = disk.open(name, Disk::Open::create_new);
  REQUIRE(file);
  return std::move(*file);
}

}  // namespace

TEST_CASE("only what was synced, name and content, outlives the power") {
  SimDisk disk(1);
  const auto kept = made(disk, "kept");
  REQUIRE(kept->write_at(0, "first"));
  REQUIRE(kept->sync());
  REQUIRE(disk.sync_folder());
  REQUIRE(kept->write_at(5, " second"));
  const auto unnamed = made(disk, "unnamed");
  REQUIRE(unnamed->write_at(0, "x"));
  REQUIRE(unnamed->sync());
  CHECK(content(disk, "kept") == "first second");
  disk.power_on(Loss::everything);
  CHECK(content(disk, "kept") == "first");
  CHECK(content(disk, "unnamed") == "none");
  CHECK_FALSE(kept->write_at(0, "late"));
}

TEST_CASE("the power is cut in the middle of one operation") {
  SimDisk disk(1);
  const auto file = made(disk, "f");
  REQUIRE(disk.sync_folder());
  disk.cut_power_at(4);
  REQUIRE(file->write_at(0, "a"));
  CHECK_FALSE(disk.is_off());
  CHECK_FALSE(file->write_at(1, "b"));
  CHECK(disk.is_off());
  CHECK_FALSE(file->sync());
  CHECK_FALSE(disk.list());
  disk.power_on(Loss::nothing);
  CHECK(content(disk, "f") == "ab");
}

TEST_CASE("a torn write is there up to some byte, a scattered one by sectors") {
  bool seen_part = false;
  bool seen_hole = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimDisk torn(seed);
    const auto file = made(torn, "f");
    REQUIRE(torn.sync_folder());
    REQUIRE(file->write_at(0, std::string(1000, 'x')));
    torn.power_on(Loss::torn);
    const auto left = content(torn, "f");
    CHECK(left == std::string(left.size(), 'x'));
    seen_part = seen_part || (!left.empty() && left.size() < 1000);

    SimDisk scattered(seed);
    const auto other = made(scattered, "f");
    REQUIRE(scattered.sync_folder());
    REQUIRE(other->write_at(0, std::string(2048, 'x')));
    scattered.power_on(Loss::scattered);
    const auto pieces = content(scattered, "f");
    seen_hole = seen_hole || pieces.find(std::string(512, '\0') + "x") != std::string::npos;
  }
  CHECK(seen_part);
  CHECK(seen_hole);
}

TEST_CASE("syncs that fail or lie, and a full disk") {
  SimDisk disk(1, 10);
  const auto file = made(disk, "f");
  REQUIRE(disk.sync_folder());
  disk.skip_sync(2);
  disk.fail_sync(3);
  REQUIRE(file->write_at(0, "12345"));
  CHECK(file->sync());
  CHECK_FALSE(file->sync());
  CHECK_FALSE(file->write_at(5, "678901"));
  CHECK(*disk.free_space() <= 5);
}
