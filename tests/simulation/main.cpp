// The simulation of broker and log: crashes between any two disk operations, lost and torn writes, failed syncs, full
// disks, flipped bits; see World for what the clients do and History for what must hold.
//
//   millrace_sim SEED             one run, the same each time, told on stderr
//   millrace_sim --seeds N        seeds 1 to N
//   millrace_sim --exhaustive     one run, cut at every disk operation, and again while it recovers from that
//   … --skip-a-sync               one sync of each run does nothing: that must be found
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "core/log.hpp"
#include "world.hpp"

using namespace millrace;
using io::sim::Loss;
using simulation::World;

namespace {

constexpr Loss losses[] = {Loss::everything, Loss::torn, Loss::scattered, Loss::nothing};

struct Outcome {
  std::optional<std::string> wrong;
  World::Counts counts;
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

Outcome run_seed(std::uint64_t seed, bool skip_a_sync, bool telling) {
  World world(seed, telling);
  if (skip_a_sync) world.disk().skip_sync(1 + world.random(30));
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
    if (!world.wrong() && !skip_a_sync) world.survives(1 + static_cast<int>(world.random(4)));
  }
  return {world.wrong(), world.counts()};
}

int run_seeds(std::uint64_t from, std::uint64_t to, bool skip_a_sync) {
  World::Counts total;
  for (auto seed = from; seed <= to; ++seed) {
    const auto outcome = run_seed(seed, skip_a_sync, from == to);
    total.published += outcome.counts.published;
    total.settled += outcome.counts.settled;
    total.restarts += outcome.counts.restarts;
    total.loads += outcome.counts.loads;
    if (!outcome.wrong) continue;
    fmt::print("seed {}: {}\n", seed, *outcome.wrong);
    if (skip_a_sync) {
      fmt::print("the skipped sync was found after {} seeds\n", seed - from + 1);
      return 0;
    }
    fmt::print("again: ./dev sim {}\n", seed);
    return 1;
  }
  fmt::print("{} seeds, {} messages published, {} settled, {} restarts, {} parts of backlogs read from disk: {}\n",
             to - from + 1, total.published, total.settled, total.restarts, total.loads,
             skip_a_sync ? "the skipped sync was not found" : "nothing wrong");
  return skip_a_sync ? 1 : 0;
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

int usage() {
  fmt::print(stderr, "usage: millrace_sim SEED | --seeds N | --exhaustive [--skip-a-sync]\n");
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  log::start(log::Level::error, "sim");
  bool skip_a_sync = false;
  std::vector<std::string> words;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(arguments[i], "--skip-a-sync") == 0) {
      skip_a_sync = true;
    } else {
      words.emplace_back(arguments[i]);
    }
  }
  const bool exhaustive = words.size() == 1 && words[0] == "--exhaustive";
  const bool many = words.size() == 2 && words[0] == "--seeds";
  // The broker logs every injected fault; only who looks at one seed wants to read that.
  if ((exhaustive || many) && std::freopen("/dev/null", "w", stderr) == nullptr) return 1;
  if (exhaustive) return run_exhaustive();
  if (!many && words.size() != 1) return usage();
  char* end = nullptr;
  const auto number = std::strtoull(words.back().c_str(), &end, 10);
  if (*end != '\0' || number == 0) return usage();
  return run_seeds(many ? 1 : number, number, skip_a_sync);
}
