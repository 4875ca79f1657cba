#include "component/step_runner.hpp"

#include <algorithm>
#include <charconv>
#include <deque>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "component/evaluation.hpp"
#include "component/outbox.hpp"
#include "component/step_commits.hpp"
#include "component/step_input.hpp"
#include "component/step_tracer.hpp"
#include "component/target_health.hpp"
#include "core/log.hpp"

namespace millrace::component {
using amqp::client::Commit;
using amqp::client::Delivery;
using amqp::client::Link;

namespace {

/// One delivery from its arrival to its commit.
struct InWork {
  std::uint64_t tag = 0;
  std::uint64_t tie = 0;  ///< State::tie_ when it came
  Lineage lineage;
  std::string envelope;  ///< as it came
  std::optional<Message> input;
  std::uint64_t emitted = 0;  ///< by earlier pages of the same tick
  io::WallTime began = {};
  io::SteadyTime began_steady = {};
  bool finished = false;
};

std::uint16_t prefetch_of(const WorkerEnvironment& environment, bool immediate, std::size_t in_hand_max, bool polls) {
  std::uint16_t asked = 0;
  const auto& text = environment.prefetch;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), asked);
  if (failed == std::errc() && end == text.data() + text.size() && asked > 0) return asked;
  if (polls) return 1;
  // What waits for its commit still counts as delivered, so there must be more than the action has in hand.
  constexpr std::size_t immediate_prefetch = 500;
  constexpr std::size_t prefetch_per_slot = 4;
  constexpr std::size_t prefetch_max = 1000;
  const auto wanted = immediate ? immediate_prefetch : in_hand_max * prefetch_per_slot;
  return static_cast<std::uint16_t>(std::min(wanted, prefetch_max));
}

}  // namespace

class StepRunner::State : public std::enable_shared_from_this<StepRunner::State> {
 public:
  State(io::Loop& loop, Outside& outside, Assignment assignment, std::function<void(Status)> ended)
      : loop_(loop),
        environment_(std::move(assignment.environment)),
        settings_(std::move(assignment.settings)),
        watch_(assignment.watch),
        records_(assignment.records),
        spans_(assignment.spans),
        services_{loop,
                  outside,
                  environment_.flow_id,
                  environment_.step_id,
                  settings_.has_successors,
                  watch_ != nullptr || (records_ != nullptr && StepRecorder::wants_outputs(settings_)),
                  assignment.seed,
                  assignment.credential},
        ended_(std::move(ended)),
        commits_(loop, {[this](StepCommits::Batch& batch) { complete(batch); },
                        [this](StepCommits::Batch& batch) { took_effect(batch); },
                        [this](const Error& why) { end(why.in("commit")); }, [this] { close_if_idle(); }}) {}

  Status start(const Catalogue& catalogue, const Connect& connect) {
    auto input = StepInput::compile(settings_, services_);
    if (!input) return input.error();
    input_.emplace(std::move(*input));
    if (spans_ != nullptr) services_.spans = &tracer_.emplace(loop_, environment_, settings_);
    auto polls = make_action(catalogue);
    if (!polls) return polls.error().in("step " + settings_.id);
    polls_ = *polls;
    outbox_.emplace(loop_, environment_, settings_, polls_);
    if (records_ != nullptr) recorder_.emplace(environment_, settings_, *polls);
    snapshot_ = saved_snapshot_ = settings_.snapshot.empty() ? "{}" : settings_.snapshot;
    link_ = connect(prefetch_of(environment_, action_->immediate(), in_hand_max_, *polls), handlers());
    commits_.begin(*link_);
    return Done{};
  }

  void drain() {
    const auto keep = shared_from_this();  // `ended` may destroy the StepRunner
    if (draining_) return;
    draining_ = true;
    waiting_.clear();
    if (!link_) return end(Done{});
    link_->stop_consuming();
    close_if_idle();
  }

  const StepCounts& counts() const { return commits_.counts(); }

 private:
  /// Sets action_; whether it is a polling trigger's.
  Result<bool> make_action(const Catalogue& catalogue) {
    const auto name = settings_.component + "." + settings_.function;
    const auto* function = catalogue.find(name);
    Result<std::unique_ptr<Action>> action = Error{Error::Kind::not_found, "there is no action " + name};
    bool polls = false;
    if (settings_.program) {
      if (catalogue.host()) action = catalogue.host()(settings_, services_);
      polls = settings_.program->polls;
    } else if (function != nullptr && function->make) {
      action = function->make(settings_.config, services_);
      polls = function->descriptor.kind == Descriptor::Kind::polling_trigger;
    }
    if (!action) return action.error();
    action_ = std::move(*action);
    // A program is told of it and keeps it; some of its messages only wait for their commit.
    const bool said = settings_.concurrency > 0 && !settings_.program;
    in_hand_max_ = said ? settings_.concurrency : action_->concurrency();
    return polls;
  }

