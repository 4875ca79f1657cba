#include "deployment/topology.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "core/log.hpp"
#include "core/together.hpp"

namespace millrace::deployment {
namespace {

using broker::Queues;

Error refused(const std::string& what, const broker::Refusal& refusal) {
  return {Error::Kind::io, fmt::format("cannot declare {}: {}", what, refusal.text)};
}

class Declaration {
 public:
  Declaration(Queues& broker, broker::SessionId session, const std::function<void(Error)>& failed)
      : broker_(broker), session_(session), durable_([failed](const Status& status) {
          if (!status) failed(status.error());
        }) {}

  Status exchange(const broker::ExchangeSpec& spec) {
    const auto answer = broker_.declare_exchange(session_, spec, durable_);
    if (!answer) return refused("exchange " + spec.name, answer.error());
    return Done{};
  }

  Status queue(const broker::QueueSpec& spec) {
    auto answer = broker_.declare_queue(session_, spec, durable_);
    if (answer) return Done{};
    if (answer.error().code != amqp::ReplyCode::precondition_failed)
      return refused("queue " + spec.name, answer.error());
    constexpr bool even_if_used = false;
    constexpr bool only_if_empty = true;
    if (!broker_.delete_queue(session_, spec.name, even_if_used, only_if_empty, durable_)) {
      log::warning("a queue keeps its old settings until it is empty and the platform is started again",
                   {{"queue", spec.name}});
      return Done{};
    }
    answer = broker_.declare_queue(session_, spec, durable_);
    if (!answer) return refused("queue " + spec.name, answer.error());
    return Done{};
  }

  Status bind(const std::string& exchange, const flow::BindingPlan& binding) {
    const auto answer = broker_.bind_queue(session_, binding.queue, exchange, binding.key, {}, durable_);
    if (!answer) return refused(fmt::format("binding of {} with {}", binding.queue, binding.key), answer.error());
    return Done{};
  }

 private:
  Queues& broker_;
  broker::SessionId session_;
  Queues::Durable durable_;
};

/// Where what the trigger brings arrives.
std::vector<std::string> first_queues(const flow::Plan& plan) {
  std::vector<std::string> queues;
  for (const auto& binding : plan.bindings) {
    if (binding.key == plan.trigger.key) queues.push_back(binding.queue);
  }
  return queues;
}

bool belongs_to_version(const flow::Plan& plan, std::string_view queue) {
  return queue.starts_with(flow::names::step_queue(plan.flow, plan.version, ""));
}

}  // namespace

Status declare(Queues& broker, broker::SessionId session, const flow::Plan& plan,
               const std::function<void(Error)>& failed) {
  Declaration declaration(broker, session, failed);
  if (auto done = declaration.exchange(plan.exchange); !done) return done;
  for (const auto& queue : plan.queues) {
    if (auto done = declaration.queue(queue); !done) return done;
  }
  for (const auto& binding : plan.bindings) {
    if (auto done = declaration.bind(plan.exchange.name, binding); !done) return done;
  }
  return Done{};
}

void inherit_windows(Queues& broker, broker::SessionId session, const flow::Plan& plan,
                     const std::vector<const flow::Plan*>& earlier) {
  std::vector<std::string> sources;
  for (const auto* version : earlier) {
    for (auto& queue : first_queues(*version)) sources.push_back(std::move(queue));
  }
  if (sources.empty()) return;
  for (const auto& queue : first_queues(plan)) {
    const auto done = broker.inherit_window(session, queue, sources, nullptr);
    if (!done) log::error("repeats of earlier events are not told", {{"queue", queue}, {"reason", done.error().text}});
  }
}

std::vector<std::string> queues_of_steps(const flow::Plan& plan) {
  std::vector<std::string> names;
  for (const auto& worker : plan.workers) {
    names.push_back(worker.queue());
    names.push_back(worker.rebounds());
  }
  return names;
}

bool is_read(const Queues& broker, const flow::Plan& plan) {
  return std::ranges::any_of(queues_of_steps(plan), [&](const std::string& name) {
    const auto queue = broker.queue(name);
    return queue && queue->consumers > 0;
  });
}

std::uint64_t in_flight(const Queues& broker, const flow::Plan& plan) {
  std::uint64_t messages = 0;
  for (const auto& name : queues_of_steps(plan)) {
    if (const auto queue = broker.queue(name)) messages += queue->ready + queue->unsettled + queue->arriving;
  }
  return messages;
}

void drop_waiting_ticks(Queues& broker, broker::SessionId session, const flow::Plan& plan) {
  if (!plan.ticks || !plan.ticks->polls) return;
  const auto name = flow::names::rebound_queue(plan.flow, plan.version, plan.ticks->step);
  const auto queue = broker.queue(name);
  // Refused only when storage has failed: then nothing else goes on either.
  if (queue && queue->ready > 0) static_cast<void>(broker.purge_queue(session, name, nullptr));
}

Status remove_version(Queues& broker, broker::SessionId session, const flow::Plan& plan, Queues::Durable durable) {
  if (const auto messages = in_flight(broker, plan); messages > 0) {
    return Error{Error::Kind::conflict,
                 fmt::format("version {} of {} has {} messages in flight", plan.version, plan.flow, messages)};
  }
  std::vector<std::string> own;
  for (const auto& queue : plan.queues) {
    if (belongs_to_version(plan, queue.name)) own.push_back(queue.name);
  }
  const auto gone = together(own.size() + 1, std::move(durable));
  // What is gone already is as it should be: a removal goes on after a crash.
  constexpr bool even_if_used = false;
  constexpr bool even_with_messages = false;
  for (const auto& name : own) {
    if (!broker.delete_queue(session, name, even_if_used, even_with_messages, gone)) gone(Done{});
  }
  if (!broker.delete_exchange(session, plan.exchange.name, even_if_used, gone)) gone(Done{});
  return Done{};
}

void remove_flow(Queues& broker, broker::SessionId session, const std::string& flow,
                 const std::vector<std::int64_t>& versions, Queues::Durable durable) {
  std::vector<std::string> own;
  for (const auto& queue : broker.queues()) {
    if (queue.name.starts_with(flow + ".") || queue.name.starts_with(flow + "@")) own.push_back(queue.name);
  }
  const auto gone = together(own.size() + versions.size() + 1, std::move(durable));
  for (const auto& name : own) {
    if (!broker.delete_queue(session, name, false, false, gone)) gone(Done{});
  }
  for (const auto version : versions) {
    if (!broker.delete_exchange(session, flow::names::exchange(flow, version), false, gone)) gone(Done{});
  }
  gone(Done{});
}

std::vector<Leftover> leftovers(const Queues& broker, const std::vector<const flow::Plan*>& plans) {
  std::set<std::string> planned;
  for (const auto* plan : plans) {
    for (const auto& queue : plan->queues) planned.insert(queue.name);
  }
  std::vector<Leftover> result;
  for (const auto& queue : broker.queues()) {
    const auto messages = queue.ready + queue.unsettled;
    const bool is_replay = queue.name.starts_with(flow::names::replay_queue(""));
    if (messages > 0 && !is_replay && !planned.contains(queue.name)) result.push_back({queue.name, messages});
  }
  return result;
}

}  // namespace millrace::deployment
