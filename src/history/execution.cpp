#include "history/execution.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace millrace::history {
namespace {

constexpr std::array<std::pair<State, std::string_view>, 4> names = {
    {{State::running, "running"}, {State::done, "done"}, {State::failed, "failed"}, {State::incomplete, "incomplete"}}};

}  // namespace

std::string_view to_string(State state) {
  return std::ranges::find(names, state, &std::pair<State, std::string_view>::first)->second;
}

std::optional<State> state_of(std::string_view text) {
  const auto found = std::ranges::find(names, text, &std::pair<State, std::string_view>::second);
  return found == names.end() ? std::nullopt : std::optional(found->first);
}

void Account::add(const Entry& entry) {
  using Kind = Record::Kind;
  open += entry.spawned;
  if (entry.is_final()) {
    --open;
    ++handled;
  }
  if (entry.kind == Kind::failed) ++failures;
  if (entry.kind == Kind::rebound) ++rebounds;
  // What came back from the dead letters was handed on once more, and is no failure while it does not fail again.
  if (entry.is_final() && entry.is(Entry::retried)) {
    ++open;
    --failures;
  }
  has_began = has_began || entry.kind == Kind::began;
  whole = whole || entry.is(Entry::whole);
  if (began_at == 0 || entry.at < began_at) began_at = entry.at;
  last_at = std::max(last_at, entry.at);
}

State Account::state() const {
  if (has_began && open > 0) return State::running;
  if (failures > 0) return State::failed;
  return has_began ? State::done : State::incomplete;
}

Result<Execution> load(History& history, const std::string& id) {
  Execution execution;
  Account account;
  for (const auto& [at, entry] : history.find(key_of(id))) {
    auto stored = history.read(at);
    if (!stored) return stored.error();
    if (stored->record.execution != id) continue;
    account.add(entry);
    execution.records.push_back(std::move(*stored));
  }
  if (execution.records.empty()) {
    return Error{Error::Kind::not_found, fmt::format("nothing is recorded of an execution {}", id)};
  }
  std::ranges::stable_sort(execution.records, [](const Stored& a, const Stored& b) {
    const auto key = [](const Stored& one) {
      return std::pair(one.record.at, one.record.kind == Record::Kind::began ? 0 : 1);
    };
    return key(a) < key(b);
  });
  auto& summary = execution.summary;
  summary.id = id;
  summary.state = account.state();
  summary.began_at = account.began_at;
  summary.last_at = account.last_at;
  summary.handled = account.handled;
  summary.rebounds = account.rebounds;
  summary.flow = execution.records.front().source.flow;
  summary.version = execution.records.front().source.version;
  for (const auto& stored : execution.records) {
    const auto& record = stored.record;
    summary.last_at = std::max(summary.last_at, record.at + static_cast<std::int64_t>(record.took / 1'000));
    if (record.kind == Record::Kind::began) {
      summary.via = record.via;
      summary.cause = record.cause;
    } else if (!record.code.empty()) {
      summary.failed_step = stored.source.step;
      summary.code = record.code;
      summary.error = record.error;
    }
  }
  return execution;
}

}  // namespace millrace::history
