#include "orchestrator/driver/docker/engine_watch.hpp"

#include "core/log.hpp"

namespace millrace::orchestrator::docker {

void EngineWatch::watch(std::function<void()> lost, std::function<void()> back) {
  lost_ = std::move(lost);
  back_ = std::move(back);
}

/// The engine's answers come no later than it is destroyed, so that `this` is there.
void EngineWatch::call(EngineCall call, Done done) {
  engine_->call(std::move(call), [this, done = std::move(done)](Result<EngineAnswer> answer) {
    if (answer) {
      reached();
    } else {
      unreachable(answer.error());
    }
    done(std::move(answer));
  });
}

void EngineWatch::unreachable(const Error& why) {
  if (!trouble_) {
    log::warning("containers cannot be looked after; those that run go on", {{"reason", why.message}});
    trouble_ = Trouble{why.message, loop_.wall_now()};
    if (lost_) lost_();
  }
  trouble_->what = why.message;
}

void EngineWatch::reached() {
  if (!trouble_) return;
  log::info("the Docker Engine answers again", {{"engine", name()}});
  trouble_.reset();
  if (back_) back_();
}

}  // namespace millrace::orchestrator::docker
