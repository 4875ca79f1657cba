// The simulation of workers: orchestrator, reconciler and Docker driver against a simulated engine, see World.
//
//   workers_sim SEED             one run, the same each time, told on stderr
//   workers_sim --seeds N        seeds 1 to N
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "core/log.hpp"
#include "world.hpp"

using namespace millrace;

namespace {

bool run_seed(std::uint64_t seed, bool telling, simulation::World::Counts& total) {
  simulation::World world(seed, telling);
  world.act(60);
  world.settle();
  total.starts += world.counts.starts;
  total.adopted += world.counts.adopted;
  total.platform_deaths += world.counts.platform_deaths;
  total.engine_absences += world.counts.engine_absences;
  if (!world.wrong()) return true;
  fmt::print("seed {}: {}\n", seed, *world.wrong());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  const bool many = first == "--seeds" && argc == 3;
  if (!many && (argc != 2 || first.empty())) {
    fmt::print(stderr, "usage: workers_sim SEED | --seeds N\n");
    return 2;
  }
  log::start(many ? log::Level::error : log::Level::debug, "platform");
  simulation::World::Counts total;
  if (!many) return run_seed(std::strtoull(first.c_str(), nullptr, 10), true, total) ? 0 : 1;
  const auto count = std::strtoull(argv[2], nullptr, 10);
  int failed = 0;
  for (std::uint64_t seed = 1; seed <= count; ++seed) failed += run_seed(seed, false, total) ? 0 : 1;
  fmt::print(
      "{} seeds, {} failed: {} starts, {} adoptions, {} deaths of the platform, {} absences of the "
      "engine\n",
      count, failed, total.starts - total.adopted, total.adopted, total.platform_deaths, total.engine_absences);
  return failed == 0 ? 0 : 1;
}
