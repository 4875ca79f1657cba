#include "world.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "amqp/properties.hpp"

namespace millrace::simulation {
using namespace std::chrono_literals;

namespace {

constexpr const char* exchange = "x";

constexpr std::uint64_t entries_max = 12;
constexpr std::uint64_t bodies_max = 6 << 10;

broker::Limits limits() {
  broker::Limits limits;
  limits.segment_size = 8 << 10;
  limits.bodies_max = bodies_max;
  limits.queue_bodies_max = 2 << 10;
  limits.entries_max = entries_max;
  limits.free_space_min = 16 << 10;
  return limits;
}

constexpr std::uint64_t capacity = 8u << 20;

}  // namespace

World::World(std::uint64_t seed, bool telling) : telling_(telling), random_(seed), disk_(seed, capacity) {
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
  queues_.push_back({.name = "delayed", .is_pool = true});
  queues_.push_back({.name = "returned"});
  for (const auto* name : {"dead", "last", "delayed", "returned"}) bindings_.emplace_back(name, name);
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
  offload_ = std::make_unique<io::sim::SimOffload>(*loop_);
  auto opened = broker::Broker::open(*loop_, disk_, *offload_, limits());
  if (!opened) {
    storage_failed_ = disk_.sync_has_failed();
    if (!disk_.is_off() && !storage_failed_) complain("the broker does not open: " + opened.error().message);
    return;
  }
  broker_ = std::move(*opened);
  publisher_ = broker_->begin_session();
  consumer_ = broker_->begin_session();
  const auto found = content();
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
  offload_ = std::make_unique<io::sim::SimOffload>(*loop_);
  auto opened = broker::Broker::open(*loop_, disk_, *offload_, limits());
  if (!opened) {
    // A segment's header says which version of the format it has; a flip there can say another one.
    if (opened.error().kind != Error::Kind::unsupported) complain("damage keeps it shut: " + opened.error().message);
    return false;
  }
  broker_ = std::move(*opened);
  for (const auto& [queue, ids] : content()) {
    for (const auto& id : ids) {
      if (!id.starts_with('m') || id.size() > 8) complain(fmt::format("{} on {} was made up of damage", id, queue));
    }
  }
  run(1s);
  forget_broker();
  return true;
}

Content World::content() const {
  Content all;
  for (const auto& queue : broker_->queues()) {
    auto& ids = all[queue.name];
    const auto messages = broker_->peek(queue.name, 0, 1'000'000);
    if (!messages) continue;
    for (const auto& message : *messages) ids.push_back(message->body.substr(0, message->body.find(' ')));
  }
  return all;
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

void World::declare_all() {
  if (!broker_->has_exchange(exchange)) {
    const auto answer = broker_->declare_exchange(publisher_, {.name = exchange, .arguments = {}}, nullptr);
    if (!answer && !storage_failed_) return complain("exchange refused: " + answer.error().text);
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
  if (rules.is_pool || !rules.dead_letter_key.empty()) {
    spec.arguments.set("x-dead-letter-exchange", exchange);
    spec.arguments.set("x-dead-letter-routing-key", rules.is_pool ? "returned" : rules.dead_letter_key);
  }
  const auto answer = broker_->declare_queue(publisher_, spec, durable(history_.size()));
  if (!answer) return complain("queue refused: " + answer.error().text);
  history_.add({.declares = rules});
  for (const auto& [key, queue] : bindings_) {
    if (queue == rules.name) bind(key, queue);
  }
}

void World::bind(const std::string& key, const std::string& queue) {
  const auto answer = broker_->bind_queue(publisher_, queue, exchange, key, {}, durable(history_.size()));
  if (!answer) return complain("binding refused: " + answer.error().text);
  history_.add({.binds = std::pair(key, queue)});
}

void World::act(int actions) {
  for (int i = 0; i < actions && !wrong_ && !disk_.is_off() && !storage_failed_; ++i) {
    act_once();
    check_memory();
    // What was begun goes on for a while, or not at all before the next action.
    for (auto steps = random(4); steps > 0 && !disk_.is_off() && !wrong_; --steps) loop_->step();
    if (random(20) == 0) run(std::chrono::milliseconds(random(100)));
    if (full_since_ && random(40) == 0) make_room();
  }
}

void World::act_once() {
  const auto dice = random(100);
  if (dice < 80 - 2 * eagerness_) return publish_some();
  if (dice < 80 - eagerness_) return get_one(queues_[random(queues_.size())].name);
  if (dice < 80) return settle_one();
  if (dice < 94) return transact();
  if (dice < 96) return lose_session();
  if (dice < 98) return drain_one_queue();
  if (!late_declared_ && random(3) == 0) {
    late_declared_ = true;
    for (std::size_t i = 0; i < declared_late_; ++i) declare(queues_[i]);
  }
}

Publication World::make_publication() {
  Publication publication{.id = fmt::format("m{}", next_id_++)};
  const auto dice = random(10);
  if (dice < 7) {
    publication.key = fmt::format("k{}", random(3));
  } else {
    publication.key = dice == 7 ? "last" : "delayed";
  }
  if (dice > 7) publication.expires_at = now() + 1 + random(300);
  if (dice < 4) {
    const bool repeat = !message_ids_.empty() && random(3) == 0;
    publication.message_id = repeat ? message_ids_[random(message_ids_.size())] : publication.id;
    message_ids_.push_back(publication.message_id);
  }
  return publication;
}

broker::MessagePtr World::message(const Publication& publication) {
  amqp::Properties properties;
  properties.delivery_mode = 2;
  if (!publication.message_id.empty()) properties.message_id = publication.message_id;
  if (publication.expires_at != 0) properties.expiration = std::to_string(publication.expires_at - now());
  auto message = std::make_shared<broker::Message>();
  message->exchange = exchange;
  message->routing_key = publication.key;
  message->properties = amqp::encode_properties(properties);
  const auto size = random(8) == 0 ? random(3000) : random(200);
  message->body = publication.id + " " + std::string(size, 'x');
  return message;
}

void World::commit(Commit commit, broker::Batch batch) {
  const auto publications = commit.publications.size();
  const auto settlings = commit.settlings.size();
  const bool lazy = publications == 0 && random(2) == 0;  // an ack for whose durability nobody waits
  const auto number = history_.size();
  const auto answer = broker_->commit(publisher_, std::move(batch), lazy ? nullptr : durable(number));
  if (!answer) {
    if (answer.error().code == amqp::ReplyCode::resource_error) return;
    return complain("commit refused: " + answer.error().text);
  }
  for (const auto& publication : commit.publications) {
    published_in_[publication.id] = number;
    tell("publish", fmt::format("{} to {} in commit {}", publication.id, publication.key, number));
  }
  for (const auto& settling : commit.settlings) {
    tell(settling.rejected ? "reject" : "ack",
         fmt::format("{} of {} in commit {}{}", settling.id, settling.queue, number, lazy ? ", lazily" : ""));
  }
  history_.add(std::move(commit));
  counts_.published += publications;
  counts_.settled += settlings;
}

void World::publish_some() {
  Commit commit;
  broker::Batch batch;
  for (auto count = 1 + random(3); count > 0; --count) {
    commit.publications.push_back(make_publication());
    batch.publishes.push_back(message(commit.publications.back()));
  }
  this->commit(std::move(commit), std::move(batch));
}

Settling World::take_held(broker::Batch& batch) {
  const auto at = held_.begin() + static_cast<std::ptrdiff_t>(random(held_.size()));
  const auto held = *at;
  held_.erase(at);
  const bool rejected = random(4) == 0;
  batch.settlements.push_back({held.delivery, rejected ? broker::Settle::reject : broker::Settle::ack});
  return {held.queue, held.id, rejected};
}

void World::settle_one() {
  if (held_.empty()) return;
  broker::Batch batch;
  if (random(5) == 0) {
    const auto held = held_.back();
    held_.pop_back();
    tell("requeue", fmt::format("{} of {}", held.id, held.queue));
    batch.settlements.push_back({held.delivery, broker::Settle::requeue});
    if (!broker_->commit(publisher_, std::move(batch), nullptr)) storage_failed_ = true;
    return;
  }
  Commit commit;
  commit.settlings.push_back(take_held(batch));
  this->commit(std::move(commit), std::move(batch));
}

void World::transact() {
  Commit commit;
  broker::Batch batch;
  for (auto count = 1 + random(3); count > 0; --count) {
    commit.publications.push_back(make_publication());
    batch.publishes.push_back(message(commit.publications.back()));
  }
  for (auto count = random(4); count > 0 && !held_.empty(); --count) commit.settlings.push_back(take_held(batch));
  this->commit(std::move(commit), std::move(batch));
}

void World::get_one(const std::string& name) {
  const auto& rules = *std::find_if(queues_.begin(), queues_.end(), [&](const auto& it) { return it.name == name; });
  if (rules.is_pool || rules.keeps_only_the_last || !broker_->queue(rules.name)) return;
  const auto answer = broker_->get(publisher_, rules.name, false);
  if (disk_.is_off()) return;
  if (!answer) return complain("get refused: " + answer.error().text);
  if (!*answer) return;
  const auto& delivery = **answer;
  const auto id = delivery.message->body.substr(0, delivery.message->body.find(' '));
  const auto made = published_in_.find(id);
  if (made == published_in_.end()) return complain(fmt::format("{} was delivered and never published", id));
  if (!history_.is_confirmed(made->second)) complain(fmt::format("{} was delivered before it was durable", id));
  if (!history_.intended().holds(rules.name, id)) complain(fmt::format("{} was delivered after it was settled", id));
  const bool twice = std::any_of(held_.begin(), held_.end(),
                                 [&](const Held& held) { return held.id == id && held.queue == rules.name; });
  if (twice) complain(fmt::format("{} was delivered twice at a time", id));
  tell("get", fmt::format("{} of {}", id, rules.name));
  held_.push_back({delivery.id, rules.name, id});
}

/// All but a few of a queue's messages: what is left keeps its old segment alive.
void World::drain_one_queue() {
  const auto name = queues_[random(queues_.size())].name;
  for (int i = 0; i < 100 && !wrong_; ++i) get_one(name);
  broker::Batch batch;
  Commit commit;
  while (held_.size() > 2) commit.settlings.push_back(take_held(batch));
  this->commit(std::move(commit), std::move(batch));
}

void World::lose_session() {
  tell("session ends", "");
  broker_->end_session(publisher_, random(2) == 0 ? broker::SessionEnd::lost : broker::SessionEnd::clean);
  held_.clear();
  publisher_ = broker_->begin_session();
}

}  // namespace millrace::simulation
