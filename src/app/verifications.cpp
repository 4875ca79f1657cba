#include "app/verifications.hpp"

#include <csignal>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "app/worker_launch.hpp"
#include "core/id.hpp"
#include "flow/plan.hpp"
#include "io/posix/process.hpp"

namespace millrace::app {
namespace {

using api::Verdict;

constexpr std::size_t trials_max = 4;
constexpr std::chrono::seconds patience{20};
constexpr std::size_t output_max = 64u << 10;
constexpr const char* flow_name = "verification";
constexpr std::int64_t version = 1;

/// What the process has written: log lines, and last a line with its verdict.
Verdict verdict_of(const std::string& output, const io::posix::ProcessEnd& end) {
  auto last = output.substr(0, output.find_last_not_of('\n') + 1);
  last = last.substr(last.rfind('\n') + 1);
  boost::system::error_code failed;
  const auto parsed = boost::json::parse(last, failed);
  const auto* object = failed ? nullptr : parsed.if_object();
  if (object != nullptr && object->contains("ok") && object->contains("message")) {
    const auto& message = object->at("message");
    return {object->at("ok") == boost::json::value(true),
            message.is_string() ? std::string(message.get_string()) : std::string()};
  }
  return {false, end.signal == 0 ? fmt::format("the worker ended with {}", end.exit_code)
                                 : fmt::format("the worker was killed by signal {}", end.signal)};
}

}  // namespace

struct Verifications::Trial {
  std::string queue;
  std::function<void(Verdict)> done;
  std::string output = {};
  std::unique_ptr<io::posix::Process> process = {};
  io::TimerId timer = 0;
};

Verifications::Verifications(Parts parts) : parts_(std::move(parts)) {}

Verifications::~Verifications() {
  for (auto& [id, trial] : trials_) parts_.loop.cancel(trial->timer);
}

void Verifications::start(const api::VerificationOrder& order, std::function<void(Verdict)> done) {
  if (trials_.size() >= trials_max) {
    parts_.loop.post([done = std::move(done)] {
      done({false, fmt::format("{} credentials are being tried already; try again later", trials_max)});
    });
    return;
  }
  flow::WorkerPlan plan;
  plan.flow = flow_name;
  plan.version = version;
  plan.step = random_token(8);
  plan.component = order.component;
  plan.function = order.function;
  plan.settings.id = plan.step;
  plan.settings.component = order.component;
  plan.settings.function = order.function;
  plan.settings.config = order.config;
  plan.settings.credential = order.credential;
  const orchestrator::Credentials access{"verification-" + plan.step, random_token()};
  auto launch = worker_launch(plan, {plan.flow, plan.version, plan.step, 1}, access, parts_.run_id, parts_.options);

  const auto id = access.user;
  auto trial = std::make_unique<Trial>(Trial{plan.queue(), std::move(done)});
  // It may ask for its settings and its credential, and do nothing in the broker.
  parts_.users.add(access.user, access.password, {.configure = "", .write = "", .read = trial->queue});
  parts_.worker_api.lend(trial->queue, plan);
  io::posix::ProcessSpec spec{"/proc/self/exe",
                              {"worker", "verification"},
                              launch.environment(parts_.doors),
                              launch.limits.memory_max,
                              "millrace"};
  spec.environment.emplace_back("MILLRACE_VERIFICATION", "1");
  io::posix::ProcessHandlers handlers;
  handlers.output = [trial = trial.get()](std::string_view piece) {
    if (trial->output.size() < output_max) trial->output.append(piece);
  };
  handlers.ended = [this, id, trial = trial.get()](const io::posix::ProcessEnd& end) {
    // The process tells this itself, and must not be destroyed from inside.
    parts_.loop.post([this, id, verdict = verdict_of(trial->output, end)] { over(id, verdict); });
  };
  auto process = io::posix::Process::start(parts_.loop, spec, std::move(handlers));
  auto& kept = *(trials_[id] = std::move(trial));
  if (!process) {
    parts_.loop.post([this, id, reason = process.error().message] { over(id, {false, reason}); });
    return;
  }
  kept.process = std::move(*process);
  kept.timer = parts_.loop.after(patience, [this, id] {
    over(id, {false, fmt::format("no answer within {} seconds", patience.count())});
  });
}

void Verifications::over(const std::string& id, const Verdict& verdict) {
  const auto found = trials_.find(id);
  if (found == trials_.end()) return;
  const auto trial = std::move(found->second);
  trials_.erase(found);
  parts_.loop.cancel(trial->timer);
  parts_.users.retire(id);
  parts_.worker_api.take_back(trial->queue);
  trial->process.reset();
  trial->done(verdict);
}

}  // namespace millrace::app
