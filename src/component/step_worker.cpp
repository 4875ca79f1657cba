#include "component/step_worker.hpp"

#include "component/platform_credential.hpp"
#include "component/record_sender.hpp"
#include "component/settings_request.hpp"
#include "component/step_runner.hpp"
#include "component/worker_outside.hpp"
#include "io/posix/code_pages.hpp"

namespace millrace::component {
using amqp::client::Link;
using amqp::client::StepLink;

class StepWorker::State : public std::enable_shared_from_this<StepWorker::State> {
 public:
  State(io::posix::AsioLoop& loop, const Catalogue& catalogue, WorkerEnvironment environment,
        std::function<void(Status)> ended)
      : loop_(loop),
        catalogue_(catalogue),
        environment_(std::move(environment)),
        ended_(std::move(ended)),
        outside_(loop, "worker " + environment_.flow_id + "/" + environment_.step_id) {}

  void start() {
    request_settings(loop_, environment_, [weak = weak_from_this()](Result<StepSettings> settings) {
      const auto self = weak.lock();
      if (!self || !self->ended_) return;
      if (!settings) return self->end(settings.error());
      if (auto status = self->run(std::move(*settings)); !status) self->end(status.error());
    });
  }

  void drain() {
    const auto keep = shared_from_this();  // `ended` may destroy the StepWorker
    runner_ ? runner_->drain() : end(Done{});
  }

 private:
  Status run(StepSettings settings) {
    if (!settings.credential.empty()) credential_.emplace(loop_, environment_);
    StepRunner::Assignment assignment{environment_, std::move(settings)};
    const auto& policy = assignment.settings.history;
    if (policy && policy->record != history::Policy::Record::none) {
      assignment.records = &sender_.emplace(loop_, environment_, "history");
    }
    if (assignment.settings.trace_ratio) {
      assignment.spans = &span_sender_.emplace(loop_, environment_, "spans");
    }
    assignment.credential = credential_ ? &*credential_ : nullptr;
    runner_.emplace(loop_, outside_, std::move(assignment), [this](Status status) { end(std::move(status)); });
    return runner_->start(catalogue_, [this](std::uint16_t prefetch, Link::Handlers handlers) {
      StepLink::Settings link{environment_.amqp_uri, environment_.listen_messages_on, prefetch,
                              environment_.container_id};
      handlers.ready = [ready = std::move(handlers.ready)] {
        io::posix::release_code_pages();
        ready();
      };
      return std::make_unique<StepLink>(loop_, std::move(link), std::move(handlers));
    });
  }

  void end(Status status) {
    if (!ended_) return;
    const auto ended = std::move(ended_);
    ended_ = nullptr;
    const auto finish_spans = [this, ended, status = std::move(status)] {
      span_sender_ ? span_sender_->finish([ended, status] { ended(status); }) : ended(status);
    };
    sender_ ? sender_->finish(finish_spans) : finish_spans();
  }

  io::posix::AsioLoop& loop_;
  const Catalogue& catalogue_;
  WorkerEnvironment environment_;
  std::function<void(Status)> ended_;  ///< null once called

  WorkerOutside outside_;
  std::optional<RecordSender> sender_;       ///< none: no history is recorded
  std::optional<RecordSender> span_sender_;  ///< none: no traces are
  std::optional<PlatformCredential> credential_;
  std::optional<StepRunner> runner_;
};

StepWorker::StepWorker(io::posix::AsioLoop& loop, const Catalogue& catalogue, WorkerEnvironment environment,
                       std::function<void(Status)> ended)
    : state_(std::make_shared<State>(loop, catalogue, std::move(environment), std::move(ended))) {
  state_->start();
}

StepWorker::~StepWorker() = default;

void StepWorker::drain() {
  state_->drain();
}

}  // namespace millrace::component
