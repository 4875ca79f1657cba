#include "world.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::simulation {
using namespace std::chrono_literals;
using io::sim::Loss;

namespace {

constexpr std::uint64_t capacity = 4u << 20;
constexpr Loss losses[] = {Loss::everything, Loss::torn, Loss::scattered, Loss::nothing};

/// Some worlds have segments so small that many come and go between two restarts.
broker::Limits limits_of(std::uint64_t seed) {
  broker::Limits limits;
  limits.segment_size = (2 + seed % 8 * 3) << 10;
  limits.lone_commits_min = static_cast<int>(seed % 3);
  limits.bodies_max = 12 << 10;
  limits.queue_bodies_max = 4 << 10;
  limits.entries_max = 24;
  limits.free_space_min = 16 << 10;
  return limits;
}

/// Narrow enough that back-pressure comes into it.
broker::SessionSettings settings() {
  broker::SessionSettings settings;
  settings.frame_size_max = 8192;
  settings.output_size_max = 12 << 10;
  settings.open_size_max = 12 << 10;
  return settings;
}

}  // namespace

NetworkWorld::NetworkWorld(std::uint64_t seed, Breakage breakage, bool telling)
    : telling_(telling), breakage_(breakage), limits_(limits_of(seed)), dice_(seed * 2 + 1), disk_(seed, capacity) {
  users_.add("guest", "guest");
  break_disk(disk_, breakage_, dice_);
}

NetworkWorld::~NetworkWorld() {
  forget();
}

NetworkWorld::Counts NetworkWorld::counts() const {
  return counts_;
}

void NetworkWorld::complain(std::string what) {
  if (!wrong_) wrong_ = std::move(what);
}

void NetworkWorld::tell(const std::string& what) const {
  if (telling_) fmt::print(stderr, "network, operation {}: {}\n", disk_.operations(), what);
}

void NetworkWorld::forget() {
  if (around_) {
    counts_.published += around_->published;
    counts_.settled += around_->settled;
  }
  clients_.clear();
  doors_.clear();
  broker_.reset();
  offload_.reset();
  if (loop_) started_ = loop_->wall_now();
  const auto next_id = around_ ? around_->next_id : 1;
  around_.reset();
  loop_ = std::make_unique<io::sim::SimLoop>(started_);
  around_.reset(new Surroundings{*loop_, dice_, ledger_, [this](std::string what) { complain(std::move(what)); },
                                 [this](const std::string& what) { tell(what); }});
  around_->next_id = next_id;
}

void NetworkWorld::crash(Loss loss) {
  tell(fmt::format("crash, loss {}", static_cast<int>(loss)));
  forget();
  disk_.power_on(loss);
  ++counts_.restarts;
}

void NetworkWorld::boot() {
  for (;;) {
    disk_.set_capacity(capacity);
    forget();
    offload_ = make_offload(*loop_, breakage_);
    auto opened = broker::Broker::open(*loop_, disk_, *offload_, limits_);
    if (opened) {
      broker_ = std::move(*opened);
      settle();
      const auto found = content_of(*broker_);
      if (!disk_.is_off() && !disk_.sync_has_failed()) {
        tell("boot");
        if (auto fault = ledger_.recovered(found)) complain(*fault);
        return;
      }
    } else if (!disk_.is_off() && !disk_.sync_has_failed()) {
      return complain("the broker does not open: " + opened.error().message);
    }
    crash(losses[random(4)]);
  }
}

/// What the broker dead-letters as it starts is on its way for a moment.
void NetworkWorld::settle() {
  const auto arriving = [this] {
    const auto queues = broker_->queues();
    return std::any_of(queues.begin(), queues.end(), [](const auto& queue) { return queue.arriving > 0; });
  };
  while (!disk_.is_off() && !disk_.sync_has_failed() && arriving()) loop_->step();
}

void NetworkWorld::notice_failure() {
  if (!disk_.sync_has_failed()) return;
  around_->may_be_refused = true;
  ledger_.storage_failed();
}

void NetworkWorld::plan_a_fault() {
  const auto dice = random(10);
  if (dice < 5) disk_.cut_power_at(disk_.operations() + 1 + random(120));
  if (dice == 5 || dice == 6) disk_.fail_sync(disk_.syncs() + 1 + random(30));
  if (dice == 7) disk_.set_capacity(64'000 + random(128'000));
}

void NetworkWorld::live() {
  boot();
  for (auto rounds = 2 + random(4); rounds > 0 && !wrong_; --rounds) {
    plan_a_fault();
    act(static_cast<int>(40 + random(300)));
    if (!is_down() && !wrong_ && random(3) == 0) deliver_all();
    if (!is_down() && !wrong_ && random(4) == 0) shut_down();
    if (!wrong_) crash(losses[random(4)]);
    if (!wrong_) boot();
  }
  if (wrong_) return;
  deliver_all();
  if (wrong_) return;
  crash(Loss::everything);
  boot();
  for (const auto& [queue, ids] : content_of(*broker_)) {
    if (!wrong_ && !ids.empty()) complain(fmt::format("{} lies on {} after all was settled", ids.front(), queue));
  }
}

