#include "flow_tests/case_run.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/id.hpp"
#include "flow_tests/call_document.hpp"
#include "flow_tests/compare.hpp"
#include "gateway/media_type.hpp"

namespace millrace::flow_tests {
namespace json = boost::json;

namespace {

constexpr auto time_max = std::chrono::hours(24 * 400);
constexpr std::uint64_t turns_max = 20'000'000;
constexpr std::size_t tries_max = 200'000;

json::object document_of(const io::posix::HttpResponse& response) {
  json::object headers;
  if (!response.content_type.empty()) headers["content-type"] = response.content_type;
  for (const auto& [name, value] : response.headers) headers[gateway::lower(name)] = value;
  return {{"status", response.status},
          {"headers", std::move(headers)},
          {"body", body_of(response.body, response.content_type)}};
}

std::string shown_body(const std::string& text) {
  return text.empty() ? std::string() : ": " + shown(body_of(text, ""));
}

/// One thing that comes to the flow, once.
struct Arrival {
  const Given* given;
  std::string id;               ///< of the execution that it begins
  std::size_t answer = 0;       ///< requests: place of its answer in the trace
  bool begun = false;           ///< in this life or an earlier one
  bool done = false;            ///< answered, stored; of ticks: over
  io::WallTime ticks_end = {};  ///< ticks only
};

class Run {
 public:
  Run(const TestedFlow& tested, const Case& one, std::optional<Kill> kill)
      : tested_(tested), case_(one), kill_(kill), stubs_(one.stubs), journal_(stubs_, one.starts_at), disk_(1) {
    for (const auto& given : one.given) {
      for (std::uint32_t i = 0; i < given.times; ++i) add(given);
    }
  }

  CaseRun run() {
    if (begin_life(case_.starts_at)) {
      life_->commit_points().arm(kill_);
      while (go_on()) {
      }
    }
    return result();
  }

 private:
  void add(const Given& given) {
    Arrival arrival{&given, derived_id({tested_.flow.name, case_.name, std::to_string(arrivals_.size())})};
    auto& answers = journal_.trace().answers;
    if (std::holds_alternative<GivenRequest>(given.what)) {
      arrival.answer = answers.size();
      answers.emplace_back();
    } else if (const auto* message = std::get_if<GivenMessage>(&given.what)) {
      if (!message->id.empty()) arrival.id = message->id;
    } else {
      arrival.ticks_end = end_of(std::get<GivenTicks>(given.what), case_.starts_at + given.at);
    }
    last_arrival_ = std::max({last_arrival_, case_.starts_at + given.at, arrival.ticks_end});
    arrivals_.push_back(std::move(arrival));
  }

  io::WallTime end_of(const GivenTicks& ticks, io::WallTime begin) const {
    if (ticks.span) return begin + *ticks.span;
    const auto& schedule = tested_.plan.ticks->schedule;
    const bool at_once = tested_.plan.ticks->polls && schedule.is_interval();
    auto end = begin;
    for (std::int64_t i = at_once ? 1 : 0; i < ticks.count; ++i) end = schedule.next(end);
    return end;
  }

  /// False: it cannot start, and the run is broken.
  bool begin_life(io::WallTime now) {
    life_ = std::make_unique<PlatformLife>(tested_, disk_, journal_, now);
    if (auto started = life_->start(); !started) {
      journal_.broken(started.error().message);
      return false;
    }
    for (auto& arrival : arrivals_) {
      if (!arrival.done && was_taken(arrival)) give_up_answer(arrival);
    }
    life_->loop().run_tasks();
    for (auto& arrival : arrivals_) {
      if (!arrival.done) begin(arrival);
    }
    return true;
  }

  /// Whether a request of an earlier life is on the disk, or was.
  bool was_taken(const Arrival& arrival) {
    if (!arrival.begun || !std::holds_alternative<GivenRequest>(arrival.given->what)) return false;
    const auto& tries = journal_.trace().tries;
    return life_->has_taken(arrival.id) || std::ranges::find(tries, arrival.id, &Try::message_id) != tries.end();
  }

  void begin(Arrival& arrival) {
    const auto delay = std::max(case_.starts_at + arrival.given->at - life_->loop().wall_now(), milliseconds(0));
    life_->loop().after(delay, [this, &arrival] { come(arrival); });
  }

