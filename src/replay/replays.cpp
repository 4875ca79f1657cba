#include "replay/replays.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "component/json_document.hpp"
#include "core/log.hpp"
#include "flow/beginning_trace.hpp"
#include "replay/message.hpp"

namespace millrace::replay {
namespace {

namespace json = boost::json;
namespace names = flow::names;
using history::Chosen;
using history::Selection;

constexpr std::size_t batch_max = 500;         ///< messages of one commit
constexpr std::uint64_t backlog_max = 20'000;  ///< ready messages of a step, beyond which its replays wait
constexpr std::chrono::milliseconds pause{100};
constexpr std::size_t examples_max = 10;

/// Where a replay stands: at an execution of the history, and among the messages of that.
struct Cursor {
  std::optional<history::Position> at = {};
  std::uint64_t offset = 0;  ///< messages of the execution at `at` that are done with
  bool over = false;
  Progress progress = {};
};

std::string text_of(const Cursor& cursor) {
  return json::serialize(json::object{{"segment", cursor.at ? cursor.at->segment : 0},
                                      {"entry", cursor.at ? cursor.at->entry : 0},
                                      {"offset", cursor.offset},
                                      {"over", cursor.over},
                                      {"sent", cursor.progress.sent},
                                      {"skipped", cursor.progress.skipped}});
}

Cursor cursor_of(const std::string& text) {
  boost::system::error_code failed;
  const auto value = json::parse(text, failed);
  Cursor cursor;
  if (failed || !value.is_object()) return cursor;
  const auto number = [&](const char* name) { return value.at(name).to_number<std::uint64_t>(); };
  const auto segment = static_cast<std::uint32_t>(number("segment"));
  if (segment != 0) cursor.at = history::Position{segment, static_cast<std::uint32_t>(number("entry"))};
  cursor.offset = number("offset");
  cursor.over = value.at("over").as_bool();
  cursor.progress = {number("sent"), number("skipped")};
  return cursor;
}

bool can_be_sent(const Chosen& chosen, const Order& order) {
  if (chosen.envelope.empty()) return false;
  return !chosen.redacted || order.with_redacted || !order.body.empty();
}

}  // namespace

/// One replay at work: select, send what was selected in batches, select on from there.
class Replays::Run : public std::enable_shared_from_this<Replays::Run> {
 public:
  Run(Replays& owner, std::string id, Order order) : owner_(owner), id_(std::move(id)), order_(std::move(order)) {}

  void start() {
    broker::QueueSpec queue;
    queue.name = names::replay_queue(id_);
    queue.arguments.set("x-max-length", std::int64_t{1});
    const auto made = owner_.parts_.broker.declare_queue(owner_.session_, queue, nullptr);
    if (!made) return end("failed", made.error().text);
    owner_.parts_.broker.last(queue.name, [self = shared_from_this()](const Result<broker::MessagePtr>& entry) {
      if (self->gone_) return;
      if (!entry) return self->end("failed", entry.error().message);
      if (*entry) self->cursor_ = cursor_of((*entry)->body);
      self->cursor_.over ? self->end("done") : self->look();
    });
  }

  void stop(std::function<void(Status)> ended) {
    stopping_ = true;
    ended_.push_back(std::move(ended));
    if (waiting_) end("stopped");
  }
  void abandon() { gone_ = true; }
  const Progress& progress() const { return cursor_.progress; }

 private:
  void look() {
    if (gone_) return;
    if (stopping_) return end("stopped");
    using Looked = Result<Selection>;
    owner_.parts_.recorder.ask<Looked>(
        [what = order_.what, at = cursor_.at](history::History& history) { return select(history, what, at); },
        [self = shared_from_this()](Looked found) {
          if (self->gone_) return;
          if (!found) return self->end("failed", found.error().message);
          self->found_ = std::move(*found);
          self->next_ = self->done_with();
          self->send();
        });
  }

