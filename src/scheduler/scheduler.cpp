#include "scheduler/scheduler.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "component/json_text.hpp"
#include "component/message.hpp"
#include "core/id.hpp"
#include "core/log.hpp"
#include "core/time/timestamp.hpp"

namespace millrace::scheduler {
namespace json_text = component::json_text;
namespace names = flow::names;
using component::Schedule;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// At least this often the wall clock is looked at, since it may have been set.
constexpr seconds longest_sleep{10};
constexpr seconds retry_interval{1};
constexpr milliseconds storing_interval{20};
constexpr std::chrono::hours small_step_back{1};

/// The ledger's entry: for which schedule, and the time of its last tick.
std::string ledger_text(const Schedule& schedule, io::WallTime last) {
  return "{\"schedule\":" + json_text::quoted(schedule.text()) + ",\"last\":\"" + to_timestamp(last) + "\"}";
}

/// The last tick's time; nullopt if the entry is for another schedule.
std::optional<io::WallTime> read_ledger(const Schedule& schedule, std::string_view text) {
  if (json_text::unquoted(json_text::member(text, "schedule")) != schedule.text()) return std::nullopt;
  const auto last = json_text::unquoted(json_text::member(text, "last"));
  const auto time = parse_timestamp(last.value_or(""));
  if (!time) return std::nullopt;
  return *time;
}

broker::MessagePtr make_message(const std::string& flow, std::string routing_key, const amqp::Properties& properties,
                                std::string body) {
  auto message = std::make_shared<broker::Message>();
  message->exchange = names::exchange(flow);
  message->routing_key = std::move(routing_key);
  message->properties = amqp::encode_properties(properties);
  message->body = std::move(body);
  return message;
}

}  // namespace

Scheduler::Scheduler(io::Loop& loop, broker::Broker& broker, const std::vector<flow::Plan>& plans)
    : loop_(loop), broker_(broker), session_(broker.begin_session()) {
  for (const auto& plan : plans) {
    if (plan.ticks) triggers_.push_back({plan.flow, *plan.ticks, {}});
  }
}

Scheduler::~Scheduler() {
  stop();
  broker_.end_session(session_, broker::SessionEnd::clean);
}

void Scheduler::start() {
  for (auto& trigger : triggers_) resume(trigger);
  look();
}

void Scheduler::stop() {
  loop_.cancel(timer_);
  timer_ = 0;
}

std::vector<Scheduler::Upcoming> Scheduler::upcoming() const {
  std::vector<Upcoming> all;
  for (const auto& trigger : triggers_) {
    const auto& schedule = trigger.plan.schedule;
    all.push_back({trigger.flow, trigger.plan.step, schedule.text(), schedule.next(trigger.last)});
  }
  return all;
}

void Scheduler::resume(Trigger& trigger) {
  const auto entry = broker_.peek(names::tick_queue(trigger.flow, trigger.plan.step), 0, 1);
  if (entry && !entry->empty()) {
    if (const auto last = read_ledger(trigger.plan.schedule, entry->front()->body)) {
      trigger.last = *last;
      return;
    }
  }
  const auto now = loop_.wall_now();
  trigger.last = now;
  if (trigger.plan.polls && trigger.plan.schedule.is_interval()) return tick(trigger, {now});
  commit(trigger, now, nullptr);
}

void Scheduler::look() {
  std::chrono::nanoseconds sleep = longest_sleep;
  for (auto& trigger : triggers_) sleep = std::min(sleep, look_at(trigger));
  if (triggers_.empty()) return;
  timer_ = loop_.after(sleep, [this] { look(); });
}