  Link::Handlers handlers() {
    const std::weak_ptr<State> weak = weak_from_this();
    Link::Handlers handlers;
    handlers.ready = [weak] {
      if (const auto self = weak.lock()) self->linked();
    };
    handlers.delivered = [weak](Delivery delivery) {
      if (const auto self = weak.lock()) self->take(std::move(delivery));
    };
    handlers.lost = [weak](Error why) {
      if (const auto self = weak.lock()) self->end(why.in("link to the broker"));
    };
    handlers.interrupted = [weak](const Error&) {
      if (const auto self = weak.lock()) self->interrupted();
    };
    return handlers;
  }

  void linked() {
    log::debug("worker ready", {{"queue", environment_.listen_messages_on}});
    commits_.mended();
  }

  /// The link mends itself; all that it had delivered comes again. What the action has in hand ends without effect.
  void interrupted() {
    ++tie_;
    waiting_.clear();
    if (tracer_) (void)tracer_->take();
    snapshot_ = saved_snapshot_;
    commits_.interrupted();  // and with it pages, which find that their tick is void
    close_if_idle();
  }

  void take(Delivery delivery) {
    if (draining_) return;
    waiting_.push_back(std::move(delivery));
    work();
  }

  /// Begins as many deliveries as the action takes at once. Not re-entered by an action that finishes at once.
  void work() {
    if (working_) return;
    working_ = true;
    while (!waiting_.empty() && in_hand_ < in_hand_max_ && !draining_ && !gives_back_) {
      auto delivery = std::move(waiting_.front());
      waiting_.pop_front();
      ++in_hand_;
      begin(std::move(delivery));
    }
    working_ = false;
  }

  void begin(Delivery delivery) {
    auto item = std::make_shared<InWork>();
    item->tag = delivery.tag;
    item->tie = tie_;
    item->envelope = std::move(delivery.body);
    note_begin(*item);
    auto lineage = Lineage::read(delivery.properties);
    if (!lineage) return finish(*item, Outcome::dead({"message.properties", lineage.error().message}));
    item->lineage = std::move(*lineage);
    if (tracer_ && !polls_) tracer_->begin(item->lineage);
    if (item->lineage.lost_too_often(settings_.retry.attempts)) {
      --item->lineage.attempt;  // this one is not made
      return finish(*item, Outcome::dead({"worker.lost", "the worker was lost while it had this message in hand"}));
    }

    auto prepared = input_->prepare(item->lineage, item->envelope);
    if (!prepared) return finish(*item, Outcome::dead(prepared.error()));
    if (!*prepared) {
      Outcome passed_by;
      passed_by.filtered = true;
      return finish(*item, std::move(passed_by));
    }
    item->input = std::move(**prepared);
    if (item->lineage.message_id.empty()) item->lineage.name_after(*item->input);
    act(item);
  }

  void act(const std::shared_ptr<InWork>& item) {
    item->finished = false;
    const auto& lineage = item->lineage;
    Work work{*item->input,    lineage.message_id, lineage.execution_id, lineage.reply_to,
              lineage.attempt, snapshot_,          lineage.trace};
    if (watch_ != nullptr) watch_->began(work);
    const auto once = [weak = weak_from_this(), item](Outcome outcome) {
      const auto self = weak.lock();
      if (!self) return;
      if (outcome.late) return self->add_late(*item, std::move(outcome));
      MILLRACE_CHECK(!item->finished, "an action called finish twice for one message");
      item->finished = true;
      const bool is_page = outcome.kind == Outcome::Kind::ok && outcome.more && item->tie == self->tie_;
      if (is_page) return self->commit_page(item, std::move(outcome));
      self->finish(*item, std::move(outcome));
    };
    try {
      action_->process(std::move(work), once);
    } catch (const std::exception& exception) {
      if (!item->finished) once(Outcome::dead({"action.exception", exception.what()}));
    }
  }

  void note_begin(InWork& item) {
    if (!recorder_ && !tracer_) return;
    item.began = loop_.wall_now();
    item.began_steady = loop_.steady_now();
  }

  /// Puts down what became of a message; `from`: where its publishes begin. `unread`: emissions that nobody gets.
  /// `over`: the step is through with it for now, not only with a part of what it puts out.
  void record(const InWork& item, const Outcome& outcome, std::size_t from, std::span<const Emission> unread,
              bool over) {
    if (!recorder_ && !tracer_) return;
    const Handled handled{item.lineage,
                          item.envelope,
                          item.input ? &*item.input : nullptr,
                          outcome,
                          std::span(gathered().publishes).subspan(from),
                          unread,
                          over,
                          item.began,
                          loop_.steady_now() - item.began_steady};
    if (recorder_) recorder_->add(handled, commits_.gathered().records);
    if (tracer_) polls_ ? tracer_->add_beginnings(handled, item.began_steady) : tracer_->add(handled);
  }

