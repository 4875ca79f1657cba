#include "orchestrator/reconciler.hpp"

#include <algorithm>
#include <map>

namespace millrace::orchestrator {
namespace {

using Kind = Decision::Kind;

class Pass {
 public:
  Pass(io::SteadyTime now, const Limits& limits) : now_(now), limits_(limits) {}

  void wanted(const Actual& worker) {
    switch (worker.phase) {
      case Phase::waiting:
        if (worker.admitted) decide(Kind::retire, worker);
        if (due(worker.next_start)) decide(Kind::start, worker);
        break;
      case Phase::preparing:
        if (due(worker.since + limits_.prepare_timeout)) end_by_force(worker);
        break;
      case Phase::starting:
        if (due(worker.since + limits_.start_timeout)) end_by_force(worker);
        break;
      case Phase::lost:
        if (due(worker.since + limits_.lost_timeout)) end_by_force(worker);
        break;
      case Phase::stopping:  // it was not wanted for a while; it ends, and then another one starts
        if (due(worker.since + limits_.grace)) end_by_force(worker);
        break;
      case Phase::running:
      case Phase::killed:
        break;
    }
  }

  void unwanted(const Actual& worker) {
    switch (worker.phase) {
      case Phase::waiting:
        if (worker.admitted) decide(Kind::retire, worker);
        decide(Kind::forget, worker);
        break;
      case Phase::preparing:
      case Phase::starting:
      case Phase::running:
      case Phase::lost:
        decide(Kind::terminate, worker);
        break;
      case Phase::stopping:
        if (due(worker.since + limits_.grace)) end_by_force(worker);
        break;
      case Phase::killed:
        break;
    }
  }

  void missing(const std::string& name) { result.decisions.push_back({Kind::start, name}); }

  Reconciled result;

 private:
  void decide(Kind kind, const Actual& worker) { result.decisions.push_back({kind, worker.name}); }

  void end_by_force(const Actual& worker) {
    decide(Kind::retire, worker);
    decide(Kind::kill, worker);
  }

  bool due(io::SteadyTime when) {
    if (when <= now_) return true;
    result.look_again = std::min(when, result.look_again.value_or(when));
    return false;
  }

  io::SteadyTime now_;
  const Limits& limits_;
};

}  // namespace

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::waiting:
      return "waiting";
    case Phase::preparing:
      return "preparing";
    case Phase::starting:
      return "starting";
    case Phase::running:
      return "running";
    case Phase::lost:
      return "lost";
    case Phase::stopping:
      return "stopping";
    case Phase::killed:
      return "killed";
  }
  return "waiting";
}

Reconciled reconcile(const std::set<std::string>& desired, const std::vector<Actual>& actual, io::SteadyTime now,
                     const Limits& limits) {
  Pass pass(now, limits);
  std::set<std::string> seen;
  for (const auto& worker : actual) {
    seen.insert(worker.name);
    if (desired.contains(worker.name)) {
      pass.wanted(worker);
    } else {
      pass.unwanted(worker);
    }
  }
  for (const auto& name : desired) {
    if (!seen.contains(name)) pass.missing(name);
  }
  return std::move(pass.result);
}

}  // namespace millrace::orchestrator
