#include "world.hpp"

#include <cstdio>

#include <fmt/format.h>

namespace millrace::simulation {

using namespace std::chrono_literals;
using orchestrator::Doors;
using orchestrator::Exit;
using orchestrator::Launch;
using orchestrator::WorkerHandle;
using orchestrator::WorkerKey;

WorkerHandle Processes::start(const Launch& launch, orchestrator::WorkerEvents events) {
  const auto handle = ++last_;
  std::string user;
  for (const auto& [name, value] : launch.environment({"127.0.0.1:1", "127.0.0.1:2"})) {
    if (name == "ELASTICIO_API_USERNAME") user = value;
  }
  if (!calm_ && chance_.percent(5)) {
    loop_.post([alive = alive_, events] {
      if (*alive) events.ended({.reason = "could not be started: no more processes"});
    });
    return handle;
  }
  users_.emplace(handle, user);
  told_.emplace(handle, events);
  loop_.post([this, alive = alive_, handle, user] {
    if (!*alive || !told_.contains(handle)) return;
    told_.at(handle).started();
    events_.runs(handle, user);
  });
  return handle;
}

void Processes::end(WorkerHandle worker, const std::string& reason) {
  const auto found = told_.find(worker);
  if (found == told_.end()) return;
  const auto events = std::move(found->second);
  told_.erase(found);
  users_.erase(worker);
  loop_.post([alive = alive_, events, reason] {
    if (*alive) events.ended({.reason = reason});
  });
}

void Processes::terminate(WorkerHandle worker) {
  if (!calm_ && chance_.percent(10)) return;  // stubborn
  loop_.after(chance_.between(1ms, 3s), [this, alive = alive_, worker] {
    if (*alive) end(worker, "exited with 0");
  });
}

void Processes::kill(WorkerHandle worker) {
  const auto found = users_.find(worker);
  if (found == users_.end()) return;
  events_.will_be_forced(found->second);
  end(worker, "killed by SIGKILL");
}

World::World(std::uint64_t seed, bool telling)
    : telling_(telling), chance_(seed), machine_(loop_, chance_), load_(chance_) {
  machine_.events.runs = [this](const Machine::Box& box) { container_runs(box); };
  machine_.events.will_be_forced = [this](const Machine::Box& box) {
    if (!box.copy && !box.revived) forced(box.user);
  };
  machine_.events.ended = [this](const Machine::Box& box) {
    if (orchestrator_ && !box.copy) orchestrator_->disconnected(box.user);
  };
  machine_.add_foreign("somebody's database");
  machine_.add_foreign("millrace-simulated000-orders-v1-pack-1");  // the name of one of ours: it will be in the way
  wish_anew();
  boot();
}

World::~World() = default;

void World::say(const std::string& what) {
  if (telling_) fmt::print(stderr, "{:>9} ms  {}\n", loop_.steady_now().time_since_epoch() / 1ms, what);
}

void World::violated(const std::string& what) {
  say("VIOLATED: " + what);
  if (!wrong_) wrong_ = what;
}

Launch World::launch(const WorkerKey& key, const orchestrator::Credentials& credentials) const {
  Launch launch;
  launch.worker = key;
  launch.how = key.flow == "plain" ? Launch::How::process : Launch::How::container;
  launch.limits.memory_max = 64'000'000;
  launch.environment = [credentials](const Doors& doors) {
    return orchestrator::Environment{{"ELASTICIO_API_USERNAME", credentials.user},
                                     {"ELASTICIO_API_KEY", credentials.password},
                                     {"ELASTICIO_AMQP_URI", "amqp://" + doors.amqp}};
  };
  return launch;
}

void World::boot() {
  say("platform starts");
  Processes::Events of_processes;
  of_processes.runs = [this](WorkerHandle handle, const std::string& user) {
    live(user, [this, handle](bool) { processes_->end(handle, "killed by SIGSEGV"); });
  };
  of_processes.will_be_forced = [this](const std::string& user) { forced(user); };
  processes_ = std::make_unique<Processes>(loop_, chance_, machine_.calm, std::move(of_processes));
  orchestrator::DockerDriver::Settings settings;
  settings.platform = "simulated000";
  settings.image = "example.com/millrace:1";
  // Doors that open elsewhere now and then: then nobody can be adopted.
  const auto port = chance_.percent(80) ? 5672 : 5673;
  settings.open_doors = [port](const orchestrator::docker::Network& network) {
    return Result<Doors>(Doors{fmt::format("{}:{}", network.gateway, port), network.gateway + ":80"});
  };
  settings.output = [](const std::string&, std::string_view) {};
  containers_ = std::make_unique<orchestrator::DockerDriver>(
      loop_, std::make_unique<EngineLink>(loop_, chance_, machine_), std::move(settings));
  both_ = std::make_unique<orchestrator::Drivers>(*processes_, *containers_);
  orchestrator::Orchestrator::Hooks hooks;
  hooks.launch = [this](const WorkerKey& key, const orchestrator::Credentials& credentials) {
    return launch(key, credentials);
  };
  orchestrator_ = std::make_unique<orchestrator::Orchestrator>(
      loop_, *both_, *this, orchestrator::Orchestrator::Settings{}, std::move(hooks));
  orchestrator_->recover({wish_.begin(), wish_.end()});
}

/// kill -9: its users are forgotten, its processes die, its containers do not.
void World::die() {
  say("platform dies");
  ++counts.platform_deaths;
  orchestrator_.reset();
  both_.reset();
  containers_.reset();
  processes_.reset();
  valid_.clear();
  starts_.clear();
  load_.forget();
  wish_scaled();
}

void World::admit(const WorkerKey& worker, const orchestrator::Credentials& credentials) {
  const auto name = worker.name();
  for (const auto& [user, of] : valid_) {
    if (of == name) violated(fmt::format("{} has two valid users: {} and {}", name, user, credentials.user));
  }
  valid_[credentials.user] = name;
  say(fmt::format("{} is admitted as {}", name, credentials.user));
  ++counts.starts;
  for (const auto& [id, box] : machine_.boxes()) {
    if (box.user == credentials.user && !box.copy) ++counts.adopted;
  }
  auto& starts = starts_[name];
  starts.push_back(loop_.steady_now());
  // Six starts, five waits: 100, 200, 400, 800 and 1600 ms, unless it had run well for ten seconds in between.
  const auto count = starts.size();
  if (count >= 6 && starts[count - 1] - starts[count - 6] < 1500ms) {
    violated(fmt::format("{} was started six times within 1.5 s", name));
  }
}

void World::retire(const std::string& user) {
  if (valid_.erase(user) != 1) violated("somebody was retired who was not valid: " + user);
}

void World::forced(const std::string& user) {
  if (valid_.contains(user)) violated("somebody is killed by force while valid: " + user);
}

void World::container_runs(const Machine::Box& box) {
  for (const auto& [id, other] : machine_.boxes()) {
    const bool twin = id != box.id && other.worker == box.worker && other.state == Machine::Box::State::running;
    if (twin && !other.copy && !other.foreign) violated("two containers of one worker: " + box.worker);
  }
  live(box.user, [this, id = box.id, life = box.life](bool out_of_memory) {
    const auto* const still = machine_.find(id);
    if (still != nullptr && still->life == life) machine_.end(id, out_of_memory ? 137 : 139, out_of_memory);
  });
}

/// A worker's life: it connects, or does not; it crashes, or does not.
void World::live(const std::string& user, std::function<void(bool)> end) {
  if (machine_.calm || !chance_.percent(10)) {
    const auto latest = 40'000ms / static_cast<int>(1 + chance_.below(50));
    const auto ready = chance_.between(5ms, machine_.calm ? 500ms : latest);
    loop_.after(ready, [this, user] {
      if (orchestrator_ && valid_.contains(user)) orchestrator_->connected(user);
    });
  }
  if (machine_.calm || !chance_.percent(60)) return;
  loop_.after(chance_.between(1ms, chance_.percent(50) ? 200ms : 60'000ms), [this, end = std::move(end)] {
    if (!machine_.calm && orchestrator_) end(chance_.percent(30));
  });
}

void World::wish_anew() {
  wish_.clear();
  for (const auto* flow : {"orders", "plain"}) {
    for (const auto* step : {"ship", "pack"}) {
      const auto instances = chance_.below(4);
      for (std::uint32_t i = 1; i <= instances; ++i) wish_.insert({flow, 1, step, i});
    }
  }
  load_.change_rate();
  wish_scaled();
  if (!orchestrator_) return;
  say(fmt::format("wish: {} workers", wish_.size()));
  starts_.clear();  // one that is wished for again starts without delay
  orchestrator_->set_desired({wish_.begin(), wish_.end()});
}

void World::wish_scaled() {
  std::erase_if(wish_, [](const WorkerKey& key) { return key.step == "scaled"; });
  for (std::uint32_t i = 1; i <= load_.wanted(); ++i) wish_.insert({"orders", 1, "scaled", i});
}

std::optional<std::string> World::any_container() {
  std::vector<std::string> ours;
  for (const auto& [id, box] : machine_.boxes()) {
    if (!box.foreign) ours.push_back(id);
  }
  if (ours.empty()) return std::nullopt;
  return ours[chance_.below(ours.size())];
}

void World::trouble() {
  const auto id = any_container();
  switch (chance_.below(10)) {
    case 0:
    case 1:
      return wish_anew();
    case 2:
      say(machine_.is_away() ? "engine is back" : "engine goes away");
      if (!machine_.is_away()) ++counts.engine_absences;
      return machine_.set_away(!machine_.is_away());
    case 3:
      say("a clock jumps");
      return loop_.set_wall(loop_.wall_now() + chance_.between(-10h, 10h));
    case 4:
      machine_.has_image = chance_.percent(70);
      return;
    case 5:
      if (id) machine_.people_remove(*id);
      return;
    case 6:
      if (id) machine_.people_copy(*id);
      return;
    case 7:
      if (id) machine_.end(*id, 137);
      return;
    case 8:
      die();
      run_for(chance_.between(0ms, 30s));
      return boot();
    default:
      return;
  }
}

void World::run_for(std::chrono::milliseconds span) {
  for (; span > 0ms; span -= 1s) {
    loop_.run_for(std::min<std::chrono::milliseconds>(span, 1s));
    std::uint32_t connected = 0;
    if (orchestrator_) {
      for (const auto& worker : orchestrator_->status()) {
        connected += worker.worker.step == "scaled" && worker.phase == orchestrator::Phase::running ? 1 : 0;
      }
    }
    if (!orchestrator_ || !load_.second(connected, loop_.steady_now())) continue;
    if (load_.wanted() > StepLoad::bounds.max) violated("more are wanted than the bounds allow");
    say(fmt::format("{} instances are wanted for {:.0f} messages", load_.wanted(), load_.backlog()));
    wish_scaled();
    std::erase_if(starts_, [](const auto& entry) { return entry.first.starts_with("orders/scaled"); });
    orchestrator_->set_desired({wish_.begin(), wish_.end()});
  }
  if (machine_.mutations_of_foreign > 0) violated("a container that is not ours was touched");
}

void World::act(int rounds) {
  for (; rounds > 0 && !wrong_; --rounds) {
    run_for(chance_.between(1ms, chance_.percent(50) ? 300ms : 20s));
    trouble();
  }
}

/// A load that takes two and a half instances, and then none.
void World::settle_scaled() {
  load_.set_rate(2.5 * StepLoad::rate_of_one);
  for (int minutes = 0; minutes < 600 && load_.backlog() > 400; ++minutes) run_for(1min);
  run_for(10min);
  const auto changes = load_.changes;
  run_for(20min);
  if (load_.changes > changes + 2)
    violated(fmt::format("instances changed {} times under a steady load", load_.changes - changes));
  if (load_.wanted() < 3 || load_.backlog() > 800) {
    violated(fmt::format("{} instances are wanted for {:.0f} messages", load_.wanted(), load_.backlog()));
  }
  load_.set_rate(0);
  run_for(5min);
  if (load_.wanted() != 0 || load_.backlog() >= 1) violated("instances are wanted, and nothing comes any more");
}

void World::settle() {
  say("peace");
  machine_.calm = true;
  machine_.has_image = true;
  machine_.set_away(false);
  std::string in_the_way;
  for (const auto& [id, box] : machine_.boxes()) {
    if (box.foreign && box.name.starts_with("millrace-")) in_the_way = id;
  }
  machine_.people_remove(in_the_way);
  settle_scaled();
  if (wrong_) return;
  std::set<std::string> wanted;
  for (const auto& key : wish_) wanted.insert(key.name());
  std::set<std::string> running;
  for (const auto& worker : orchestrator_->status()) {
    if (worker.phase == orchestrator::Phase::running) running.insert(worker.worker.name());
  }
  if (running != wanted) violated(fmt::format("{} workers run, {} are wished for", running.size(), wanted.size()));
  std::set<std::string> valid;
  for (const auto& [user, worker] : valid_) valid.insert(worker);
  if (valid != wanted) violated("others are valid than those that are wished for");
  std::size_t boxes = 0;
  for (const auto& [id, box] : machine_.boxes()) {
    if (box.foreign) continue;
    ++boxes;
    if (!valid_.contains(box.user) || box.state != Machine::Box::State::running) {
      violated("a container is left behind: " + box.name);
    }
  }
  std::size_t contained = 0;
  for (const auto& key : wish_) contained += key.flow == "orders" ? 1 : 0;
  if (boxes != contained) violated(fmt::format("{} containers for {} workers", boxes, contained));
}

}  // namespace millrace::simulation