  /// How many of the messages found were sent before, by an earlier process. The execution that the ledger names may
  /// no longer be found: then none were.
  std::size_t done_with() const {
    const auto& messages = found_.messages;
    if (messages.empty() || messages.front().at != cursor_.at.value_or(history::Position{})) return 0;
    return std::min<std::size_t>(cursor_.offset, messages.size());
  }

  /// The ledger's entry when the first `count` messages found are done with.
  void put_place(Cursor& cursor, std::size_t count) const {
    const auto& messages = found_.messages;
    cursor.offset = 0;
    if (count == messages.size()) {
      cursor.at = found_.next;
      cursor.over = !found_.next;
      return;
    }
    cursor.at = messages[count].at;
    for (auto i = count; i > 0 && messages[i - 1].at == *cursor.at; --i) ++cursor.offset;
  }

  /// The next batch of what was found, or what comes after it.
  void send() {
    waiting_ = false;
    if (gone_) return;
    if (stopping_) return end("stopped");
    if (backlogged()) return later(pause);
    auto next = cursor_;
    broker::Batch batch;
    std::vector<Put> put;
    const auto room =
        order_.rate > 0 ? std::clamp<std::size_t>(static_cast<std::size_t>(order_.rate / 10), 1, batch_max) : batch_max;
    auto at = next_;
    while (at < found_.messages.size() && put.size() < room) {
      const auto& chosen = found_.messages[at];
      const auto* plan = plan_of(chosen);
      if (plan == nullptr && called_later_) return;
      ++at;
      if (plan == nullptr || !can_be_sent(chosen, order_)) {
        ++next.progress.skipped;
        continue;
      }
      ++next.progress.sent;
      const auto id = repeated_id(id_, chosen, order_.what.step);
      auto message = make_message(chosen, order_, id, *plan, flow::new_traceparent(owner_.parts_.tracer));
      put.push_back({message, id, chosen.execution});
      batch.publishes.push_back(std::move(message));
    }
    put_place(next, at);
    batch.publishes.push_back(ledger_entry(next));
    commit(std::move(batch), next, at, std::move(put));
  }

  /// A message that is put in again.
  struct Put {
    broker::MessagePtr message;
    std::string id;         ///< of the new execution
    std::string execution;  ///< that it repeats
  };

  void tell(const Put& put) {
    flow::tell_beginning(owner_.parts_.tracer, *put.message, "replay");
    owner_.parts_.recorder.began({put.message->exchange,
                                  put.id,
                                  put.id,
                                  {put.message, &put.message->body},
                                  "replay",
                                  order_.what.step,
                                  id_ + "/" + put.execution});
  }

  /// `at`: how many of what was found are done with then.
  void commit(broker::Batch batch, const Cursor& next, std::size_t at, std::vector<Put> put) {
    const auto count = put.size();
    auto durable = [self = shared_from_this(), next, at, put = std::move(put), count](const Status& stored) mutable {
      if (self->gone_) return;
      if (!stored) return self->end("failed", stored.error().message);
      const bool on = at < self->found_.messages.size();
      self->cursor_ = next;
      self->next_ = at;
      for (const auto& one : put) self->tell(one);
      if (self->cursor_.over) return self->end("done");
      if (self->order_.rate <= 0 || count == 0) return on ? self->send() : self->look();
      const auto wait = std::chrono::duration<double>(static_cast<double>(count) / self->order_.rate);
      self->waiting_ = true;
      self->owner_.parts_.loop.after(std::chrono::duration_cast<std::chrono::nanoseconds>(wait), [self, on] {
        self->waiting_ = false;
        if (!self->gone_ && !self->is_over_) on ? self->send() : self->look();
      });
    };
    const auto answer = owner_.parts_.broker.commit(owner_.session_, std::move(batch), std::move(durable));
    if (!answer) return later(pause);  // a full disk: what was not stored is sent again
    if (!answer->unroutable.empty()) log::error("a replay's messages have no queue", {{"replay", id_}});
  }

  void later(std::chrono::nanoseconds delay) {
    waiting_ = true;
    owner_.parts_.loop.after(delay, [self = shared_from_this()] {
      if (!self->is_over_) self->send();
    });
  }

