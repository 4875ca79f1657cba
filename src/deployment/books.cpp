#include "deployment/books.hpp"

#include <algorithm>
#include <limits>

#include "amqp/properties.hpp"
#include "component/json_document.hpp"
#include "core/log.hpp"

namespace millrace::deployment {
namespace {

namespace names = flow::names;

std::int64_t since(std::uint64_t now, std::uint64_t before) {
  return static_cast<std::int64_t>(now) - static_cast<std::int64_t>(before);
}

bool is_trigger(const flow::Plan& plan, const flow::WorkerPlan& worker) {
  return worker.step == plan.trigger.step;
}

/// Each step directly after the trigger gets every message of it; one that joins further streams gets theirs, too.
bool follows_trigger(const flow::Plan& plan, const flow::WorkerPlan& worker) {
  return std::ranges::any_of(plan.bindings, [&](const flow::BindingPlan& binding) {
    return binding.queue == worker.queue() && binding.key == names::output_key(plan.trigger.step);
  });
}

std::int64_t number(const boost::json::object& of, std::string_view name) {
  const auto* found = of.if_contains(name);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

}  // namespace

Balance& Balance::operator+=(const Balance& more) {
  accepted += more.accepted;
  done += more.done;
  filtered += more.filtered;
  dead += more.dead;
  dropped += more.dropped;
  in_flight += more.in_flight;
  retrying += more.retrying;
  return *this;
}

Books::Sums& Books::Sums::operator+=(const Sums& more) {
  balance += more.balance;
  polled += more.polled;
  return *this;
}

Books::Books(broker::Queues& broker, broker::SessionId session) : broker_(broker), session_(session) {
  if (!broker_.keeps_books()) return;
  broker::QueueSpec queue;
  queue.name = names::accounts_queue;
  queue.durable = false;
  queue.exclusive = true;
  if (auto declared = broker_.declare_queue(session_, queue, nullptr); !declared) {
    log::error("what is filtered is counted as done", {{"reason", declared.error().text}});
  }
  broker_.tap(names::accounts_queue, [this](const broker::Message& message) { take(message); });
}

void Books::hear_accounts(const flow::Plan& plan) {
  const auto bound = broker_.bind_queue(session_, std::string(names::accounts_queue), plan.exchange.name,
                                        std::string(names::accounts_key), {}, nullptr);
  if (!bound) log::error("what is filtered is counted as done", {{"reason", bound.error().text}});
}

void Books::add(const flow::Plan& plan) {
  if (broker_.keeps_books()) hear_accounts(plan);
  const auto [account, added] = accounts_.try_emplace(plan.flow);
  if (added) account->second.before = letters_of(plan.flow);
  auto& version = account->second.versions[plan.exchange.name];
  version = {&plan, {}};
  for (const auto& worker : plan.workers) version.steps.push_back({count_of(broker_, worker)});
}

void Books::close(const flow::Plan& plan) {
  const auto account = accounts_.find(plan.flow);
  if (account == accounts_.end()) return;
  const auto version = account->second.versions.find(plan.exchange.name);
  if (version == account->second.versions.end()) return;
  account->second.closed += sums_of(version->second);
  account->second.versions.erase(version);
}

void Books::forget(const std::string& flow) {
  const auto account = accounts_.find(flow);
  if (account == accounts_.end()) return;
  const auto& closed = account->second.closed;
  forgotten_.balance.done += closed.balance.done;
  forgotten_.polled += closed.polled;
  accounts_.erase(account);
}

void Books::retried(const std::string& flow, std::size_t count) {
  const auto account = accounts_.find(flow);
  if (account != accounts_.end()) account->second.retried += static_cast<std::int64_t>(count);
}

void Books::take(const broker::Message& message) {
  const auto properties = amqp::decode_properties(message.properties);
  const auto told = component::parse_document(message.body);
  if (!properties || !properties->headers || !told || !told->is_object()) return;
  const auto account = accounts_.find(std::string(names::flow_of_exchange(message.exchange)));
  if (account == accounts_.end()) return;
  const auto version = account->second.versions.find(message.exchange);
  if (version == account->second.versions.end()) return;
  const auto& workers = version->second.plan->workers;
  const auto worker = std::ranges::find(workers, properties->headers->text("stepId"), &flow::WorkerPlan::step);
  if (worker == workers.end()) return;
  auto& step = version->second.steps[static_cast<std::size_t>(worker - workers.begin())];
  step.filtered += number(told->get_object(), "filtered");
  step.dead += number(told->get_object(), "dead");
}

Books::Letters Books::letters_of(const std::string& flow) const {
  const auto queue = broker_.queue(names::dead_letter_queue(flow));
  if (!queue) return {};
  return {static_cast<std::int64_t>(queue->ready + queue->arriving + queue->unsettled),
          static_cast<std::int64_t>(queue->published_total)};
}

Books::Sums Books::sums_of(const Version& version) const {
  const auto& plan = *version.plan;
  Sums sums;
  auto& balance = sums.balance;
  std::uint64_t polled = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t i = 0; i < plan.workers.size(); ++i) {
    const auto& worker = plan.workers[i];
    const auto& [before, filtered, dead] = version.steps[i];
    const auto now = count_of(broker_, worker);
    auto removed = since(now.removed(), before.removed());
    if (is_trigger(plan, worker)) {
      // Its ticks are no messages of the flow until one is a dead letter, for its workers were lost over it.
      removed -= since(now.purged, before.purged);
      balance.accepted += removed;
      balance.dropped += removed;
      continue;
    }
    if (follows_trigger(plan, worker)) polled = std::min(polled, now.taken - std::min(now.taken, before.taken));
    const auto handled = since(now.finished, before.finished) - filtered - dead;
    const auto in_flight = static_cast<std::int64_t>(now.in_flight());
    balance.accepted += static_cast<std::int64_t>(before.in_flight()) + since(now.taken, before.taken);
    // What was handed on is accepted again at the next steps.
    if (worker.settings.has_successors) balance.accepted -= handled;
    if (!worker.settings.has_successors) balance.done += handled;
    balance.filtered += filtered;
    balance.dead += dead;
    balance.dropped += removed;
    balance.in_flight += in_flight;
    balance.retrying += static_cast<std::int64_t>(now.retrying);
  }
  const bool polls = plan.ticks && plan.ticks->polls && polled != std::numeric_limits<std::uint64_t>::max();
  if (polls) sums.polled = polled;
  return sums;
}

Books::Sums Books::sums_of(const Account& account) const {
  auto sums = account.closed;
  for (const auto& [exchange, version] : account.versions) sums += sums_of(version);
  return sums;
}

Balance Books::balance_of(const std::string& flow, const Account& account) const {
  auto balance = sums_of(account).balance;
  const auto letters = letters_of(flow);
  const auto made = letters.published - account.before.published;
  const auto left = account.before.held + made - letters.held;
  const auto made_by_broker = made - balance.dead;
  balance.accepted += account.before.held - account.retried;
  balance.dropped += left - account.retried - made_by_broker;
  balance.dead = letters.held;
  return balance;
}

Balance Books::of(const std::string& flow) const {
  const auto account = accounts_.find(flow);
  return account == accounts_.end() ? Balance{} : balance_of(flow, account->second);
}

Totals Books::totals(std::uint64_t executions) const {
  auto sums = forgotten_;
  for (const auto& [flow, account] : accounts_) {
    auto of_flow = sums_of(account);
    of_flow.balance.dead = letters_of(flow).held;
    sums += of_flow;
  }
  const auto& all = sums.balance;
  const auto count = [](std::int64_t value) { return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value)); };
  return {executions + sums.polled, count(all.in_flight - all.retrying), count(all.done), count(all.retrying),
          count(all.dead)};
}

}  // namespace millrace::deployment