  /// The platform has the request, and died before it said so.
  void give_up_answer(Arrival& arrival) {
    arrival.done = true;
    ++journal_.trace().lost_answers;
    journal_.trace().answers[arrival.answer] = {{"lost", true}};
  }

  void come(Arrival& arrival) {
    arrival.begun = true;
    if (const auto* request = std::get_if<GivenRequest>(&arrival.given->what)) {
      journal_.line("a request comes" + shown_body(request->body));
      life_->request(*request, arrival.id, [this, &arrival](const io::posix::HttpResponse& response) {
        arrival.done = true;
        journal_.trace().answers[arrival.answer] = document_of(response);
        journal_.line(fmt::format("it is answered {}{}", response.status, shown_body(response.body)));
      });
    } else if (const auto* message = std::get_if<GivenMessage>(&arrival.given->what)) {
      journal_.line(fmt::format("a message comes to {}{}", message->step, shown_body(message->body)));
      life_->put(*message, arrival.id, [this, &arrival](const Status& stored) {
        if (!stored) journal_.broken(stored.error().message);
        arrival.done = true;
      });
    } else {
      life_->start_schedule();
      const auto rest = std::max(arrival.ticks_end - life_->loop().wall_now(), milliseconds(0));
      life_->loop().after(rest + milliseconds(1), [this, &arrival] {
        life_->stop_schedule();
        arrival.done = true;
      });
    }
  }

  /// One turn; false when there is nothing left to do, or the run is broken.
  bool go_on() {
    auto& loop = life_->loop();
    const bool call_kills = kill_ && kill_->at == Kill::At::call && journal_.trace().calls.size() >= kill_->number;
    if (!crashed_ && (life_->commit_points().is_dead() || call_kills)) return crash();
    if (!journal_.trace().broken.empty()) return false;
    if (journal_.trace().tries.size() > tries_max) return stuck("after 200,000 tries");
    if (!loop.has_tasks()) {
      const bool all_came = std::ranges::all_of(arrivals_, &Arrival::done);
      if (all_came && life_->is_at_rest()) return false;
      if (life_->loop().wall_now() > last_arrival_ + time_max) return stuck("400 days after the last of what is given");
    }
    if (++turns_ > turns_max) return stuck("after 20 million turns");
    return loop.step() || stuck("and nothing will happen any more");
  }

  bool stuck(std::string_view when) {
    auto left = life_->what_is_left();
    if (left.empty()) left = "something that was given";
    journal_.broken(fmt::format("the flow does not come to its end: {}, {} left", when, left));
    return false;
  }

  bool crash() {
    crashed_ = true;
    remember_points();
    journal_.line("the platform is killed, and starts again");
    const auto now = life_->loop().wall_now();
    life_.reset();
    disk_.power_on(io::sim::Loss::everything);
    return begin_life(now);
  }

  void remember_points() {
    points_.commits = life_->commit_points().commits();
    points_.calls = journal_.trace().calls.size();
  }

  CaseRun result() {
    auto& trace = journal_.trace();
    if (!trace.lines.empty()) trace.elapsed = trace.lines.back().at;
    if (!crashed_) remember_points();
    if (trace.broken.empty()) {
      trace.dead_letters = life_->dead_letters();
      for (const auto& worker : tested_.plan.workers) {
        trace.handled[worker.step] = life_->handled(worker.step);
        if (auto snapshot = life_->snapshot(worker.step); !snapshot.is_null()) {
          trace.snapshots[worker.step] = std::move(snapshot);
        }
      }
    }
    life_.reset();
    return {std::move(trace), points_.commits, points_.calls};
  }

  TestedFlow tested_;
  const Case& case_;
  std::optional<Kill> kill_;
  Stubs stubs_;
  Journal journal_;
  io::sim::SimDisk disk_;
  std::vector<Arrival> arrivals_;  ///< does not grow once the run has begun
  io::WallTime last_arrival_ = case_.starts_at;
  std::unique_ptr<PlatformLife> life_;
  bool crashed_ = false;
  std::uint64_t turns_ = 0;
  struct {
    std::uint64_t commits = 0;
    std::uint64_t calls = 0;
  } points_;
};

}  // namespace

CaseRun run_case(const TestedFlow& tested, const Case& one, std::optional<Kill> kill) {
  return Run(tested, one, kill).run();
}

}  // namespace millrace::flow_tests