  /// Emissions that only the history gets; the others are moved on.
  std::vector<Emission> unread(const InWork& item, const Outcome& outcome) const {
    if (!recorder_ || settings_.has_successors || !recorder_->wants(item.lineage)) return {};
    std::vector<Emission> kept;
    for (const auto& emission : outcome.emissions) {
      if (emission.routing_key.empty()) kept.push_back(emission);
    }
    return kept;
  }

  /// A polling trigger's page: its items and position take effect, its tick stays open.
  void commit_page(const std::shared_ptr<InWork>& item, Outcome outcome) {
    if (watch_ != nullptr) watch_->ended(item->lineage, outcome);
    const auto from = gathered().publishes.size();
    if (auto added = emit(*item, outcome.emissions); !added) {
      return finish(*item, Outcome::dead({"message.too_large", added.error().message}));
    }
    record(*item, outcome, from, {}, false);
    keep_snapshot(std::move(outcome.snapshot));
    commits_.gathered().then.push_back([this, item] { go_on(item); });
    commits_.flush_soon();
  }

  void go_on(const std::shared_ptr<InWork>& item) {
    note_begin(*item);
    if (!draining_ && item->tie == tie_) return act(item);
    --in_hand_;  // The tick is not acknowledged: it comes again, and the snapshot says where to go on.
  }

  void finish(InWork& item, Outcome outcome) {
    --in_hand_;
    if (item.tie != tie_) return drop_void();
    if (watch_ != nullptr) watch_->ended(item.lineage, outcome);
    const bool counted = judge_target(item.lineage, outcome);
    auto& publishes = gathered().publishes;
    const auto from = publishes.size();
    const auto kept = unread(item, outcome);
    if (auto added = emit(item, outcome.emissions); !added) {
      outcome = Outcome::dead({"message.too_large", added.error().message});
    }
    keep_snapshot(std::move(outcome.snapshot));
    if (polls_ && outcome.kind == Outcome::Kind::failed) outcome.kind = Outcome::Kind::rebound;
    if (outcome.kind == Outcome::Kind::failed) {
      tell(item.lineage, outcome.failure, false);
      outbox_->add_dead_letter(item.lineage, item.envelope, outcome.failure, publishes);
    } else if (outcome.kind == Outcome::Kind::rebound) {
      const bool comes_again = outbox_->add_rebound(item.lineage, item.envelope, outcome, publishes, counted);
      tell(item.lineage, outcome.failure, comes_again);
      if (!comes_again) outcome.kind = Outcome::Kind::failed;
    }
    record(item, outcome, from, kept, true);
    account(outcome, from);
    gathered().acks.push_back(item.tag);
    commits_.flush_soon();
    work();
  }

  /// Of a message that was in hand when the link was interrupted.
  void drop_void() {
    work();
    close_if_idle();
  }

  void account(const Outcome& outcome, std::size_t from) {
    if (polls_) return;
    auto& counts = commits_.gathered().counts;
    if (outcome.kind != Outcome::Kind::ok) {
      ++(outcome.kind == Outcome::Kind::failed ? counts.dead : counts.rebounds);
      return;
    }
    const auto goes_on = [this](const auto& message) { return message.routing_key == environment_.data_routing_key; };
    const auto& publishes = gathered().publishes;
    const bool ends = settings_.has_successors && std::none_of(publishes.begin() + from, publishes.end(), goes_on);
    ++(ends || outcome.filtered ? counts.filtered : counts.done);
  }

  /// What the outcome says of the step's target. Whether it is one of the message's attempts.
  bool judge_target(const Lineage& lineage, const Outcome& outcome) {
    if (settings_.health_key.empty() || action_->immediate()) return true;
    const auto now = loop_.steady_now();
    const auto& code = outcome.failure.code;
    const bool never_went_there = outcome.filtered || code.starts_with("jsonata.") || code.starts_with("message.") ||
                                  code.starts_with("worker.") || code.starts_with("action.");
    probed_ = probed_ || lineage.probe;
    if (outcome.kind != Outcome::Kind::rebound) {
      if (!never_went_there) health_.passed(now);
      return true;
    }
    const bool seemed_down = health_.seems_down();
    health_.failed(lineage.message_id, outcome);
    const bool counted = health_.counts(outcome, lineage.probe, now);
    if (counted && lineage.attempt >= settings_.retry.attempts) health_.gave_up(lineage.message_id);
    if (health_.seems_down() && !seemed_down) {
      // The platform hears of it with this commit, and holds the queue: then what has not been begun goes back there.
      gives_back_ = true;
      commits_.gathered().then.push_back([this] { give_back(); });
    }
    return counted;
  }

