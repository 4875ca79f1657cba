#include "history/recorder.hpp"

#include <map>
#include <utility>

#include "core/log.hpp"

namespace millrace::history {
namespace {

constexpr std::chrono::minutes pruning_interval{1};

}  // namespace

/// One thing that was told: a worker's batch, or a beginning.
struct Recorder::Told {
  Source source = {};
  std::string records = {};
  std::shared_ptr<const Known> flow = {};
  Beginning beginning = {};
  std::int64_t at = 0;
  std::uint64_t size = 0;
};

Recorder::Recorder(io::Loop& loop, io::Offload& offload, History& history, Policy fallback)
    : loop_(loop), offload_(offload), history_(history), fallback_(std::move(fallback)) {
  facts_ = history_.facts();
  prune_later();
}

Recorder::~Recorder() {
  *alive_ = false;
  flush();
  loop_.cancel(pruning_);
}

void Recorder::prune_later() {
  pruning_ = loop_.after(pruning_interval, [this] {
    const auto now = loop_.wall_now().time_since_epoch().count();
    offload_.run([&history = history_, now] { history.prune(now); }, [] {});
    prune_later();
  });
}

void Recorder::serve(const std::string& exchange, Flow flow) {
  auto known = std::make_shared<Known>();
  known->policy = policy(flow.policy);
  known->redaction = std::make_shared<const Redaction>(known->policy.redact);
  known->flow = std::move(flow);
  flows_[exchange] = std::move(known);
}

void Recorder::withdraw(const std::string& exchange) {
  flows_.erase(exchange);
}

void Recorder::began(Beginning beginning) {
  const auto known = flows_.find(beginning.exchange);
  if (known == flows_.end() || !known->second->policy.whole(beginning.execution)) return;
  const auto size = beginning.envelope->size() + sizeof(Told);
  if (pending_ + size > pending_max) {
    ++counts_.dropped;
    return;
  }
  pending_ += size;
  Told told;
  told.flow = known->second;
  told.beginning = std::move(beginning);
  told.at = loop_.wall_now().time_since_epoch().count();
  told.size = size;
  told_.push_back(std::move(told));
  flush_soon();
}

void Recorder::take(Source source, std::string records, std::uint64_t dropped) {
  counts_.dropped += dropped;
  if (pending_ + records.size() > pending_max) {
    counts_.dropped += count_records(records);
    return;
  }
  pending_ += records.size();
  Told told;
  told.source = std::move(source);
  told.size = records.size();
  told.records = std::move(records);
  told_.push_back(std::move(told));
  flush_soon();
}

void Recorder::flush_soon() {
  if (timer_ != 0) return;
  timer_ = loop_.after(interval, [this] {
    timer_ = 0;
    flush();
  });
}

void Recorder::flush() {
  loop_.cancel(std::exchange(timer_, 0));
  if (!told_.empty()) write(std::exchange(told_, {}));
}

namespace {

struct Written {
  std::uint64_t recorded = 0;
  std::uint64_t dropped = 0;
  std::string reason = {};
  History::Facts facts = {};

  void add(const Status& done, std::uint64_t records) {
    (done ? recorded : dropped) += records;
    if (!done) reason = done.error().message;
  }
};

void encode_beginning(const Beginning& beginning, const Recorder::Flow& flow, std::int64_t at,
                      const Redaction& redaction, std::string& to) {
  Record record;
  record.kind = Record::Kind::began;
  record.at = at;
  record.spawned = beginning.step.empty() ? flow.first_steps : 1;
  record.execution = beginning.execution;
  record.message = beginning.message;
  record.outputs = {*beginning.envelope};
  record.via = beginning.via;
  record.cause = beginning.cause;
  encode(record, redaction, to);
}

}  // namespace

void Recorder::write(std::vector<Told> batch) {
  const auto now = loop_.wall_now().time_since_epoch().count();
  auto shared = std::make_shared<std::vector<Told>>(std::move(batch));
  auto written = std::make_shared<Written>();
  std::uint64_t size = 0;
  for (const auto& told : *shared) size += told.size;
  const auto work = [&history = history_, shared, written, now] {
    std::map<Source, std::pair<std::string, std::uint64_t>> beginnings;
    for (const auto& told : *shared) {
      if (!told.flow) {
        written->add(history.append(told.source, told.records, now), count_records(told.records));
        continue;
      }
      const auto& flow = told.flow->flow;
      const auto& step = told.beginning.step.empty() ? flow.trigger : told.beginning.step;
      auto& [records, count] = beginnings[{flow.name, flow.version, step}];
      encode_beginning(told.beginning, flow, told.at, *told.flow->redaction, records);
      ++count;
    }
    for (const auto& [source, records] : beginnings) {
      written->add(history.append(source, records.first, now), records.second);
    }
    written->facts = history.facts();
    shared->clear();
  };
  offload_.run(work, [this, alive = alive_, written, size] {
    if (!*alive) return;
    pending_ -= size;
    facts_ = written->facts;
    counts_.recorded += written->recorded;
    counts_.dropped += written->dropped;
    if (!written->reason.empty() && !std::exchange(failing_, true)) {
      log::warning("history is not recorded for the moment", {{"reason", written->reason}});
    }
    if (written->reason.empty()) failing_ = false;
  });
}

}  // namespace millrace::history
