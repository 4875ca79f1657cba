#include "hosting/sailor/sailor_action.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "component/base64.hpp"
#include "core/id.hpp"
#include "core/log.hpp"
#include "hosting/child.hpp"
#include "hosting/message_watch.hpp"
#include "hosting/page.hpp"
#include "hosting/sailor/amqp_door.hpp"
#include "hosting/sailor/handled.hpp"
#include "hosting/sailor/references.hpp"
#include "hosting/sailor/sailor_environment.hpp"
#include "hosting/sailor/task_api.hpp"

namespace millrace::hosting::sailor {
namespace {

using component::Finish;
using component::Work;

/// A component that does not await what it emits acknowledges first and publishes a moment later.
constexpr std::chrono::milliseconds afterglow{5};
/// Older libraries reject first and say why a moment later; a rejected message waits for that.
constexpr std::chrono::seconds reason_max{1};
/// From its start until it takes messages; npm's slowest components load for some seconds.
constexpr std::chrono::seconds readiness_max{60};
/// Messages that are done with by the component and wait for their commit do not keep it from the next ones.
constexpr std::size_t room_for_commits = 64;

std::size_t prefetch_of(const component::StepSettings& settings) {
  return std::max<std::uint32_t>(1, settings.concurrency);
}

/// The envelope as components know it: with all of its parts.
std::string envelope_of(const Work& work) {
  std::string text = work.message.envelope();
  text.pop_back();
  for (const char* part : {"body", "headers", "attachments", "metadata", "passthrough"}) {
    if (!work.message.part(part).empty()) continue;
    if (text.size() > 1) text += ',';
    text.append("\"").append(part).append("\":{}");
  }
  return text + "}";
}

class SailorAction final : public component::Action {
 public:
  SailorAction(io::posix::AsioLoop& loop, const component::WorkerEnvironment& environment,
               const component::StepSettings& settings, std::optional<StepLogin> login, Cipher cipher,
               std::function<void(Error)> lost)
      : loop_(loop),
        environment_(environment),
        settings_(settings),
        login_(std::move(login)),
        cipher_(std::move(cipher)),
        references_(loop, environment, settings_, cipher_),
        lost_(std::move(lost)),
        output_(log::Level::info),
        snapshot_(settings.snapshot),
        prefetch_(prefetch_of(settings)) {
    if (login_) output_.hide(login_->login);
  }

  ~SailorAction() override {
    loop_.cancel(readiness_);
    loop_.cancel(settling_);
  }

  Status start(Doors doors) {
    const auto silence_max = MessageWatch::silence_max(*settings_.program);
    if (!silence_max) return silence_max.error();
    watch_.emplace(loop_, *silence_max, [this](std::string why) { lose(std::move(why)); });
    auto api = TaskApi::open(loop_, doors.login, environment_, settings_,
                             {kept_by_platform(loop_, environment_),
                              Accounts(loop_, environment_, settings_, login_ ? &login_->source : nullptr),
                              [this](const std::string& why) { refused(why); }});
    if (!api) return api.error();
    api_ = std::move(*api);
    auto door = AmqpDoor::open(loop_, doors.login, events());
    if (!door) return door.error();
    door_ = std::move(*door);
    doors.api_port = api_->port();
    doors.amqp_port = door_->port();
    readiness_ = loop_.after(readiness_max, [this] {
      lose(fmt::format("the component has not begun to take messages within {} s", readiness_max.count()));
    });
    return start_component(doors);
  }

  std::size_t concurrency() const override { return concurrency_of(settings_); }

  void process(Work work, Finish finish) override {
    if (const auto found = in_hand_.find(work.message_id); found != in_hand_.end() && found->second.paging) {
      return go_on(found->second, std::move(finish));
    }
    waiting_.push_back({std::move(work), std::move(finish)});
    pump();
  }

