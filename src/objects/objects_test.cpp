#include "objects/objects.hpp"

#include <doctest/doctest.h>

#include "io/sim/disk.hpp"

using namespace millrace;
using namespace std::chrono_literals;
using io::sim::SimDisk;
using objects::Head;
using objects::Limits;
using objects::Objects;

namespace {

constexpr std::int64_t day = 86'400'000;

Head head_at(std::int64_t now, objects::Labels query = {}) {
  return {"text/plain", now, std::move(query), {{"name", "ü \"quoted\""}}};
}

std::string put(Objects& all, const std::string& flow, std::string_view bytes, const Head& head = head_at(0),
                std::chrono::seconds keep = 0s) {
  auto upload = all.create(flow, head, keep);
  REQUIRE(upload);
  REQUIRE((*upload)->write(bytes));
  auto id = (*upload)->finish();
  REQUIRE(id);
  return *id;
}

std::string bytes_of(Objects& all, const std::string& flow, const std::string& id, std::int64_t now = 1) {
  const auto found = all.find(flow, id, now);
  REQUIRE(found);
  return *found->file->read_at(found->offset, found->size);
}

bool is_missing(const Result<objects::Found>& found) {
  return !found && found.error().kind == Error::Kind::not_found;
}

}  // namespace

TEST_CASE("an object is found by its id, for its flow only") {
  SimDisk disk(1);
  auto all = *Objects::open(disk, {});
  const auto id = put(*all, "orders", "the bytes");
  CHECK(bytes_of(*all, "orders", id) == "the bytes");
  const auto found = all->find("orders", id, 1);
  CHECK(found->head.content_type == "text/plain");
  CHECK(found->head.meta == objects::Labels{{"name", "ü \"quoted\""}});
  CHECK(is_missing(all->find("invoices", id, 1)));
  CHECK(is_missing(all->find("orders", "../orders." + id, 1)));
  CHECK(is_missing(all->find("orders", "", 1)));
  REQUIRE(all->remove("orders", id));
  CHECK(is_missing(all->find("orders", id, 1)));
  CHECK(all->remove("orders", id).error().kind == Error::Kind::not_found);
  CHECK(all->bytes() == 0);
}

TEST_CASE("objects are found by their labels") {
  SimDisk disk(1);
  auto all = *Objects::open(disk, {});
  const auto one = put(*all, "orders", "1", head_at(0, {{"customer", "7"}, {"kind", "pdf"}}));
  put(*all, "orders", "2", head_at(0, {{"customer", "8"}}));
  put(*all, "other", "3", head_at(0, {{"customer", "7"}}));
  const auto found = all->select("orders", {{"customer", "7"}}, 1);
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().id == one);
  CHECK(all->select("orders", {{"customer", "7"}, {"kind", "xml"}}, 1)->empty());
}

TEST_CASE("what is put in an object's place has its id and its end") {
  SimDisk disk(1);
  auto all = *Objects::open(disk, {});
  const auto id = put(*all, "orders", "before");
  const auto size = all->bytes();
  auto upload = all->replace("orders", id, head_at(5));
  REQUIRE(upload);
  REQUIRE((*upload)->write("after!"));
  CHECK(bytes_of(*all, "orders", id) == "before");
  CHECK(*(*upload)->finish() == id);
  CHECK(bytes_of(*all, "orders", id) == "after!");
  CHECK(all->bytes() == size);
  CHECK(all->replace("other", id, head_at(5)).error().kind == Error::Kind::not_found);
}

TEST_CASE("an object is over when it says, or after the time that all are kept") {
  SimDisk disk(1);
  Limits limits;
  limits.keep = 48h;
  auto all = *Objects::open(disk, limits);
  const auto brief = put(*all, "orders", "brief", head_at(0), 3600s);
  const auto usual = put(*all, "orders", "usual");
  CHECK(is_missing(all->find("orders", brief, day)));
  CHECK(bytes_of(*all, "orders", usual, day) == "usual");
  CHECK(*all->prune(day) == 1);
  CHECK(disk.list()->size() == 1);
  CHECK(*all->prune(2 * day) == 1);
  CHECK(all->bytes() == 0);
}

TEST_CASE("a full disk and a full storage refuse what comes, and keep what is there") {
  SimDisk disk(1, 1'000'000);
  Limits limits;
  limits.free_space_min = 500'000;
  auto all = *Objects::open(disk, limits);
  const auto id = put(*all, "orders", std::string(100'000, 'x'));
  {
    auto upload = all->create("orders", head_at(0), 0s);
    REQUIRE(upload);
    REQUIRE((*upload)->write(std::string(300'000, 'x')));
    const auto refused = (*upload)->write(std::string(300'000, 'x'));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Error::Kind::no_space);
  }
  CHECK(disk.list()->size() == 1);
  CHECK(bytes_of(*all, "orders", id).size() == 100'000);
  limits = {};
  limits.free_space_min = 0;
  limits.size_max = 100'500;
  all = *Objects::open(disk, limits);
  auto upload = all->create("orders", head_at(0), 0s);
  REQUIRE(upload);
  CHECK((*upload)->write(std::string(1'000, 'x')).error().kind == Error::Kind::no_space);
}

TEST_CASE("whenever the power is cut, an object whose id was given is whole, and others leave nothing") {
  for (std::uint64_t cut = 1; cut < 40; ++cut) {
    for (const auto loss : {io::sim::Loss::everything, io::sim::Loss::torn, io::sim::Loss::nothing}) {
      SimDisk disk(cut);
      auto all = *Objects::open(disk, {});
      disk.cut_power_at(cut);
      std::vector<std::pair<std::string, std::string>> given;
      for (int i = 0; i < 6; ++i) {
        auto upload = all->create("orders", head_at(0), 0s);
        if (!upload) break;
        const std::string bytes(1'000 + static_cast<std::size_t>(i), 'x');
        if (!(*upload)->write(bytes)) break;
        const auto id = (*upload)->finish();
        if (id) given.emplace_back(*id, bytes);
      }
      all.reset();
      disk.power_on(loss);
      all = *Objects::open(disk, {});
      CAPTURE(cut);
      for (const auto& [id, bytes] : given) CHECK(bytes_of(*all, "orders", id) == bytes);
      CHECK(disk.list()->size() <= given.size() + 1);  // one may be there whose id was not given
    }
  }
}
