#include "app/topology.hpp"

#include <set>

#include <fmt/format.h>

#include "core/log.hpp"

namespace millrace::app {
namespace {

using broker::Broker;

Error refused(const std::string& what, const broker::Refusal& refusal) {
  return {Error::Kind::io, fmt::format("cannot declare {}: {}", what, refusal.text)};
}

class Declaration {
 public:
  Declaration(Broker& broker, broker::SessionId session, const std::function<void(Error)>& failed)
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

  void unbind(const std::string& exchange, const std::string& queue, const std::string& key) {
    // A binding that never was is not an error worth a word.
    static_cast<void>(broker_.unbind_queue(session_, queue, exchange, key, {}, durable_));
  }

 private:
  Broker& broker_;
  broker::SessionId session_;
  Broker::Durable durable_;
};

/// The keys under which a flow's messages go out of its steps: those that an edit of `after:` binds elsewhere.
std::set<std::string> output_keys(const flow::Plan& plan) {
  std::set<std::string> keys;
  for (const auto& binding : plan.bindings) {
    if (binding.key.ends_with(":output")) keys.insert(binding.key);
  }
  for (const auto& worker : plan.workers) keys.insert(flow::names::output_key(worker.step));
  return keys;
}

void remove_old_bindings(Declaration& declaration, const Broker& broker, const flow::Plan& plan) {
  std::set<std::pair<std::string, std::string>> planned;
  for (const auto& binding : plan.bindings) planned.emplace(binding.queue, binding.key);
  const auto keys = output_keys(plan);
  for (const auto& queue : broker.queues()) {
    if (!queue.name.starts_with(plan.flow + ".")) continue;
    for (const auto& key : keys) {
      if (!planned.contains({queue.name, key})) declaration.unbind(plan.exchange.name, queue.name, key);
    }
  }
}

}  // namespace

Status declare(Broker& broker, broker::SessionId session, const std::vector<flow::Plan>& plans,
               const std::function<void(Error)>& failed) {
  Declaration declaration(broker, session, failed);
  for (const auto& plan : plans) {
    const bool known = broker.has_exchange(plan.exchange.name);
    if (auto done = declaration.exchange(plan.exchange); !done) return done;
    for (const auto& queue : plan.queues) {
      if (auto done = declaration.queue(queue); !done) return done;
    }
    for (const auto& binding : plan.bindings) {
      if (auto done = declaration.bind(plan.exchange.name, binding); !done) return done;
    }
    if (known) remove_old_bindings(declaration, broker, plan);
  }
  return Done{};
}

std::vector<Leftover> leftovers(const Broker& broker, const std::vector<flow::Plan>& plans) {
  std::set<std::string> planned;
  for (const auto& plan : plans) {
    for (const auto& queue : plan.queues) planned.insert(queue.name);
  }
  std::vector<Leftover> result;
  for (const auto& queue : broker.queues()) {
    const auto messages = queue.ready + queue.unsettled;
    if (messages > 0 && !planned.contains(queue.name)) result.push_back({queue.name, messages});
  }
  return result;
}

}  // namespace millrace::app