 private:
  struct Waiting {
    Work work;
    Finish finish;
  };
  struct InHand {
    Work work;
    Finish finish;
    Handled handled = {};
    bool paging = false;          ///< a part of it takes effect just now
    bool waits_for_room = false;  ///< a page has gathered behind that
    std::size_t fetching = 0;     ///< bodies that are on their way from the object storage
    std::optional<bool> acknowledged = {};
    io::SteadyTime settled_at = {};
  };
  struct Settled {
    io::SteadyTime due;
    std::string message_id;
  };

  Status start_component(const Doors& doors) {
    io::posix::ProcessHandlers handlers;
    handlers.output = [this](std::string_view piece) { output_.take(piece); };
    handlers.ended = [this](io::posix::ProcessEnd end) { lose("the component " + output_.words(end)); };
    auto process =
        start_program(loop_, *settings_.program, sailor_command(*settings_.program),
                      sailor_environment(environment_, settings_, doors, prefetch_), false, std::move(handlers));
    if (!process) return process.error();
    process_ = std::move(*process);
    return Done{};
  }

  AmqpPeer::Events events() {
    AmqpPeer::Events events;
    events.published = [this](const Published& published) { published_by_component(published); };
    events.consuming = [this] {
      loop_.cancel(std::exchange(readiness_, 0));
      log::info("component ready");
      pump();
    };
    events.settled = [this](std::uint64_t tag, bool acknowledged) { settled_by_component(tag, acknowledged); };
    return events;
  }

  /// The component has asked our API with a wrong key: at its start its end follows.
  void refused(const std::string& why) {
    report_ = why;
    log::error("the component was not let in", {{"reason", why}});
  }

  /// Gives the component what it has room for, never two messages of one id: its library would take the second for a
  /// repeat and wait for ever.
  void pump() {
    auto* consumer = door_->consumer();
    if (consumer == nullptr) return;
    bool delivered = false;
    for (auto next = waiting_.begin(); next != waiting_.end() && delivered_.size() < prefetch_;) {
      if (in_hand_.contains(next->work.message_id)) {
        ++next;
        continue;
      }
      deliver(*consumer, std::move(*next));
      next = waiting_.erase(next);
      delivered = true;
    }
    if (delivered) loop_.post([door = door_.get()] { door->send(); });
  }

  void deliver(AmqpPeer& consumer, Waiting next) {
    const auto& work = next.work;
    amqp::Properties properties;
    properties.content_type = "application/json";
    properties.content_encoding = "utf8";
    properties.delivery_mode = 2;
    auto& headers = properties.headers.emplace();
    headers.append("messageId", work.message_id);
    headers.append("threadId", work.execution_id);
    headers.append("taskId", environment_.flow_id);
    headers.append("execId", work.message_id);  // see parent_of
    headers.append("userId", environment_.user_id);
    headers.append("workspaceId", environment_.workspace_id);
    headers.append("protocolVersion", std::int32_t{1});
    if (work.attempt > 1) headers.append("reboundIteration", static_cast<std::int32_t>(work.attempt - 1));
    if (!work.reply_to.empty()) headers.append("reply_to", work.reply_to);
    if (work.trace) headers.append("traceparent", work.trace.traceparent());
    if (!work.trace.state.empty()) headers.append("tracestate", work.trace.state);
    const auto tag = consumer.deliver(properties, component::base64_encoded(cipher_.encrypted(envelope_of(work))));
    delivered_.emplace(tag, work.message_id);
    const auto id = work.message_id;
    watch_->heard(id);
    in_hand_.emplace(id, InHand{.work = std::move(next.work), .finish = std::move(next.finish)});
  }

  /// The message that something was made from. A rebound is that message itself, which the library names in messageId;
  /// up to 2.6.7 it names it in parentMessageId, as of all else. 1.x names none, but repeats its execId.
  std::string parent_of(const Published& published) const {
    const auto& headers = published.properties.headers;
    if (!headers) return {};
    std::string itself(headers->text("messageId"));
    if (published.routing_key == keys::rebound && in_hand_.contains(itself)) return itself;
    const auto parent = headers->text("parentMessageId");
    return std::string(parent.empty() ? headers->text("execId") : parent);
  }

