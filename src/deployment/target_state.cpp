#include "deployment/target_state.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>

#include "component/target_health.hpp"

namespace millrace::deployment {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::duration<double>;
namespace json = boost::json;

constexpr std::chrono::milliseconds probe_interval_min{1'000};
constexpr std::chrono::milliseconds probe_interval_max{30'000};
constexpr std::chrono::seconds memory_of_rate{30};
constexpr std::uint64_t window_first = 2;
constexpr std::uint64_t window_open = 256;  ///< from here on nothing is held any more

}  // namespace

std::optional<HealthReport> HealthReport::parse(std::string_view text) {
  boost::system::error_code failed;
  const auto parsed = json::parse(text, failed);
  if (failed || !parsed.is_object()) return std::nullopt;
  HealthReport report;
  const auto& all = parsed.get_object();
  if (const auto* ok = all.if_contains("ok")) report.ok = ok->to_number<std::uint64_t>(failed);
  const auto* list = all.if_contains("failed");
  if (failed || list == nullptr || !list->is_array()) return std::nullopt;
  for (const auto& entry : list->get_array()) {
    if (!entry.is_object()) return std::nullopt;
    const auto& object = entry.get_object();
    const auto text_of = [&](const char* name) {
      const auto* value = object.if_contains(name);
      return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
    };
    HealthReport::Failed it{text_of("id"), text_of("reason"), {}, false};
    if (const auto* wait = object.if_contains("retry_after_ms")) {
      const auto count = wait->to_number<std::int64_t>(failed);
      if (!failed) it.retry_after = std::chrono::milliseconds(count);
    }
    const auto* dead = object.if_contains("dead");
    it.dead = dead != nullptr && dead->is_bool() && dead->get_bool();
    report.failed.push_back(std::move(it));
  }
  return report;
}

std::string_view to_string(TargetState::Mode mode) {
  switch (mode) {
    case TargetState::Mode::open:
      return "open";
    case TargetState::Mode::parked:
      return "parked";
    case TargetState::Mode::draining:
      return "draining";
    case TargetState::Mode::throttled:
      return "throttled";
  }
  return "open";
}

void TargetState::heard(const HealthReport& report, io::SteadyTime now) {
  if (report.ok > 0) {
    failing_.clear();
    passed_.emplace_back(now, report.ok);
    while (now - passed_.front().first > memory_of_rate) passed_.pop_front();
    passed_in_period_ += report.ok;
    if (mode_ == Mode::parked) drain(now);
  }
  std::optional<io::SteadyTime> come_again;
  for (const auto& it : report.failed) {
    if (it.dead) failing_.erase(it.message_id);
    if (!it.dead && failing_.size() < component::failures_of_a_target) failing_.insert(it.message_id);
    reason_ = it.reason;
    if (it.retry_after && *it.retry_after > 0ms) come_again = std::max(come_again.value_or(now), now + *it.retry_after);
  }
  if (report.failed.empty()) return;
  if (come_again) return throttle(*come_again, now);
  if (mode_ == Mode::parked) return probe_failed(now);
  const auto enough = mode_ == Mode::draining ? std::min<std::uint64_t>(component::failures_of_a_target, gate_.out_max)
                                              : component::failures_of_a_target;
  if (failing_.size() >= enough) park(now);
}

void TargetState::enter(Mode mode, io::SteadyTime now) {
  if (mode_ == Mode::open) since_ = now;
  mode_ = mode;
}

void TargetState::park(io::SteadyTime now) {
  if (mode_ == Mode::open || mode_ == Mode::throttled) usual_rate_ = passed_lately(now);
  const bool again = mode_ == Mode::draining;
  interval_ = again ? std::min(interval_ * 2, probe_interval_max) : probe_interval_min;
  if (mode_ == Mode::open) probes_ = 0;
  enter(Mode::parked, now);
  until_ = now + interval_;
  probing_ = false;
  gate_ = {broker::Gate::unlimited, 0, true};
}

/// What was in work when the step was parked fails as well, and is no probe.
void TargetState::probe_failed(io::SteadyTime now) {
  if (!probing_) return;
  interval_ = std::min(interval_ * 2, probe_interval_max);
  until_ = now + interval_;
  probing_ = false;
  gate_.credit = 0;
}

void TargetState::drain(io::SteadyTime now) {
  enter(Mode::draining, now);
  probing_ = false;
  passed_.clear();
  passed_.emplace_back(now, 1);
  settled_at_growth_.reset();
  gate_ = {window_first, broker::Gate::unlimited, true};
}

void TargetState::open() {
  mode_ = Mode::open;
  gate_ = {};
  failing_.clear();
  pace_ = 0;
}

void TargetState::throttle(io::SteadyTime until, io::SteadyTime now) {
  const bool waits = mode_ == Mode::throttled && now < until_;
  if (waits) {
    until_ = std::max(until_, until);
  } else {
    // What it has taken since it last let us in, over the time until it lets us in again, is what it takes.
    const auto began = mode_ == Mode::throttled ? period_began_ : now - std::chrono::seconds(1);
    const auto span = std::max(Seconds(until - began).count(), 0.1);
    const auto passed = mode_ == Mode::throttled ? static_cast<double>(passed_in_period_) : passed_lately(now);
    pace_ = std::max(passed / span, 1 / span);
    enter(Mode::throttled, now);
    until_ = until;
  }
  period_began_ = until_;
  passed_in_period_ = 0;
  credit_ = 0;
  paced_at_ = busy_at_ = until_;
  gate_ = {broker::Gate::unlimited, 0, false};
}

bool TargetState::look(const Queue& queue, io::SteadyTime now) {
  switch (mode_) {
    case Mode::open:
      return false;
    case Mode::parked:
      return look_at_probe(queue, now);
    case Mode::draining:
      return look_at_drain(queue);
    case Mode::throttled:
      return look_at_pace(queue, now);
  }
  return false;
}

bool TargetState::look_at_probe(const Queue& queue, io::SteadyTime now) {
  if (now < until_) return false;
  // A probe that came to nothing (its worker died, `when:` did not hold) is made up for by another.
  const bool vanished = probing_ && queue.credit == 0 && queue.out == 0 && now - probe_given_ >= probe_interval_min;
  if (probing_ && !vanished) return false;
  probing_ = true;
  probe_given_ = now;
  ++probes_;
  gate_.credit = 1;
  return true;
}

bool TargetState::look_at_drain(const Queue& queue) {
  if (!settled_at_growth_) settled_at_growth_ = queue.settled_total;
  const bool grows = queue.settled_total - *settled_at_growth_ >= gate_.out_max;
  if (!grows && queue.ready + queue.out > 0) return false;
  settled_at_growth_ = queue.settled_total;
  gate_.out_max *= 2;
  if (gate_.out_max >= window_open) open();
  return true;
}

bool TargetState::look_at_pace(const Queue& queue, io::SteadyTime now) {
  constexpr std::chrono::seconds raise_interval{5};
  constexpr double raise = 1.1;
  constexpr double pace_open = 2'000;
  if (now < until_) return false;
  if (queue.ready > 0) busy_at_ = now;
  if (now - busy_at_ >= 10s || pace_ >= pace_open) {
    open();
    return true;
  }
  if (now - period_began_ >= raise_interval) {
    pace_ *= raise;
    period_began_ = now;
    passed_in_period_ = 0;
  }
  const auto burst = std::max(1.0, pace_ / 10);
  credit_ = std::min(burst, credit_ + pace_ * Seconds(now - paced_at_).count());
  paced_at_ = now;
  const auto whole = std::floor(credit_);
  if (whole < 1 && queue.credit > 0) return false;
  credit_ -= whole;
  gate_.credit = std::min<std::uint64_t>(queue.credit + static_cast<std::uint64_t>(whole),
                                         static_cast<std::uint64_t>(std::ceil(burst)));
  return true;
}

double TargetState::passed_lately(io::SteadyTime now) const {
  if (passed_.empty()) return 0;
  std::uint64_t sum = 0;
  for (const auto& [at, count] : passed_) sum += count;
  return static_cast<double>(sum) / std::max(1.0, Seconds(now - passed_.front().first).count());
}

std::optional<double> TargetState::rate() const {
  if (mode_ == Mode::throttled) return pace_;
  const auto lately = passed_.empty() ? 0 : passed_lately(passed_.back().first);
  if (mode_ != Mode::parked && lately > 0) return lately;
  return usual_rate_ > 0 ? std::optional(usual_rate_) : std::nullopt;
}

}  // namespace millrace::deployment
