#include "storage/segment_index.hpp"

#include <doctest/doctest.h>

#include "io/sim/disk.hpp"
#include "storage/items.hpp"
#include "storage/record.hpp"

namespace millrace::storage {
namespace {

SegmentIndex sample() {
  SegmentIndex index{7, 123'456, {}};
  index.groups.push_back({1, 0, {{10, 0, 96, 300, true}, {11, 5'000, 480, 301, false}, {3, 0, 800, 5, true}}});
  index.groups.push_back({1, 4, {{12, 0, 1'024, 0, true}}});
  index.groups.push_back({9, 0, {{13, 9'000'000'000'000, 0x7fff'fff8, 0xffff'ffff, false}}});
  return index;
}

}  // namespace

TEST_CASE("a sidecar reads back as it was written, whole or by queue and priority") {
  const auto index = sample();
  const auto bytes = encode_index(index);
  const auto again = decode_index(bytes, 7);
  REQUIRE(again);
  CHECK(again->segment_size == 123'456);
  REQUIRE(again->groups.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(again->groups[i].entries == index.groups[i].entries);
  io::sim::SimDisk disk(1);
  auto file = disk.open(index_name(7), io::Disk::Open::create_new);
  REQUIRE(file);
  REQUIRE((*file)->write_at(0, bytes));
  CHECK(*read_index_group(**file, 7, 1, 4) == index.groups[1].entries);
  CHECK(read_index_group(**file, 7, 2, 0)->empty());
  CHECK_FALSE(read_index_group(**file, 8, 1, 4));
}

TEST_CASE("a sidecar with any one bit flipped is not taken for one") {
  const auto bytes = encode_index(sample());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(decode_index(flipped, 7));
  }
}

TEST_CASE("a sidecar is made anew from its segment, without what is damaged there") {
  auto bytes = segment_header({1, 9});
  for (std::uint64_t number = 1; number <= 3; ++number) {
    MessageItem item;
    item.number = number;
    item.body = "body";
    item.targets = {{5, 0, target_counted, 0, 0}, {6, 0, target_counted, 2, 77}};
    std::string items;
    encode(items, item);
    bytes += record_header(RecordType::transaction, {1, 9}, 1, items) + items;
    if (number == 2) bytes.back() = static_cast<char>(bytes.back() ^ 1);
  }
  io::sim::SimDisk disk(1);
  auto file = disk.open(segment_name(1), io::Disk::Open::create_new);
  REQUIRE(file);
  REQUIRE((*file)->write_at(0, bytes));
  const auto index = make_index(**file, 1, bytes.size());
  REQUIRE(index);
  const auto* group = index->find(6, 2);
  REQUIRE(group != nullptr);
  REQUIRE(group->entries.size() == 2);
  CHECK(group->entries[0].number == 1);
  CHECK(group->entries[1].number == 3);
  CHECK(group->entries[1].expires_at == 77);
  CHECK(index->find(5, 2) == nullptr);
}

}  // namespace millrace::storage
