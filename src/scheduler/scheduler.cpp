#include "scheduler/scheduler.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "component/json_text.hpp"
#include "component/message.hpp"
#include "component/origin.hpp"
#include "core/id.hpp"
#include "core/log.hpp"
#include "core/time/timestamp.hpp"
#include "flow/beginning_trace.hpp"

namespace millrace::scheduler {
namespace json_text = component::json_text;
namespace names = flow::names;
using component::Schedule;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// At least this often the wall clock is looked at, since it may have been set.
constexpr seconds longest_sleep{10};
constexpr milliseconds clock_tolerance{200};
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

/// The same for a trigger and a time, however often it is asked; evenly spread.
milliseconds jitter_of(const std::string& flow, const Schedule& schedule, io::WallTime at) {
  if (schedule.jitter().count() <= 0) return milliseconds(0);
  const auto hash = std::hash<std::string>()(flow + to_timestamp(at));
  return milliseconds(hash % static_cast<std::uint64_t>(schedule.jitter().count()));
}

broker::MessagePtr make_message(const std::string& flow, std::int64_t version, std::string routing_key,
                                const amqp::Properties& properties, std::string body) {
  auto message = std::make_shared<broker::Message>();
  message->exchange = names::exchange(flow, version);
  message->routing_key = std::move(routing_key);
  message->properties = amqp::encode_properties(properties);
  message->body = std::move(body);
  return message;
}

}  // namespace

Scheduler::Scheduler(io::Loop& loop, broker::Queues& broker)
    : loop_(loop), broker_(broker), session_(broker.begin_session()) {
  clock_was_set();
}

Scheduler::~Scheduler() {
  stop();
  broker_.end_session(session_, broker::SessionEnd::clean);
}

void Scheduler::serve(const flow::Plan& plan) {
  if (!plan.ticks || stopped_) return withdraw(plan.flow);
  const auto known = triggers_.find(plan.flow);
  Trigger trigger{plan.flow, plan.version, *plan.ticks};
  // The same schedule goes on where it was, even while its last tick is being stored and the ledger does not say so
  // yet.
  const bool goes_on = known != triggers_.end() && known->second.plan.step == plan.ticks->step &&
                       known->second.plan.schedule.text() == plan.ticks->schedule.text();
  if (goes_on) {
    trigger.last = known->second.last;
    trigger.storing = known->second.storing;
    trigger.resuming = known->second.resuming;
  }
  withdraw(plan.flow);
  auto& served = triggers_.emplace(plan.flow, std::move(trigger)).first->second;
  if (!goes_on) resume(served);
  plan_look(served, std::chrono::nanoseconds(0));
  set_timer();
}

void Scheduler::withdraw(const std::string& flow) {
  const auto known = triggers_.find(flow);
  if (known == triggers_.end()) return;
  agenda_.erase({known->second.look_at, flow});
  triggers_.erase(known);
}

void Scheduler::wait_for(const std::string& flow, std::vector<std::string> queues) {
  if (const auto known = triggers_.find(flow); known != triggers_.end()) known->second.waits_for = std::move(queues);
}

void Scheduler::stop() {
  stopped_ = true;
  agenda_.clear();
  loop_.cancel(std::exchange(timer_, 0));
}

std::optional<Scheduler::Upcoming> Scheduler::upcoming(const std::string& flow) const {
  const auto known = triggers_.find(flow);
  if (known == triggers_.end()) return std::nullopt;
  return upcoming_of(known->second);
}

std::vector<Scheduler::Upcoming> Scheduler::all_upcoming() const {
  std::vector<Upcoming> all;
  for (const auto& [flow, trigger] : triggers_) all.push_back(upcoming_of(trigger));
  return all;
}

