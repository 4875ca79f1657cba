#include "storage/log.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "io/sim/disk.hpp"
#include "io/sim/loop.hpp"
#include "storage/record.hpp"

namespace millrace::storage {
namespace {

constexpr std::uint64_t segment_size = 16 << 10;

/// A log of small segments on a simulated disk; what it holds are messages that are told by their numbers.
class Site {
 public:
  Site() { open(); }

  void open() {
    log.reset();
    replayed.clear();
    auto opened = Log::open(loop, disk, offload, {segment_size}, [this](Position, std::uint64_t, const Item& item) {
      if (const auto* message = std::get_if<MessageItem>(&item)) replayed.push_back(message->number);
    });
    REQUIRE(opened);
    log = std::move(*opened);
    Log::Owner owner;
    owner.checkpoint = [] {
      std::string items;
      encode(items, NextIdsItem{1, 1});
      return items;
    };
    owner.index = [](std::uint32_t segment) { return SegmentIndex{segment, 0, {}}; };
    REQUIRE(log->begin(std::move(owner)));
    log->after_pending([](const Status&) {});
    loop.run_tasks();
  }

  void cut_power() {
    disk.power_on(io::sim::Loss::nothing);
    open();
  }

  /// Whatever the loop would do is not done yet.
  Position begin_to_append(std::uint64_t number, std::string_view body, Log::Applied applied) {
    MessageItem item;
    item.number = number;
    item.body = body;
    item.targets = {{1, 0, target_counted, 0, 0}};
    std::string items;
    encode(items, item);
    return log->append(std::move(items), true, std::move(applied));
  }

  void append(std::uint64_t number, std::string_view body) {
    Status stored = Error{Error::Kind::io, "not told"};
    begin_to_append(number, body, [&](Status status) { stored = std::move(status); });
    loop.run_tasks();
    REQUIRE(stored);
  }

  /// Appends until that segment is written, and nothing in it yet.
  void fill_until(std::uint32_t segment) {
    while (log->current_segment() < segment) append(1, std::string(600, 'x'));
    loop.run_tasks();
  }

  bool has(const std::string& name) {
    const auto names = disk.list();
    return names && std::find(names->begin(), names->end(), name) != names->end();
  }
  std::uint64_t size(const std::string& name) {
    auto file = disk.open(name, io::Disk::Open::existing);
    REQUIRE(file);
    return *(*file)->size();
  }
  bool has_set_something_aside() {
    const auto names = disk.list();
    return std::any_of(names->begin(), names->end(),
                       [](const std::string& name) { return name.find(".damaged-") != std::string::npos; });
  }

  io::sim::SimDisk disk{1};
  io::sim::SimLoop loop;
  io::sim::SimOffload offload{loop};
  std::unique_ptr<Log> log;
  std::vector<std::uint64_t> replayed;  ///< by the last start
};

}  // namespace

TEST_CASE("the file of a segment that is gone becomes a new segment's, and what it held is not read") {
  Site site;
  site.fill_until(4);
  site.log->remove(1);
  CHECK(site.has(spare_name(1)));
  site.fill_until(5);
  CHECK_FALSE(site.has(spare_name(1)));
  CHECK(site.size(segment_name(5)) > segment_size);
  site.append(71, "first");
  site.append(72, "second");
  site.cut_power();
  CHECK(site.replayed == std::vector<std::uint64_t>{71, 72});
  CHECK_FALSE(site.has_set_something_aside());
}

TEST_CASE("a body that looks like a record of a later segment is not taken for one when its file is that segment's") {
  std::string items;
  MessageItem forged;
  forged.number = 666;
  forged.targets = {{1, 0, target_counted, 0, 0}};
  encode(items, forged);
  std::string body;
  for (int shift = 0; shift < 8; ++shift) {  // wherever the body begins, one of them stands at a multiple of 8
    body += record_header(RecordType::transaction, {5, 0}, 1, items) + items;
    body += 'x';
  }
  REQUIRE(read_record(body, {5, 0}));
  Site site;
  while (site.log->current_segment() < 2) site.append(1, body);
  site.fill_until(4);
  site.log->remove(1);
  site.fill_until(5);
  site.append(71, "own");
  site.cut_power();
  CHECK(site.replayed == std::vector<std::uint64_t>{71});
}

TEST_CASE("what has only been appended is read, also while zeros that it will overwrite are on their way") {
  Site site;
  const auto nobody = [](const Status&) {};
  const auto first =
      site.begin_to_append(71, "body", nobody);  // written with zeros behind it, and the write is not done
  const auto second = site.begin_to_append(72, "body", nobody);  // waits for the write
  for (const auto& [at, number] : {std::pair(first, 71u), std::pair(second, 72u)}) {
    const auto found = site.log->read(at);
    REQUIRE(found);
    CHECK(found->number == number);
  }
}

TEST_CASE("who commits one by one is stored before the call returns, and told after it") {
  Site site;
  const auto is_stored_at_once = [&] {
    site.loop.run_for(std::chrono::milliseconds(1));
    const auto syncs = site.disk.syncs();
    bool told = false;
    site.begin_to_append(1, "body", [&](const Status& status) { told = static_cast<bool>(status); });
    CHECK_FALSE(told);
    const bool stored = site.disk.syncs() > syncs;
    site.loop.run_tasks();
    CHECK(told);
    return stored;
  };
  for (int i = 0; i < 8; ++i) CHECK_FALSE(is_stored_at_once());
  CHECK(is_stored_at_once());
  site.begin_to_append(1, "body", [](const Status&) {});
  site.begin_to_append(1, "body", [](const Status&) {});  // waits behind it
  site.loop.run_tasks();
  CHECK_FALSE(is_stored_at_once());
}

TEST_CASE("a last segment of which the beginning is gone is kept aside") {
  Site site;
  site.append(71, "stored");
  const auto name = segment_name(site.log->current_segment());
  auto file = site.disk.open(name, io::Disk::Open::existing);
  REQUIRE(file);
  REQUIRE((*file)->write_at(0, std::string(512, 'z')));
  REQUIRE((*file)->sync());
  site.cut_power();
  CHECK(site.has(name + ".damaged-0"));
}

TEST_CASE("a spare file outlives the process, and goes when space is short") {
  Site site;
  site.fill_until(4);
  site.log->remove(1);
  site.cut_power();  // begins segment 5
  CHECK_FALSE(site.has(spare_name(1)));
  CHECK(site.size(segment_name(5)) > segment_size);
  site.fill_until(7);
  site.log->remove(2);
  CHECK(site.has(spare_name(2)));
  site.log->give_up_spares();
  site.loop.run_tasks();
  CHECK_FALSE(site.has(spare_name(2)));
}

}  // namespace millrace::storage
