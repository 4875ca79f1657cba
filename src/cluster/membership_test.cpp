#include "cluster/membership.hpp"

#include <deque>
#include <optional>

#include <doctest/doctest.h>

#include "cluster/turns.hpp"
#include "io/posix/loop.hpp"
#include "io/sim/loop.hpp"
#include "support/store_place.hpp"

using namespace millrace;
using cluster::Membership;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// A way to the store that can be held up, or cut: what is asked meanwhile is done later, or never answered.
class Way final : public io::Offload {
 public:
  explicit Way(io::Loop& loop) : loop_(loop) {}
  void run(std::function<void()> work, std::function<void()> then) override {
    if (held_) return waiting_.push_back({std::move(work), std::move(then)});
    work();
    loop_.post(std::move(then));
  }
  void hold() { held_ = true; }
  void release() {
    held_ = false;
    for (auto& [work, then] : std::exchange(waiting_, {})) run(std::move(work), std::move(then));
  }

 private:
  io::Loop& loop_;
  bool held_ = false;
  std::deque<std::pair<std::function<void()>, std::function<void()>>> waiting_;
};

/// Two members of one store, in virtual time; each has a way of its own to it.
struct Town {
  struct House {
    House(Town& town, const std::string& name, const std::string& boot)
        : way(town.loop),
          store(town.place.open(way, store::Sharing::with_members)),
          member(town.loop, *store, {name, "http://" + name, boot}, town.clock()) {
      member.watch([this] { ++changes; });
      REQUIRE(member.join());
    }
    Way way;
    std::unique_ptr<store::Store> store;
    Membership member;
    int changes = 0;
  };

  Membership::Clock clock() {
    return [this](store::Database&) -> Result<std::int64_t> { return loop.wall_now().time_since_epoch().count(); };
  }

  io::sim::SimLoop loop;
  tests::StorePlace place;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("members know each other, and one of them leads") {
  Town town;
  Town::House east(town, "east", "1");
  Town::House west(town, "west", "2");
  CHECK(west.member.alive() == Names{"east", "west"});
  town.loop.run_for(seconds(3));
  CHECK(east.member.alive() == Names{"east", "west"});
  CHECK(east.member.leads());
  CHECK_FALSE(west.member.leads());
  town.loop.run_for(seconds(60));
  CHECK(east.member.turn() == 1);
  const auto all = west.member.members();
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "east");
  CHECK(all[0].leads);
  CHECK(all[0].alive);
  CHECK(all[0].address == "http://east");
  CHECK_FALSE(all[1].leads);
}