void NetworkWorld::act(int actions) {
  for (int i = 0; i < actions && !wrong_ && !is_down(); ++i) {
    notice_failure();
    act_once();
    for (auto steps = random(6); steps > 0 && !wrong_ && !is_down(); --steps) {
      loop_->step();
      notice_failure();
    }
    if (random(20) == 0) run(std::chrono::milliseconds(random(200)));
    if (random(100) == 0) disk_.set_capacity(capacity);
    tidy();
  }
}

Client& NetworkWorld::connect(Client::Habit habit) {
  auto line = std::make_shared<Line>(*loop_, dice_);
  doors_.push_back(std::make_unique<Door>(*loop_, *broker_, users_, line, settings()));
  if (breakage_ == Breakage::ack && !overlooked_ && habit == Client::Habit::busy && random(3) == 0) {
    overlooked_ = true;
    doors_.back()->overlook_an_ack();
  }
  clients_.push_back(std::make_unique<Client>(*around_, line, fmt::format("c{}", ++clients_made_), habit));
  return *clients_.back();
}

void NetworkWorld::tidy() {
  std::erase_if(clients_, [](const auto& client) { return client->is_gone(); });
  std::erase_if(doors_, [](const auto& door) { return door->is_over(); });
}

void NetworkWorld::act_once() {
  if (clients_.size() < 3 && random(10) == 0) connect(Client::Habit::busy);
  if (clients_.empty()) return;
  auto& client = *clients_[random(clients_.size())];
  const auto dice = random(300);
  if (dice > 3) return client.act();
  if (dice == 0) return client.leave();
  if (dice == 1) return client.vanish();
  ++counts_.cuts;
  const auto bytes = random(2) == 0 ? random(60) : random(3'000);
  const bool silently = random(3) == 0;
  const auto from = random(2) == 0 ? Line::client : Line::broker;
  tell(fmt::format("the line of {} breaks after {} bytes from {}", client.name(), bytes,
                   from == Line::client ? "it" : "the broker"));
  client.line().cut_after(from, bytes, silently);
}

void NetworkWorld::deliver_all() {
  tell("all is to be delivered");
  disk_.set_capacity(capacity);
  const bool failed = disk_.sync_has_failed();
  const auto answered = [&] {
    tidy();
    return std::all_of(clients_.begin(), clients_.end(), [](const auto& it) { return it->is_answered(); });
  };
  // After a failed sync nothing is answered that needs one.
  if (!failed && !run_until(answered, 20s) && !is_down() && !disk_.sync_has_failed())
    complain("what clients asked for is not answered");
  if (is_down()) return;
  for (auto& client : clients_) client->vanish();
  run(5s);  // who does not vanish has lost its line silently
  tidy();
  const bool now_failed = disk_.sync_has_failed();
  connect(Client::Habit::hungry);
  run_until([&] { return clients_.empty() || !ledger_.any_unsettled(); }, 20s);
  if (is_down() || wrong_) return;
  if (!now_failed && disk_.sync_has_failed()) return;  // in the midst of it
  if (now_failed && !around_->all_declared) return;    // the queues themselves are not certain
  if (const auto fault = ledger_.all_settled()) complain(*fault + (now_failed ? ", after a failed sync" : ""));
  run(1s);
}

void NetworkWorld::shut_down() {
  tell("shut down");
  around_->may_be_refused = true;
  for (auto& door : doors_) door->shut_down();
  run(2s);
  bool closed = false;
  broker_->close([&](const Status&) { closed = true; });
  run(300ms);
  if (!closed && !is_down()) complain("the broker does not close");
  forget();
}

void NetworkWorld::run(std::chrono::milliseconds span) {
  (void)run_until([] { return false; }, span);
}

template <class Condition>
bool NetworkWorld::run_until(Condition condition, std::chrono::milliseconds at_most) {
  bool over = false;
  const auto timer = loop_->after(at_most, [&] { over = true; });
  while (!over && !is_down() && !wrong_ && !condition()) {
    loop_->step();
    notice_failure();
  }
  loop_->cancel(timer);
  return !over && !is_down();
}

bool NetworkWorld::cut_at(Line::End from, std::uint64_t bytes) {
  boot();
  auto& client = connect(Client::Habit::busy);
  client.line().cut_after(from, bytes, false);
  auto line = client.line().shared_from_this();
  run_until([&] { return client.is_open() || client.is_gone(); }, 1s);
  for (int i = 0; i < 40 && !client.is_gone(); ++i) {
    client.act();
    run(1ms);
  }
  run(2s);
  if (wrong_) return true;
  const bool reached = line->is_broken();
  crash(losses[bytes % 4]);
  boot();
  if (!wrong_) deliver_all();
  return reached;
}

}  // namespace millrace::simulation