  void give_back() {
    for (const auto& delivery : waiting_) gathered().returns.push_back(delivery.tag);
    waiting_.clear();
    gives_back_ = false;
  }

  static void tell(const Lineage& lineage, const Failure& failure, bool is_tried_again) {
    log::warning(is_tried_again ? "message put back" : "message failed", {{"code", failure.code},
                                                                          {"reason", failure.message},
                                                                          {"attempt", std::to_string(lineage.attempt)},
                                                                          {"execution", lineage.execution_id},
                                                                          {"message", lineage.message_id}});
  }

  Status emit(InWork& item, std::vector<Emission>& emissions) {
    if (emissions.empty()) return Done{};
    const auto count = emissions.size();
    auto added =
        outbox_->add_emissions(item.lineage, *item.input, std::move(emissions), item.emitted, gathered().publishes);
    if (added) item.emitted += count;
    return added;
  }

  void add_late(InWork& item, Outcome outcome) {
    if (!ended_ || item.tie != tie_) return;
    const auto from = gathered().publishes.size();
    if (auto added = emit(item, outcome.emissions); !added)
      log::error("emission lost", {{"reason", added.error().message}});
    record(item, outcome, from, {}, false);
    keep_snapshot(std::move(outcome.snapshot));
    commits_.flush_soon();
  }

  void keep_snapshot(std::optional<std::string> snapshot) {
    if (!snapshot) return;
    snapshot_ = *snapshot;
    outbox_->add_snapshot(std::move(*snapshot), gathered().publishes);
  }

  void complete(StepCommits::Batch& batch) {
    auto& publishes = batch.commit.publishes;
    if (auto report = health_.take_report(loop_.steady_now(), std::exchange(probed_, false)))
      outbox_->add_health(std::move(*report), publishes);
    // What ends here without being done the platform's books cannot tell from the acknowledgement.
    const Outbox::Account ended{static_cast<std::uint32_t>(batch.counts.filtered),
                                static_cast<std::uint32_t>(batch.counts.dead)};
    if (!settings_.accounts_key.empty() && !ended.empty()) outbox_->add_account(ended, publishes);
    if (tracer_) batch.spans = tracer_->take();
    committing_snapshot_ = snapshot_;
  }

  void took_effect(StepCommits::Batch& batch) {
    saved_snapshot_ = std::move(committing_snapshot_);
    if (!batch.records.empty()) records_->take(batch.records);
    if (!batch.spans.empty()) spans_->take(batch.spans);
  }

  Commit& gathered() { return commits_.gathered().commit; }

  void close_if_idle() {
    if (!draining_ || in_hand_ > 0 || commits_.busy() || closing_ || !ended_) return;
    closing_ = true;
    link_->close([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->end(Done{});
    });
  }

  void end(Status status) {
    if (!ended_) return;
    const auto ended = std::move(ended_);
    ended_ = nullptr;
    draining_ = true;
    waiting_.clear();
    commits_.stop();
    ended(std::move(status));
  }

  io::Loop& loop_;
  WorkerEnvironment environment_;
  StepSettings settings_;
  StepWatch* watch_;
  RecordSink* records_;
  RecordSink* spans_;
  Services services_;
  std::function<void(Status)> ended_;  ///< null once called

  std::optional<StepInput> input_;
  std::unique_ptr<Action> action_;
  std::optional<Outbox> outbox_;
  std::optional<StepRecorder> recorder_;  ///< none: no history is recorded
  std::optional<StepTracer> tracer_;      ///< none: no traces are
  std::unique_ptr<Link> link_;
  std::string snapshot_;
  std::string committing_snapshot_;  ///< as the commit under way has it
  std::string saved_snapshot_;       ///< as what has taken effect has it
  bool polls_ = false;               ///< a polling trigger: its ticks are tried until they work

  std::deque<Delivery> waiting_;
  std::size_t in_hand_ = 0;
  std::size_t in_hand_max_ = 1;
  bool working_ = false;
  bool draining_ = false;
  bool closing_ = false;
  std::uint64_t tie_ = 0;  ///< how often the link was interrupted

  TargetHealth health_;
  bool probed_ = false;      ///< what is to be committed has a probe's outcome
  bool gives_back_ = false;  ///< what waits here is about to return to the queue

  StepCommits commits_;
};

StepRunner::StepRunner(io::Loop& loop, Outside& outside, Assignment assignment, std::function<void(Status)> ended)
    : state_(std::make_shared<State>(loop, outside, std::move(assignment), std::move(ended))) {}

StepRunner::~StepRunner() = default;

Status StepRunner::start(const Catalogue& catalogue, const Connect& connect) {
  return state_->start(catalogue, connect);
}

void StepRunner::drain() {
  state_->drain();
}

const StepCounts& StepRunner::counts() const {
  return state_->counts();
}

}  // namespace millrace::component
