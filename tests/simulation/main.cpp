// The simulation of broker and log: crashes between any two disk operations, lost and torn writes, failed syncs, full
// disks, flipped bits, connections that break between any two bytes. Each seed is two runs: of the broker alone against
// an exact model (World, History), and of clients that talk AMQP to it over lines (NetworkWorld, NetworkLedger).
//
//   millrace_sim SEED             one seed, the same each time, told on stderr
//   millrace_sim --seeds N        seeds 1 to N
//   millrace_sim --exhaustive     one run cut at every disk operation, and again while it recovers from that; and one
//                                 whose connection breaks at every byte
//   … --broken KIND               the broker is broken (sync, write, early, ack; see Breakage): that must be found
//   … --skip-a-sync               --broken sync
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/log.hpp"
#include "network/world.hpp"
#include "world.hpp"

using namespace millrace;
using io::sim::Loss;
using simulation::Breakage;
using simulation::Line;
using simulation::NetworkWorld;
using simulation::World;

namespace {

constexpr Loss losses[] = {Loss::everything, Loss::torn, Loss::scattered, Loss::nothing};

struct Totals {
  World::Counts broker;
  NetworkWorld::Counts network;
};

/// Boots until the power stays on and no sync fails.
void boot(World& world, Loss loss) {
  world.boot();
  while ((world.disk().is_off() || world.storage_failed()) && !world.wrong()) {
    world.crash(loss);
    world.boot();
  }
}

void plan_a_fault(World& world) {
  auto& disk = world.disk();
  const auto dice = world.random(10);
  if (dice < 6) disk.cut_power_at(disk.operations() + 1 + world.random(80));
  if (dice == 6) disk.fail_sync(disk.syncs() + 1 + world.random(20));
  if (dice == 7) world.fill_disk(48'000 + world.random(64'000));
}

std::optional<std::string> run_broker(std::uint64_t seed, Breakage breakage, bool telling, World::Counts& total) {
  World world(seed, breakage, telling);
  boot(world, Loss::everything);
  for (auto rounds = 2 + world.random(6); rounds > 0 && !world.wrong(); --rounds) {
    plan_a_fault(world);
    world.act(static_cast<int>(20 + world.random(150)));
    const auto loss = losses[world.random(4)];
    if (!world.disk().is_off() && !world.storage_failed() && world.random(4) == 0) {
      world.shut_down();
    } else {
      world.crash(loss);
    }
    if (world.wrong()) break;
    if (world.random(3) == 0) world.disk().cut_power_at(world.disk().operations() + 1 + world.random(10));
    boot(world, loss);
  }
  if (!world.wrong()) {
    world.crash(Loss::everything);
    boot(world, Loss::everything);
    if (!world.wrong()) world.crash(Loss::everything);
    if (!world.wrong() && breakage == Breakage::none) world.survives(1 + static_cast<int>(world.random(4)));
  }
  total.published += world.counts().published;
  total.settled += world.counts().settled;
  total.restarts += world.counts().restarts;
  total.loads += world.counts().loads;
  return world.wrong();
}

std::optional<std::string> run_network(std::uint64_t seed, Breakage breakage, bool telling,
                                       NetworkWorld::Counts& total) {
  NetworkWorld world(seed, breakage, telling);
  world.live();
  const auto counts = world.counts();
  total.published += counts.published;
  total.settled += counts.settled;
  total.restarts += counts.restarts;
  total.cuts += counts.cuts;
  return world.wrong();
}

int run_seeds(std::uint64_t from, std::uint64_t to, Breakage breakage) {
  Totals total;
  for (auto seed = from; seed <= to; ++seed) {
    auto wrong = run_broker(seed, breakage, from == to, total.broker);
    if (!wrong) wrong = run_network(seed, breakage, from == to, total.network);
    if (!wrong) continue;
    fmt::print("seed {}: {}\n", seed, *wrong);
    if (breakage != Breakage::none) {
      fmt::print("the broken broker was found after {} seeds\n", seed - from + 1);
      return 0;
    }
    fmt::print("again: ./dev sim {}\n", seed);
    return 1;
  }
  const auto& [broker, network] = total;
  fmt::print("{} seeds. Broker: {} messages published, {} settled, {} restarts, {} parts of backlogs read from disk. ",
             to - from + 1, broker.published, broker.settled, broker.restarts, broker.loads);
  fmt::print("Over the network: {} published, {} settled, {} connections cut, {} restarts. {}\n", network.published,
             network.settled, network.cuts, network.restarts,
             breakage == Breakage::none ? "Nothing wrong" : "The broken broker was not found");
  return breakage == Breakage::none ? 0 : 1;
}

