#include "component/step_worker.hpp"

#include "amqp/client/lasting_link.hpp"
#include "amqp/client/step_link.hpp"
#include "component/platform_credential.hpp"
#include "component/presence_sender.hpp"
#include "component/record_sender.hpp"
#include "component/settings_request.hpp"
#include "component/snapshot_request.hpp"
#include "component/step_runner.hpp"
#include "component/worker_outside.hpp"
#include "io/posix/code_pages.hpp"

namespace millrace::component {
using amqp::client::LastingLink;
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
    if (environment_.confirms()) presence_.emplace(loop_, environment_, [this] { return presence(); });
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
    if (environment_.confirms()) {  // the platform has no queue for these then
      settings.accounts_key.clear();
      settings.health_key.clear();
    }
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
      handlers.ready = [ready = std::move(handlers.ready)] {
        io::posix::release_code_pages();
        ready();
      };
      return link(prefetch, std::move(handlers));
    });
  }

  std::unique_ptr<Link> link(std::uint16_t prefetch, Link::Handlers handlers) {
    StepLink::Settings settings{environment_.amqp_uri, environment_.listen_messages_on, prefetch,
                                environment_.container_id};
    if (!environment_.confirms()) return std::make_unique<StepLink>(loop_, std::move(settings), std::move(handlers));
    settings.confirms.emplace();
    settings.confirms->snapshot_key = environment_.snapshot_routing_key;
    settings.confirms->save_snapshot = [this](const std::string& text, std::function<void(Status)> done) {
      save_snapshot(loop_, environment_, text, std::move(done));
    };
    handlers.ready = [this, ready = std::move(handlers.ready)] {
      ready();
      presence_->tell();
    };
    handlers.interrupted = [this, interrupted = std::move(handlers.interrupted)](Error why) {
      interrupted(std::move(why));
      presence_->tell();
    };
    const auto make = [this, settings](Link::Handlers of_one) {
      return std::make_unique<StepLink>(loop_, settings, std::move(of_one));
    };
    auto lasting = std::make_unique<LastingLink>(loop_, make, std::move(handlers));
    lasting_ = lasting.get();
    return lasting;
  }

  Presence presence() const {
    Presence presence;
    if (!runner_) return presence;
    presence.counts = runner_->counts();
    if (lasting_ == nullptr) return presence;
    presence.connected = lasting_->is_ready();
    const auto* link = static_cast<const StepLink*>(lasting_->current());
    presence.in_work = link == nullptr ? 0 : link->unsettled();
    return presence;
  }

  void end(Status status) {
    if (!ended_) return;
    const auto ended = std::move(ended_);
    ended_ = nullptr;
    presence_.reset();
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
  LastingLink* lasting_ = nullptr;          ///< runner_'s, with RabbitMQ
  std::optional<PresenceSender> presence_;  ///< with RabbitMQ
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