  bool backlogged() const {
    if (next_ >= found_.messages.size()) return false;
    const auto& flow = found_.messages[next_].flow;
    const auto queues = owner_.parts_.broker.queues();
    return std::ranges::any_of(queues, [&](const broker::QueueStatus& queue) {
      return queue.ready > backlog_max && queue.name.starts_with(flow + "@");
    });
  }

  /// The version that the message shall go to. nullptr: there is none, or it is being made again, or taken away: then
  /// (`called_later_`) send() is called later.
  const flow::Plan* plan_of(const Chosen& chosen) {
    called_later_ = false;
    const auto& deployed = owner_.parts_.deployments.deployed();
    const auto* flow = deployed.find(chosen.flow);
    const deployment::Version* version = flow == nullptr ? nullptr : flow->current();
    if (order_.version != Order::Version::current) {
      const auto number = order_.version == Order::Version::original ? chosen.version : order_.number;
      version = deployed.find(chosen.flow, number);
      if (version != nullptr) revived_ = {};
      if (version == nullptr && revived_ != std::pair(chosen.flow, number)) revive(chosen.flow, number);
    }
    if (version == nullptr || !version->runs()) return nullptr;
    if (version->stage == deployment::Version::Stage::removing) {
      called_later_ = true;
      later(pause);
      return nullptr;
    }
    const auto& step = order_.what.step;
    const bool has_step =
        step.empty() || owner_.parts_.broker.queue(names::step_queue(chosen.flow, version->number, step));
    return has_step ? &version->plan : nullptr;
  }

  /// A version that has retired gets its queues again and drains once more; then send() goes on.
  void revive(const std::string& flow, std::int64_t number) {
    called_later_ = true;
    revived_ = {flow, number};
    owner_.parts_.store.run<store::FlowInUse>(
        [flow, number](store::Database& database) -> Result<store::FlowInUse> {
          store::Flows flows(database);
          if (auto revived = flows.revive(flow, number); !revived) return revived.error();
          return flows.in_use(flow);
        },
        [self = shared_from_this()](const Result<store::FlowInUse>& flow_in_use) {
          if (self->gone_) return;
          if (flow_in_use) self->owner_.parts_.deployments.follow(*flow_in_use);
          self->send();
        });
  }

  broker::MessagePtr ledger_entry(const Cursor& cursor) const {
    auto message = std::make_shared<broker::Message>();
    message->routing_key = names::replay_queue(id_);  // over the default exchange
    amqp::Properties properties;
    properties.content_type = "application/json";
    properties.delivery_mode = 2;
    message->properties = amqp::encode_properties(properties);
    message->body = text_of(cursor);
    return message;
  }

  /// The store learns it first, then the ledger goes: a crash between the two ends it once more.
  void end(const std::string& state, const std::string& reason = {}) {
    if (std::exchange(is_over_, true)) return;
    store::ReplayRecord record;
    record.id = id_;
    record.state = state;
    record.reason = reason;
    record.sent = static_cast<std::int64_t>(cursor_.progress.sent);
    record.skipped = static_cast<std::int64_t>(cursor_.progress.skipped);
    record.ended_at = owner_.parts_.loop.wall_now().time_since_epoch().count();
    if (state == "failed") log::error("a replay has failed", {{"replay", id_}, {"reason", reason}});
    owner_.parts_.store.run<Done>(
        [record](store::Database& database) { return store::Replays(database).end(record); },
        [self = shared_from_this()](const Status& stored) {
          if (self->gone_) return;
          for (const auto& ended : self->ended_) ended(stored);
          if (!stored) return log::error("a replay's end is not stored", {{"reason", stored.error().message}});
          auto& owner = self->owner_;
          static_cast<void>(
              owner.parts_.broker.delete_queue(owner.session_, names::replay_queue(self->id_), false, false, nullptr));
          owner.runs_.erase(self->id_);
        });
  }

