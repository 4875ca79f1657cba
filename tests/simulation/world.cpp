#include "world.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::simulation {
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t entries_max = 12;
constexpr std::uint64_t bodies_max = 6 << 10;

/// Some worlds have segments so small that many come and go between two restarts.
broker::Limits limits_of(std::uint64_t seed) {
  broker::Limits limits;
  limits.segment_size = (1 + seed % 8) << 10;
  limits.lone_commits_min = static_cast<int>(seed % 3);
  limits.bodies_max = bodies_max;
  limits.queue_bodies_max = 2 << 10;
  limits.entries_max = entries_max;
  limits.free_space_min = 16 << 10;
  return limits;
}

constexpr std::uint64_t capacity = 8u << 20;

}  // namespace

World::World(std::uint64_t seed, Breakage breakage, bool telling)
    : telling_(telling), breakage_(breakage), limits_(limits_of(seed)), random_(seed), disk_(seed, capacity) {
  break_disk(disk_, breakage_, random_);
  make_topology();
}

World::~World() {
  forget_broker();
}

void World::make_topology() {
  eagerness_ = 10 + random(28);
  const std::vector<std::string> keys = {"k0", "k1", "k2"};
  const auto work_queues = 2 + random(3);
  for (std::uint64_t i = 0; i < work_queues; ++i) {
    QueueRules rules{.name = fmt::format("work{}", i)};
    rules.drops_repeats = random(2) == 0;
    if (i == 0) rules.dead_letter_key = "dead";
    bindings_.emplace_back(keys[i % keys.size()], rules.name);
    for (const auto& key : keys) {
      if (random(3) == 0) bindings_.emplace_back(key, rules.name);
    }
    queues_.push_back(std::move(rules));
  }
  declared_late_ = 1;
  std::rotate(queues_.begin(), queues_.end() - 1, queues_.end());  // the late one stands first
  queues_.push_back({.name = "dead"});
  queues_.push_back({.name = "last", .keeps_only_the_last = true});
  queues_.push_back({.name = "narrow", .bytes_max = 1'200});
  queues_.push_back({.name = "ranked", .ranks = true});
  queues_.push_back({.name = "heap"});
  queues_.push_back({.name = "ordered", .ordered = true});
  queues_.push_back({.name = "delayed", .is_pool = true});
  queues_.push_back({.name = "returned"});
  for (const auto* name : {"dead", "last", "narrow", "ranked", "heap", "ordered", "delayed", "returned"}) {
    bindings_.emplace_back(name, name);
  }
}

std::uint64_t World::now() const {
  return static_cast<std::uint64_t>(loop_->wall_now().time_since_epoch().count());
}

void World::tell(std::string_view event, const std::string& what) const {
  if (telling_) fmt::print(stderr, "operation {}: {} {}\n", disk_.operations(), event, what);
}

void World::complain(std::string what) {
  if (!wrong_) wrong_ = std::move(what);
}

/// What may be in memory beside what the limits allow: one more body, and the entries of what is delivered next, or
/// stands in a segment that is not at rest.
void World::check_memory() {
  constexpr std::uint64_t body_max = 4'000;
  constexpr std::uint64_t entries_active = 250;
  const auto use = broker_->memory();
  if (use.body_bytes > bodies_max + body_max) complain(fmt::format("{} bytes of bodies are in memory", use.body_bytes));
  if (use.entries > entries_max + entries_active) complain(fmt::format("{} entries are in memory", use.entries));
}

void World::forget_broker() {
  if (broker_) counts_.loads += broker_->memory().loads;
  broker_.reset();
  if (loop_) started_ = loop_->wall_now();
  offload_.reset();
  loop_.reset();
  held_.clear();
  strays_.clear();
  turn_ended_in_.clear();
}

void World::crash(io::sim::Loss loss) {
  tell("crash", fmt::format("loss {}", static_cast<int>(loss)));
  forget_broker();
  disk_.power_on(loss);
  scattered_ = scattered_ || loss == io::sim::Loss::scattered;
  ++counts_.restarts;
}

void World::fill_disk(std::uint64_t capacity_left) {
  tell("disk fills", std::to_string(capacity_left));
  disk_.set_capacity(capacity_left);
  full_since_ = now();
}

/// What was refused or waited for space goes on.
void World::make_room() {
  tell("disk has room", "");
  disk_.set_capacity(capacity);
  run(400ms);
  if (disk_.is_off() || storage_failed_) return;
  full_since_.reset();
  bool stored = false;
  const auto answer =
      broker_->commit(publisher_, {}, [&](const Status& status) { stored = static_cast<bool>(status); });
  run(100ms);
  if (disk_.is_off() || storage_failed_) return;
  if (!answer || !stored) complain("the broker does not go on when there is room again");
}

void World::shut_down() {
  tell("shut down", "");
  bool closed = false;
  broker_->close([&](const Status&) { closed = true; });
  run(300ms);
  if (!closed && !disk_.is_off()) complain("the broker does not close");
  forget_broker();
  ++counts_.restarts;
}

void World::boot() {
  storage_failed_ = false;
  disk_.set_capacity(capacity);
  loop_ = std::make_unique<io::sim::SimLoop>(started_);
  offload_ = make_offload(*loop_, breakage_);
  auto opened = broker::Broker::open(*loop_, disk_, *offload_, limits_);
  if (!opened) {
    storage_failed_ = disk_.sync_has_failed();
    if (!disk_.is_off() && !storage_failed_) complain("the broker does not open: " + opened.error().message);
    return;
  }
  broker_ = std::move(*opened);
  publisher_ = broker_->begin_session();
  consumer_ = broker_->begin_session();
  const auto found = content_of(*broker_);
  tell("boot", "");
  if (disk_.is_off()) return;
  if (const auto fault = history_.recovered(found, now(), full_since_.value_or(now()), scattered_)) {
    return complain(*fault);
  }
  scattered_ = false;
  const auto uncertain = history_.take_uncertain();
  std::erase_if(message_ids_, [&](const std::string& id) { return uncertain.contains(id); });
  std::erase_if(published_in_, [&](const auto& pair) { return pair.second >= history_.size(); });
  declare_all();
  run(20ms);
  if (!disk_.is_off() && !storage_failed_) full_since_.reset();  // what was due then has gone now
}

bool World::survives(int flips) {
  for (int i = 0; i < flips; ++i) disk_.flip_a_bit();
  loop_ = std::make_unique<io::sim::SimLoop>(started_);
  offload_ = make_offload(*loop_, breakage_);
  auto opened = broker::Broker::open(*loop_, disk_, *offload_, limits_);
  if (!opened) {
    // A segment's header says which version of the format it has; a flip there can say another one.
    if (opened.error().kind != Error::Kind::unsupported) complain("damage keeps it shut: " + opened.error().message);
    return false;
  }
  broker_ = std::move(*opened);
  for (const auto& [queue, ids] : content_of(*broker_)) {
    for (const auto& id : ids) {
      if (!id.starts_with('m') || id.size() > 8) complain(fmt::format("{} on {} was made up of damage", id, queue));
    }
  }
  run(1s);
  forget_broker();
  return true;
}

void World::run(std::chrono::milliseconds span) {
  bool over = false;
  const auto timer = loop_->after(span, [&] { over = true; });
  while (!over && !disk_.is_off()) loop_->step();  // what happens when the power is gone, nobody sees
  loop_->cancel(timer);
}

broker::Broker::Durable World::durable(std::size_t number) {
  return [this, number](const Status& status) {
    if (disk_.is_off()) return;
    if (!status) {
      tell("failed", fmt::format("commit {}", number));
      storage_failed_ = true;
      return;
    }
    if (storage_failed_) return complain(fmt::format("commit {} is confirmed after the storage failed", number));
    tell("confirm", fmt::format("commit {}", number));
    if (const auto fault = history_.confirm(number)) complain(*fault);
  };
}

/// For want of space, or because the storage has failed: all else is wrong.
void World::refused(const char* what, const broker::Refusal& refusal) {
  if (refusal.code == amqp::ReplyCode::resource_error) return;
  storage_failed_ = storage_failed_ || disk_.sync_has_failed();
  if (!storage_failed_) complain(fmt::format("{} refused: {}", what, refusal.text));
}

void World::declare_all() {
  if (!broker_->has_exchange(exchange)) {
    const auto answer = broker_->declare_exchange(publisher_, {.name = exchange, .arguments = {}}, nullptr);
    if (!answer) return refused("exchange", answer.error());
  }
  for (std::size_t i = late_declared_ ? 0 : declared_late_; i < queues_.size(); ++i) declare(queues_[i]);
}

void World::declare(const QueueRules& rules) {
  broker::QueueSpec spec;
  spec.name = rules.name;
  if (rules.drops_repeats) {
    spec.arguments.set("x-millrace-dedup-window", std::int64_t{86'400'000});
    spec.arguments.set("x-millrace-dedup-max", std::int64_t{100'000});
  }
  if (rules.keeps_only_the_last) spec.arguments.set("x-max-length", std::int64_t{1});
  if (rules.bytes_max != 0) spec.arguments.set("x-max-length-bytes", static_cast<std::int64_t>(rules.bytes_max));
  if (rules.ordered) spec.arguments.set("x-millrace-ordered", true);
  if (rules.ranks) spec.arguments.set("x-max-priority", std::int64_t{3});
  if (rules.is_pool || !rules.dead_letter_key.empty()) {
    spec.arguments.set("x-dead-letter-exchange", exchange);
    spec.arguments.set("x-dead-letter-routing-key", rules.is_pool ? "returned" : rules.dead_letter_key);
  }
  const auto answer = broker_->declare_queue(publisher_, spec, durable(history_.size()));
  if (!answer) return refused("queue", answer.error());
  history_.add({.declares = rules});
  for (const auto& [key, queue] : bindings_) {
    if (queue == rules.name) bind(key, queue);
  }
}

void World::bind(const std::string& key, const std::string& queue) {
  const auto answer = broker_->bind_queue(publisher_, queue, exchange, key, {}, durable(history_.size()));
  if (!answer) return refused("binding", answer.error());
  history_.add({.binds = std::pair(key, queue)});
}

}  // namespace millrace::simulation