/// One run with the power cut at operation `first`, and, from there on, again at the `second`th of the recovery.
/// False: the run was over before.
bool run_cut(Loss loss, std::uint64_t first, std::uint64_t second, std::optional<std::string>& wrong) {
  constexpr std::uint64_t seed = 7;
  World world(seed);
  world.disk().cut_power_at(first);
  world.boot();
  if (!world.disk().is_off()) world.act(150);
  if (!world.disk().is_off()) {
    wrong = world.wrong();
    return false;
  }
  world.crash(loss);
  if (second > 0) world.disk().cut_power_at(world.disk().operations() + second);
  boot(world, loss);
  if (!world.wrong()) world.act(20);
  if (!world.wrong()) {
    world.crash(loss);
    boot(world, loss);
  }
  wrong = world.wrong();
  return true;
}

int run_exhaustive() {
  constexpr std::uint64_t recovery_operations = 8;
  std::uint64_t runs = 0;
  std::uint64_t operations = 0;
  for (const auto loss : losses) {
    bool cut = true;
    for (std::uint64_t first = 1; cut; ++first) {
      for (std::uint64_t second = 0; cut && second <= recovery_operations; ++second) {
        std::optional<std::string> wrong;
        cut = run_cut(loss, first, second, wrong);
        ++runs;
        if (!wrong) continue;
        fmt::print("loss {}, cut at operation {}, then at {} of the recovery: {}\n", static_cast<int>(loss), first,
                   second, *wrong);
        return 1;
      }
      operations = first;
    }
  }
  fmt::print("{} runs, cut at each of {} disk operations with {} kinds of loss, and while recovering: nothing wrong\n",
             runs, operations - 1, std::size(losses));
  return 0;
}

/// The connection of one client breaks at every byte that it sends, and that it gets.
int run_every_byte() {
  constexpr std::uint64_t seed = 7;
  std::uint64_t runs = 0;
  for (const auto from : {Line::client, Line::broker}) {
    bool reached = true;
    for (std::uint64_t bytes = 0; reached; ++bytes, ++runs) {
      NetworkWorld world(seed, Breakage::none, false);
      reached = world.cut_at(from, bytes);
      if (!world.wrong()) continue;
      fmt::print("connection cut after {} bytes from the {}: {}\n", bytes, from == Line::client ? "client" : "broker",
                 *world.wrong());
      return 1;
    }
  }
  fmt::print("{} runs, the connection cut between any two bytes, then the power: nothing wrong\n", runs);
  return 0;
}

int usage() {
  fmt::print(stderr, "usage: millrace_sim SEED | --seeds N | --exhaustive [--broken KIND]\n");
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  log::start(log::Level::error, "sim");
  auto breakage = Breakage::none;
  std::vector<std::string> words;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    if (word == "--skip-a-sync") {
      breakage = Breakage::sync;
    } else if (word == "--broken" && i + 1 < count) {
      const auto found = simulation::breakage_of(arguments[++i]);
      if (!found) return usage();
      breakage = *found;
    } else {
      words.emplace_back(word);
    }
  }
  const bool exhaustive = words.size() == 1 && words[0] == "--exhaustive";
  const bool many = words.size() == 2 && words[0] == "--seeds";
  // The broker logs every injected fault; only who looks at one seed wants to read that.
  if ((exhaustive || many) && std::freopen("/dev/null", "w", stderr) == nullptr) return 1;
  if (exhaustive) return run_exhaustive() + run_every_byte() == 0 ? 0 : 1;
  if (!many && words.size() != 1) return usage();
  char* end = nullptr;
  const auto number = std::strtoull(words.back().c_str(), &end, 10);
  if (*end != '\0' || number == 0) return usage();
  return run_seeds(many ? 1 : number, number, breakage);
}