  void published_by_component(const Published& published) {
    const auto parent = parent_of(published);
    const auto found = in_hand_.find(parent);
    if (found == in_hand_.end()) return published_on_its_own(published, parent);
    auto& item = found->second;
    const auto reference = item.handled.add(published, cipher_, item.work.reply_to, snapshot_);
    if (!item.acknowledged) watch_->heard(parent);
    if (!reference) return emitted(item);
    ++item.fetching;
    hold_input();
    references_.fetch(reference->object, [this, alive = std::weak_ptr(alive_), parent,
                                          at = *reference](Result<std::optional<std::string>> body) {
      if (alive.expired()) return;
      if (!body) return lose("a body that it has emitted cannot be read: " + body.error().message);
      auto& emitter = in_hand_.at(parent);
      --emitter.fetching;
      if (*body) emitter.handled.put(at, std::move(**body));
      emitted(emitter);
    });
  }

  void emitted(InHand& item) {
    const bool full = fills_page(item.handled.size(), item.handled.emissions().size());
    item.waits_for_room = full && item.paging;
    if (full && !item.paging && !item.acknowledged && item.fetching == 0) commit_page(item);
    hold_input();
  }

  /// The component is read only as fast as what it emits takes effect.
  void hold_input() {
    door_->hold_input(std::ranges::any_of(
        in_hand_, [](const auto& it) { return it.second.waits_for_room || it.second.fetching > 0; }));
  }

  void published_on_its_own(const Published& published, const std::string& parent) {
    auto handled = std::make_shared<Handled>();
    std::string no_snapshot = snapshot_;
    const auto reference = handled->add(published, cipher_, {}, no_snapshot);
    if (!reference) return emit_late(handled->outcome(true), parent);
    references_.fetch(reference->object, [this, alive = std::weak_ptr(alive_), handled, parent,
                                          at = *reference](Result<std::optional<std::string>> body) {
      if (alive.expired()) return;
      if (body && *body) handled->put(at, std::move(**body));
      emit_late(handled->outcome(true), parent);
    });
  }

  void emit_late(const component::Outcome& outcome, const std::string& parent) {
    if (outcome.kind == component::Outcome::Kind::failed) {
      auto why = outcome.failure.message;  // usually its last word
      if (login_) why = redacted(std::move(why), login_->login);
      if (!report_.empty()) why += "; " + report_;
      report_ = why;
      return log::error("component failed", {{"reason", report_}});
    }
    const auto late = late_.find(parent);
    if (late == late_.end()) {
      return log::error("what a component emitted belongs to no message that it has in hand, and is lost",
                        {{"message", parent}});
    }
    auto emitted = outcome;
    emitted.late = true;
    late->second(std::move(emitted));
  }

  void commit_page(InHand& item) {
    item.paging = true;
    watch_->over(item.work.message_id);
    door_->hold_confirms(true);
    item.finish(item.handled.page());
  }

  void go_on(InHand& item, Finish finish) {
    item.finish = std::move(finish);
    item.paging = item.waits_for_room = false;
    hold_input();
    const bool others = std::any_of(in_hand_.begin(), in_hand_.end(), [](const auto& it) { return it.second.paging; });
    if (!others) door_->hold_confirms(false);
    if (item.acknowledged) return settle_soon(item.work.message_id);
    watch_->heard(item.work.message_id);
  }

  void settled_by_component(std::uint64_t tag, bool acknowledged) {
    const auto found = delivered_.find(tag);
    if (found == delivered_.end()) return;
    const auto id = std::move(found->second);
    delivered_.erase(found);
    auto& item = in_hand_.at(id);
    item.acknowledged = acknowledged;
    item.settled_at = loop_.steady_now();
    watch_->over(id);
    if (!item.paging) settle_soon(id);
    pump();
  }

  void settle_soon(const std::string& id) {
    settled_.push_back({loop_.steady_now() + afterglow, id});
    if (settling_ == 0) settling_ = loop_.after(afterglow, [this] { settle_due(); });
  }