  Replays& owner_;
  const std::string id_;
  const Order order_;
  Cursor cursor_;         ///< what is durable
  Selection found_;       ///< from cursor_.at on
  std::size_t next_ = 0;  ///< of found_.messages
  bool stopping_ = false;
  bool waiting_ = false;  ///< for a timer
  bool is_over_ = false;
  bool gone_ = false;  ///< the owner is
  bool called_later_ = false;
  std::pair<std::string, std::int64_t> revived_ = {};  ///< the last that was tried
  std::vector<std::function<void(Status)>> ended_;
};

Replays::Replays(Parts parts) : parts_(parts), session_(parts.broker.begin_session()) {}

Replays::~Replays() {
  halt();
  parts_.broker.end_session(session_, broker::SessionEnd::clean);
}

void Replays::halt() {
  for (const auto& [id, run] : runs_) run->abandon();
}

void Replays::resume(const std::vector<store::ReplayRecord>& running) {
  for (const auto& record : running) {
    if (!parts_.member.empty() && !record.member.empty() && record.member != parts_.member) continue;
    const auto spec = component::parse_document(record.spec);
    auto order = spec && spec->is_object() ? Order::from_json(spec->get_object())
                                           : Result<Order>(Error{Error::Kind::damaged, "no JSON object"});
    if (order) {
      log::info("a replay goes on", {{"replay", record.id}});
      begin(record, *order);
    } else {
      log::error("a replay cannot go on", {{"replay", record.id}, {"reason", order.error().message}});
    }
  }
}

void Replays::begin(const store::ReplayRecord& record, const Order& order) {
  auto run = std::make_shared<Run>(*this, record.id, order);
  runs_[record.id] = run;
  run->start();
}

Status Replays::check(const Order& order) const {
  const auto& name = order.what.query.flow;
  if (name.empty()) return Done{};
  const auto* flow = parts_.deployments.deployed().find(name);
  if (flow == nullptr) return Error{Error::Kind::not_found, fmt::format("there is no flow {} that runs", name)};
  const auto* version = flow->current();
  if (order.version != Order::Version::current || order.what.step.empty()) return Done{};
  if (version == nullptr || !parts_.broker.queue(names::step_queue(name, version->number, order.what.step))) {
    return Error{Error::Kind::not_found,
                 fmt::format("the current version of {} has no step {} that takes messages", name, order.what.step)};
  }
  return Done{};
}

void Replays::preview(Order order, std::int64_t now, std::function<void(Result<Preview>)> told) {
  auto& query = order.what.query;
  query.until = query.until == 0 ? now : std::min(query.until, now);
  struct Looking {
    Order order;
    Preview preview;
    std::function<void(Result<Preview>)> told;
    std::function<void(std::optional<history::Position>)> look;
  };
  auto looking = std::make_shared<Looking>(Looking{std::move(order), {}, std::move(told), {}});
  looking->look = [this, looking](std::optional<history::Position> at) {
    using Looked = Result<Selection>;
    parts_.recorder.ask<Looked>(
        [what = looking->order.what, at](history::History& history) { return select(history, what, at); },
        [looking](const Looked& found) {
          if (!found) {
            looking->told(found.error());
            return looking->look = nullptr, void();
          }
          auto& [progress, examples] = looking->preview;
          for (const auto& chosen : found->messages) {
            const bool sent = can_be_sent(chosen, looking->order);
            ++(sent ? progress.sent : progress.skipped);
            if (sent && examples.size() < examples_max) examples.push_back(chosen);
          }
          if (found->next) return looking->look(found->next);
          looking->told(std::move(looking->preview));
          looking->look = nullptr;
        });
  };
  looking->look(std::nullopt);
}

Status Replays::stop(const std::string& id, std::function<void(Status)> ended) {
  const auto run = runs_.find(id);
  if (run == runs_.end()) return Error{Error::Kind::conflict, fmt::format("the replay {} has ended", id)};
  run->second->stop(std::move(ended));
  return Done{};
}

const Progress* Replays::progress(const std::string& id) const {
  const auto run = runs_.find(id);
  return run == runs_.end() ? nullptr : &run->second->progress();
}

}  // namespace millrace::replay
