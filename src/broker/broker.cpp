#include "broker/broker.hpp"

#include "broker/core.hpp"

namespace millrace::broker {

Broker::Broker(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Broker::~Broker() = default;

Result<std::unique_ptr<Broker>> Broker::open(io::Loop& loop, io::Disk& disk, io::Offload& offload, Limits limits) {
  auto core = std::make_unique<Core>(loop, disk, offload, limits);
  if (auto recovered = core->recover(); !recovered) return recovered.error();
  return std::unique_ptr<Broker>(new Broker(std::move(core)));
}

SessionId Broker::begin_session() {
  return SessionId{++core_->last_session};
}
void Broker::end_session(SessionId session, SessionEnd how) {
  core_->end_session(session, how);
}

Answer<Done> Broker::declare_exchange(SessionId, const ExchangeSpec& spec, Durable durable) {
  return core_->declare_exchange(spec, std::move(durable));
}

Answer<QueueStatus> Broker::declare_queue(SessionId session, const QueueSpec& spec, Durable durable) {
  return core_->declare_queue(session, spec, std::move(durable));
}

Answer<Done> Broker::bind(SessionId session, const BindingSpec& spec, Durable durable) {
  return core_->bind(session, spec, true, std::move(durable));
}

Answer<Done> Broker::unbind(SessionId session, const BindingSpec& spec, Durable durable) {
  return core_->bind(session, spec, false, std::move(durable));
}

Answer<std::uint64_t> Broker::delete_queue(SessionId session, const std::string& queue, bool if_unused, bool if_empty,
                                           Durable durable) {
  return core_->delete_queue(session, queue, if_unused, if_empty, std::move(durable));
}

Answer<Done> Broker::delete_exchange(SessionId, const std::string& exchange, bool if_unused, Durable durable) {
  return core_->delete_exchange(exchange, if_unused, std::move(durable));
}

Answer<std::uint64_t> Broker::purge_queue(SessionId session, const std::string& queue, Durable durable) {
  return core_->purge(session, queue, std::move(durable));
}

Answer<Done> Broker::inherit_window(SessionId session, const std::string& queue,
                                    const std::vector<std::string>& sources, Durable durable) {
  return core_->inherit_window(session, queue, sources, std::move(durable));
}

const ExchangeSpec* Broker::exchange(std::string_view name) const {
  static const ExchangeSpec default_exchange;
  if (name.empty()) return &default_exchange;
  const auto* found = core_->find_exchange(name);
  return found == nullptr ? nullptr : &found->spec();
}

Answer<QueueStatus> Broker::open_queue(SessionId session, std::string_view name) const {
  const auto queue = core_->open_queue(session, name);
  if (!queue) return queue.error();
  return (*queue)->status();
}

Answer<Accepted> Broker::commit(SessionId session, const Batch& batch, Durable durable) {
  return core_->commit(session, batch, std::move(durable));
}

Answer<Done> Broker::consume(SessionId session, const std::string& queue, const ConsumerSpec& spec, ConsumerSink& sink,
                             ConsumerId& id) {
  return core_->consume(session, queue, spec, sink, id);
}

void Broker::cancel(ConsumerId consumer) {
  core_->cancel(consumer);
}
void Broker::watch_demand(std::function<void(const std::string& queue)> wanted) {
  core_->demand = std::move(wanted);
}

void Broker::tap(std::string_view name, std::function<void(const Message&)> told) {
  auto* queue = core_->find_queue(name);
  if (queue == nullptr || queue->logged) return;
  queue->tapped = true;
  core_->taps[queue->id] = std::move(told);
}

void Broker::set_gate(std::string_view name, const Gate& gate) {
  auto* queue = core_->find_queue(name);
  if (queue == nullptr) return;
  queue->gate = gate;
  core_->kick(*queue);
}
std::optional<Gate> Broker::gate(std::string_view name) const {
  const auto* queue = core_->find_queue(name);
  return queue == nullptr ? std::nullopt : std::optional(queue->gate);
}

void Broker::order_by(OrderBy order_by) {
  core_->order_by = std::move(order_by);
}

void Broker::resume(ConsumerId consumer) {
  core_->resume(consumer);
}

Answer<std::optional<Delivery>> Broker::get(SessionId session, const std::string& queue, bool no_ack) {
  return core_->get(session, queue, no_ack);
}

std::vector<QueueStatus> Broker::queues() const {
  std::vector<QueueStatus> all;
  for (const auto& [name, queue] : core_->queues) {
    if (!queue->tapped) all.push_back(queue->status());
  }
  return all;
}

MemoryUse Broker::memory() const {
  return {core_->residents.entries, core_->residents.body_bytes, core_->outstanding.size(), core_->residents.loads};
}

StorageState Broker::storage() const {
  if (core_->log->failure()) return StorageState::failed;
  return core_->log->stalled() ? StorageState::full : StorageState::writable;
}

std::optional<QueueStatus> Broker::queue(std::string_view name) const {
  const auto* queue = core_->find_queue(name);
  return queue == nullptr ? std::nullopt : std::optional(queue->status());
}

const QueueSpec* Broker::queue_spec(std::string_view name) const {
  const auto* queue = core_->find_queue(name);
  return queue == nullptr ? nullptr : &queue->spec;
}

std::vector<ExchangeSpec> Broker::exchanges() const {
  std::vector<ExchangeSpec> all;
  for (const auto& [name, exchange] : core_->exchanges) all.push_back(exchange->spec());
  return all;
}

std::vector<BindingSpec> Broker::bindings() const {
  std::vector<BindingSpec> all;
  for (const auto& [name, exchange] : core_->exchanges) {
    for (const auto& binding : exchange->bindings()) {
      const auto& to = binding.to;
      all.push_back({name, to.queue != nullptr ? to.queue->spec.name : to.exchange->spec().name, to.exchange != nullptr,
                     binding.key, binding.arguments});
    }
  }
  return all;
}

void Broker::hold_publishing(std::optional<std::string> reason) {
  core_->publishing_held = std::move(reason);
}

Answer<std::vector<MessagePtr>> Broker::peek(std::string_view queue, std::size_t offset, std::size_t count) const {
  return core_->peek(queue, offset, count);
}

void Broker::last(const std::string& queue, Last found) {
  const auto kept = core_->peek(queue, 0, 1);
  found(kept && !kept->empty() ? kept->front() : nullptr);
}

Answer<Done> Broker::browse(std::string_view queue, std::uint64_t after,
                            const std::function<bool(const Waiting&)>& visit) const {
  return core_->browse(queue, after, visit);
}

Answer<std::vector<Delivery>> Broker::take(SessionId session, std::string_view queue,
                                           const std::vector<std::uint64_t>& numbers) {
  return core_->take(session, queue, numbers);
}

void Broker::close(std::function<void(Status)> closed) {
  core_->log->close(std::move(closed));
}

}  // namespace millrace::broker