  static bool is_not_whole(const InHand& item, io::SteadyTime now) {
    if (item.fetching > 0) return true;
    return !*item.acknowledged && !item.handled.has_failed() && now - item.settled_at < reason_max;
  }

  void settle_due() {
    settling_ = 0;
    const auto now = loop_.steady_now();
    while (!settled_.empty() && settled_.front().due <= now) {
      const auto id = std::move(settled_.front().message_id);
      settled_.pop_front();
      if (is_not_whole(in_hand_.at(id), now)) {
        settled_.push_back({now + afterglow, id});
        continue;
      }
      auto node = in_hand_.extract(id);
      auto& item = node.mapped();
      auto outcome = item.handled.outcome(*item.acknowledged);
      remember(id, item.finish);
      item.finish(std::move(outcome));
    }
    if (settling_ == 0 && !settled_.empty()) {
      settling_ = loop_.after(settled_.front().due - now, [this] { settle_due(); });
    }
    pump();
  }

  /// For what is emitted later still.
  void remember(const std::string& id, Finish finish) {
    constexpr std::size_t remembered_max = 1'000;
    if (late_.insert_or_assign(id, std::move(finish)).second) late_order_.push_back(id);
    if (late_order_.size() <= remembered_max) return;
    late_.erase(late_order_.front());
    late_order_.pop_front();
  }

  void lose(std::string why) {
    if (!lost_) return;
    if (!report_.empty()) why += ": " + report_;
    std::exchange(lost_, nullptr)(Error{Error::Kind::io, std::move(why)});
  }

  io::posix::AsioLoop& loop_;
  const component::WorkerEnvironment& environment_;
  const component::StepSettings settings_;
  const std::optional<StepLogin> login_;  ///< none: the step names no credential
  const Cipher cipher_;
  const References references_;
  std::function<void(Error)> lost_;
  OutputLines output_;
  std::string snapshot_;
  const std::size_t prefetch_;

  std::optional<MessageWatch> watch_;
  std::unique_ptr<TaskApi> api_;
  std::unique_ptr<AmqpDoor> door_;
  std::unique_ptr<io::posix::Process> process_;
  io::TimerId readiness_ = 0;
  std::string report_;  ///< an error that belongs to no message

  std::deque<Waiting> waiting_;                     ///< not given to the component yet
  std::map<std::uint64_t, std::string> delivered_;  ///< message ids by delivery tag, until the component settles them
  std::map<std::string, InHand> in_hand_;           ///< by message id, until they are finished
  std::deque<Settled> settled_;                     ///< in their afterglow
  io::TimerId settling_ = 0;
  std::map<std::string, Finish> late_;  ///< of messages that were finished lately
  std::deque<std::string> late_order_;
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);  ///< for answers that may come after the end
};

}  // namespace

std::size_t concurrency_of(const component::StepSettings& settings) {
  return prefetch_of(settings) + room_for_commits;
}

Result<std::unique_ptr<component::Action>> make_sailor_action(io::posix::AsioLoop& loop,
                                                              const component::WorkerEnvironment& environment,
                                                              const component::StepSettings& settings,
                                                              std::optional<StepLogin> login,
                                                              std::function<void(Error)> lost) {
  Doors doors;
  doors.login = {"component", random_token()};
  // The flow's where there is an object storage: what one step has put there another reads, also after a restart.
  const auto& objects = settings.objects;
  doors.password = objects ? objects->password : random_token();
  doors.iv = objects ? objects->iv : random_token(Cipher::iv_size / 2);
  auto cipher = Cipher::make(doors.password, doors.iv);
  if (!cipher) return cipher.error();
  auto action = std::make_unique<SailorAction>(loop, environment, settings, std::move(login), std::move(*cipher),
                                               std::move(lost));
  if (auto started = action->start(std::move(doors)); !started) return started.error();
  return std::unique_ptr<component::Action>(std::move(action));
}

}  // namespace millrace::hosting::sailor