Scheduler::Upcoming Scheduler::upcoming_of(const Trigger& trigger) const {
  const auto& schedule = trigger.plan.schedule;
  Upcoming upcoming{trigger.flow, trigger.plan.step, schedule.text(), schedule.next(trigger.last), trigger.last};
  upcoming.looks = is_busy(trigger);
  if (upcoming.looks) upcoming.trouble = trouble_of(trigger);
  return upcoming;
}

std::optional<Scheduler::Trouble> Scheduler::trouble_of(const Trigger& trigger) const {
  const auto waiting = broker_.peek(names::rebound_queue(trigger.flow, trigger.version, trigger.plan.step), 0, 1);
  if (!waiting || waiting->empty()) return trigger.trouble;
  const auto properties = amqp::decode_properties(waiting->front()->properties);
  if (!properties || !properties->headers) return trigger.trouble;
  const auto& headers = *properties->headers;
  return Trouble{std::string(headers.text("reboundReason")), headers.integer("failingSince"),
                 headers.integer("triedAgainAt"), static_cast<std::uint32_t>(headers.integer("reboundIteration"))};
}

void Scheduler::resume(Trigger& trigger) {
  trigger.resuming = true;
  broker_.last(names::tick_queue(trigger.flow, trigger.plan.step),
               [this, flow = trigger.flow](const Result<broker::MessagePtr>& entry) {
                 const auto known = triggers_.find(flow);
                 if (known == triggers_.end() || !known->second.resuming || stopped_) return;
                 resume(known->second, entry);
               });
}

void Scheduler::resume(Trigger& trigger, const Result<broker::MessagePtr>& entry) {
  if (!entry) {
    log::warning("a trigger waits: what it did last cannot be read",
                 {{"flow", trigger.flow}, {"step", trigger.plan.step}, {"reason", entry.error().message}});
    loop_.after(retry_interval, [this, flow = trigger.flow] {
      const auto known = triggers_.find(flow);
      if (known != triggers_.end() && known->second.resuming && !stopped_) resume(known->second);
    });
    return;
  }
  trigger.resuming = false;
  if (*entry) {
    if (const auto last = read_ledger(trigger.plan.schedule, (*entry)->body)) {
      trigger.last = *last;
      return;
    }
  }
  const auto now = loop_.wall_now();
  trigger.last = now;
  if (leads_ && !leads_()) return;
  if (trigger.plan.polls && trigger.plan.schedule.is_interval()) return tick(trigger, {now});
  commit(trigger, now, nullptr);
}

void Scheduler::look() {
  const auto now = loop_.steady_now();
  const bool all = clock_was_set();
  std::vector<std::string> due;
  for (const auto& [when, flow] : agenda_) {
    if (when > now && !all) break;
    due.push_back(flow);
  }
  for (const auto& flow : due) {
    auto& trigger = triggers_.at(flow);
    plan_look(trigger, look_at(trigger));
  }
  set_timer();
}

void Scheduler::plan_look(Trigger& trigger, std::chrono::nanoseconds from_now) {
  agenda_.erase({trigger.look_at, trigger.flow});
  trigger.look_at = loop_.steady_now() + from_now;
  agenda_.emplace(trigger.look_at, trigger.flow);
}

void Scheduler::set_timer() {
  loop_.cancel(std::exchange(timer_, 0));
  if (agenda_.empty() || stopped_) return;
  const auto until_next = agenda_.begin()->first - loop_.steady_now();
  timer_ = loop_.after(std::clamp<std::chrono::nanoseconds>(until_next, {}, longest_sleep), [this] { look(); });
}

bool Scheduler::clock_was_set() {
  const std::chrono::nanoseconds ahead = loop_.wall_now().time_since_epoch() - loop_.steady_now().time_since_epoch();
  const bool set = std::chrono::abs(ahead - wall_ahead_) > clock_tolerance;
  if (set) wall_ahead_ = ahead;
  return set;
}