std::chrono::nanoseconds Scheduler::look_at(Trigger& trigger) {
  if (trigger.storing) return storing_interval;
  const auto& schedule = trigger.plan.schedule;
  const auto now = loop_.wall_now();
  if (trigger.last > now + small_step_back && schedule.next(now) < trigger.last) {
    log::warning("the clock was set back: a trigger begins anew",
                 {{"flow", trigger.flow}, {"step", trigger.plan.step}, {"last", to_timestamp(trigger.last)}});
    commit(trigger, now, nullptr);
    return retry_interval;
  }
  const auto due = schedule.latest(trigger.last, now);
  if (!due) return schedule.next(trigger.last) - now;
  if (schedule.catch_up() == Schedule::CatchUp::skip && due->at + grace < now) {
    log::info("missed ticks are skipped", {{"flow", trigger.flow},
                                           {"step", trigger.plan.step},
                                           {"ticks", std::to_string(due->missed + 1)},
                                           {"last", to_timestamp(due->at)}});
    commit(trigger, due->at, nullptr);
  } else if (!is_busy(trigger)) {
    tick(trigger, *due);
  }
  if (trigger.last < due->at) return retry_interval;
  return std::min<std::chrono::nanoseconds>(retry_interval, schedule.next(trigger.last) - now);
}

bool Scheduler::is_busy(const Trigger& trigger) const {
  if (!trigger.plan.polls) return false;
  const auto work = broker_.queue(names::step_queue(trigger.flow, trigger.plan.step));
  const auto rebounds = broker_.queue(names::rebound_queue(trigger.flow, trigger.plan.step));
  return (work && work->ready + work->unsettled + work->arriving > 0) ||
         (rebounds && rebounds->ready + rebounds->arriving > 0);
}

void Scheduler::tick(Trigger& trigger, const Schedule::Due& due) {
  commit(trigger, due.at, message(trigger, due));
}

void Scheduler::commit(Trigger& trigger, io::WallTime last, broker::MessagePtr message) {
  broker::Batch batch;
  const bool executes = message != nullptr && !trigger.plan.polls;
  if (message) batch.publishes.push_back(std::move(message));
  batch.publishes.push_back(ledger_entry(trigger, last));
  const auto stored = [this, &trigger, executes](const Status& status) {
    trigger.storing = false;
    if (!status) {
      return log::error("a tick could not be stored",
                        {{"flow", trigger.flow}, {"step", trigger.plan.step}, {"reason", status.error().message}});
    }
    if (executes) ++executions_total_;
  };
  const auto answer = broker_.commit(session_, std::move(batch), stored);
  if (!answer) {
    if (!trigger.refused) {
      log::warning("a tick waits: the broker refuses it",
                   {{"flow", trigger.flow}, {"step", trigger.plan.step}, {"reason", answer.error().text}});
    }
    trigger.refused = true;
    return;
  }
  trigger.refused = false;
  trigger.storing = true;
  trigger.last = last;
}

broker::MessagePtr Scheduler::ledger_entry(const Trigger& trigger, io::WallTime last) const {
  amqp::Properties properties;
  properties.content_type = "application/json";
  properties.delivery_mode = 2;
  return make_message(trigger.flow, names::tick_key(trigger.plan.step), properties,
                      ledger_text(trigger.plan.schedule, last));
}

broker::MessagePtr Scheduler::message(const Trigger& trigger, const Schedule::Due& due) const {
  const auto& step = trigger.plan.step;
  const auto scheduled_at = to_timestamp(due.at);
  const auto id = derived_id({trigger.flow, step, scheduled_at});
  amqp::Properties properties;
  properties.content_type = "application/json";
  properties.delivery_mode = 2;
  properties.message_id = id;
  amqp::FieldTable headers;
  headers.set("messageId", id);
  headers.set("threadId", id);
  headers.set("taskId", trigger.flow);
  headers.set("stepId", step);
  properties.headers = std::move(headers);
  const auto body = fmt::format(R"({{"scheduled_at":"{}","fired_at":"{}","missed":{}}})", scheduled_at,
                                to_timestamp(loop_.wall_now()), due.missed);
  auto envelope = component::Message::make(id, body, "{}", "{}");
  return make_message(trigger.flow, trigger.plan.polls ? names::input_key(step) : names::output_key(step), properties,
                      std::move(envelope).take_envelope());
}

}  // namespace millrace::scheduler