TEST_CASE("a leader that cannot reach the store gives up before another one leads, and is gone for the others") {
  Town town;
  Town::House east(town, "east", "1");
  Town::House west(town, "west", "2");
  town.loop.run_for(milliseconds(2'500));
  east.way.hold();
  bool had_none = false;
  for (int n = 0; n < 200; ++n) {
    town.loop.run_for(milliseconds(100));
    CHECK_FALSE((east.member.leads() && west.member.leads()));
    had_none = had_none || (!east.member.leads() && !west.member.leads());
  }
  CHECK(had_none);
  CHECK(west.member.turn() == 2);
  CHECK(west.member.alive() == Names{"west"});
  CHECK(east.member.alive() == Names{"east", "west"});  // whom it last heard of

  // Its late heartbeats arrive, and do no harm.
  east.way.release();
  town.loop.run_for(seconds(5));
  CHECK_FALSE(east.member.leads());
  CHECK(west.member.turn() == 2);
  CHECK(west.member.alive() == Names{"east", "west"});
}

TEST_CASE("a process that was stopped for long leads no more from its first moment on, and a new turn is told as one") {
  Town town;
  Town::House east(town, "east", "1");
  town.loop.run_for(seconds(1));
  CHECK(east.member.turn() == 1);
  east.way.hold();
  town.loop.run_for(seconds(20));
  CHECK_FALSE(east.member.leads());
  const auto changes = east.changes;
  east.way.release();
  town.loop.run_for(seconds(3));
  CHECK(east.member.turn() == 2);
  CHECK(east.changes > changes);
}

TEST_CASE("who leaves is gone at once, and another one leads with the next heartbeat") {
  Town town;
  Town::House east(town, "east", "1");
  Town::House west(town, "west", "2");
  bool left = false;
  east.member.leave([&] { left = true; });
  CHECK_FALSE(east.member.leads());
  town.loop.run_for(milliseconds(2'100));
  CHECK(left);
  CHECK(west.member.alive() == Names{"west"});
  CHECK(west.member.turn() == 2);
}

TEST_CASE("leaving does not wait for a store that does not answer") {
  Town town;
  Town::House east(town, "east", "1");
  east.way.hold();
  bool left = false;
  east.member.leave([&] { left = true; });
  town.loop.run_for(seconds(3));
  CHECK(left);
}

TEST_CASE("a member that is started again has its name from then on, and what is left of its old process has no say") {
  Town town;
  Town::House old(town, "east", "1");
  Town::House west(town, "west", "2");
  Town::House anew(town, "east", "3");
  town.loop.run_for(seconds(3));
  CHECK(old.member.alive() == Names{"west"});
  CHECK_FALSE(old.member.owns("orders/ship", 1));
  CHECK_FALSE(old.member.leads());
  CHECK(anew.member.alive() == Names{"east", "west"});
  old.member.leave([] {});
  town.loop.run_for(seconds(12));
  CHECK(west.member.alive() == Names{"east", "west"});
  CHECK((anew.member.leads() != west.member.leads()));
}

TEST_CASE("each worker is owned by one member of those that are alive") {
  Town town;
  Town::House east(town, "east", "1");
  Town::House west(town, "west", "2");
  town.loop.run_for(seconds(3));
  for (const auto* worker : {"a", "b", "c", "d", "e", "f"})
    CHECK(east.member.owns(worker, 1) != west.member.owns(worker, 1));
  east.way.hold();
  town.loop.run_for(seconds(15));
  for (const auto* worker : {"a", "b", "c", "d", "e", "f"}) CHECK(west.member.owns(worker, 1));
}

TEST_CASE("when the leading process is gone without a word another one leads, by the database's own clock") {
  io::posix::AsioLoop loop;
  tests::StorePlace place;
  struct House {
    House(io::posix::AsioLoop& loop, const tests::StorePlace& place, const std::string& name) : offload(loop) {
      store = place.open(offload, store::Sharing::with_members);
      Membership::Settings settings{name, {}, name};
      settings.heartbeat = milliseconds(50);
      settings.silence_max = milliseconds(600);
      settings.lease_time = milliseconds(400);
      settings.margin = milliseconds(50);
      member.emplace(loop, *store, settings);
      REQUIRE(member->join());
    }
    std::unique_ptr<store::Store> store;
    io::posix::ThreadOffload offload;  // ends what it has to do there before the store does
    std::optional<Membership> member;
  };
  auto east = std::make_unique<House>(loop, place, "east");
  House west(loop, place, "west");
  const auto run_until = [&](auto condition) {
    for (int n = 0; n < 20'000 && !condition(); ++n) {
      loop.after(milliseconds(1), [&] { loop.stop(); });
      loop.run();
      if (east) CHECK_FALSE((east->member->leads() && west.member->leads()));
    }
    CHECK(condition());
  };
  run_until([&] { return east->member->leads() && west.member->alive().size() == 2; });
  const auto turn = east->member->turn();
  east.reset();
  run_until([&] { return west.member->leads() && west.member->alive() == Names{"west"}; });
  CHECK(west.member->turn() > turn);
}

TEST_CASE("one member at a time has its turn, and the next one has it when that ends, or when the member has died") {
  Town town;
  Town::House east(town, "east", "1");
  Town::House west(town, "west", "2");
  cluster::Turns easts(town.loop, *east.store, east.member);
  cluster::Turns wests(town.loop, *west.store, west.member);
  Names order;
  const auto note = [&](const char* who) {
    return [&order, who](const Status& begun) { order.emplace_back(begun ? who : std::string("no ") + who); };
  };
  easts.begin("credential/crm", note("east"));
  wests.begin("credential/crm", note("west"));
  wests.begin("credential/shop", note("west elsewhere"));
  town.loop.run_for(seconds(1));
  CHECK(order == Names{"east", "west elsewhere"});
  easts.end("credential/crm");
  town.loop.run_for(seconds(1));
  CHECK(order == Names{"east", "west elsewhere", "west"});
  easts.begin("credential/crm", note("east"));
  town.loop.run_for(seconds(25));
  CHECK(order.back() == "no east");
}