std::chrono::nanoseconds Scheduler::look_at(Trigger& trigger) {
  if (trigger.storing || trigger.resuming) return storing_interval;
  if (leads_ && !leads_()) return retry_interval;
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
  const auto begins = due->at + jitter_of(trigger.flow, schedule, due->at);
  if (begins > now) return begins - now;
  if (schedule.catch_up() == Schedule::CatchUp::skip && due->at + grace < now) {
    log::info("missed ticks are skipped", {{"flow", trigger.flow},
                                           {"step", trigger.plan.step},
                                           {"ticks", std::to_string(due->missed + 1)},
                                           {"last", to_timestamp(due->at)}});
    commit(trigger, due->at, nullptr);
  } else if (is_busy(trigger)) {
    trigger.trouble = trouble_of(trigger);
  } else {
    trigger.trouble.reset();
    tick(trigger, *due);
  }
  if (trigger.last < due->at) return retry_interval;
  return std::min<std::chrono::nanoseconds>(retry_interval, schedule.next(trigger.last) - now);
}

bool Scheduler::is_busy(const Trigger& trigger) const {
  if (!trigger.plan.polls) return false;
  const auto holds_work = [&](const std::string& name) {
    const auto queue = broker_.queue(name);
    return queue && queue->ready + queue->unsettled + queue->arriving > 0;
  };
  return holds_work(names::step_queue(trigger.flow, trigger.version, trigger.plan.step)) ||
         holds_work(names::rebound_queue(trigger.flow, trigger.version, trigger.plan.step)) ||
         std::ranges::any_of(trigger.waits_for, holds_work);
}

void Scheduler::tick(Trigger& trigger, const Schedule::Due& due) {
  commit(trigger, due.at, message(trigger, due));
}

void Scheduler::commit(Trigger& trigger, io::WallTime last, broker::MessagePtr message) {
  broker::Batch batch;
  const bool executes = message != nullptr && !trigger.plan.polls;
  if (message) batch.publishes.push_back(message);
  batch.publishes.push_back(ledger_entry(trigger, last));
  const auto stored = [this, flow = trigger.flow, executes, last, before = trigger.last,
                       message = std::move(message)](const Status& status) {
    const auto known = triggers_.find(flow);
    if (known != triggers_.end()) known->second.storing = false;
    if (!status) {
      // It is due again.
      if (known != triggers_.end() && known->second.last == last) known->second.last = before;
      return log::error("a tick could not be stored", {{"flow", flow}, {"reason", status.error().message}});
    }
    if (!executes) return;
    ++executions_total_;
    flow::tell_beginning(tracer_, *message, "timer");
    if (!began_) return;
    const auto id = json_text::unquoted(json_text::member(message->body, "id")).value_or("");
    began_({message->exchange, id, id, {message, &message->body}, "timer"});
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
  return make_message(trigger.flow, trigger.version, names::tick_key(trigger.plan.step), properties,
                      ledger_text(trigger.plan.schedule, last));
}

broker::MessagePtr Scheduler::message(const Trigger& trigger, const Schedule::Due& due) const {
  const auto& step = trigger.plan.step;
  const auto scheduled_at = to_timestamp(due.at);
  const auto id = derived_id({trigger.flow, step, scheduled_at});
  component::Origin origin;
  origin.message = origin.execution = id;
  origin.flow = trigger.flow;
  origin.step = step;
  origin.at = loop_.wall_now();
  const auto traceparent = trigger.plan.polls ? std::string() : flow::new_traceparent(tracer_);
  origin.traceparent = traceparent;
  const auto body = fmt::format(R"({{"scheduled_at":"{}","fired_at":"{}","missed":{}}})", scheduled_at,
                                to_timestamp(loop_.wall_now()), due.missed);
  auto envelope = component::Message::make(id, body, "{}", "{}");
  return make_message(trigger.flow, trigger.version,
                      trigger.plan.polls ? names::input_key(step) : names::output_key(step),
                      component::properties_of(origin), std::move(envelope).take_envelope());
}

}  // namespace millrace::scheduler
