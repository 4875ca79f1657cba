#include "history/selection.hpp"

#include <map>
#include <set>

namespace millrace::history {
namespace {

constexpr std::size_t executions_at_once = 20;
constexpr std::size_t messages_wanted = 500;
constexpr int looks_max = 50;

struct Known {
  std::string_view envelope;
  bool redacted = false;
};

/// "id":"…" of an envelope that begins with it, as all of ours do.
std::string_view id_of(std::string_view envelope) {
  constexpr std::string_view head = R"({"id":")";
  if (!envelope.starts_with(head)) return {};
  envelope.remove_prefix(head.size());
  return envelope.substr(0, envelope.find('"'));
}

/// Every message of the execution whose text is recorded. What a step itself got goes before what was put out for it.
std::map<std::string, Known, std::less<>> envelopes(const Execution& execution) {
  std::map<std::string, Known, std::less<>> known;
  for (const auto& stored : execution.records) {
    for (const auto output : stored.record.outputs) {
      if (const auto id = id_of(output); !id.empty())
        known.try_emplace(std::string(id), output, stored.record.redacted);
    }
  }
  for (const auto& stored : execution.records) {
    if (!stored.record.input.empty()) known[stored.record.message] = {stored.record.input, stored.record.redacted};
  }
  return known;
}

void choose(const Execution& execution, Position at, const Choice& choice, std::vector<Chosen>& into) {
  const auto known = envelopes(execution);
  std::set<std::string, std::less<>> seen;
  for (const auto& stored : execution.records) {
    const auto& record = stored.record;
    const bool began = record.kind == Record::Kind::began;
    if (choice.step.empty() ? !began : began || stored.source.step != choice.step) continue;
    if (!choice.message.empty() && record.message != choice.message) continue;
    if (!seen.insert(record.message).second) continue;
    const auto found = known.find(record.message);
    const bool there = found != known.end() && !found->second.envelope.starts_with(R"({"omitted":)");
    into.push_back({at, record.execution, record.message, stored.source.flow, stored.source.version,
                    there ? std::string(found->second.envelope) : std::string(), there && found->second.redacted});
  }
}

}  // namespace

Result<Selection> select(History& history, const Choice& choice, std::optional<Position> from) {
  Selection selection;
  if (!choice.execution.empty()) {
    const auto execution = load(history, choice.execution);
    if (!execution) return execution.error();
    choose(*execution, {}, choice, selection.messages);
    return selection;
  }
  auto query = choice.query;
  // Where failures are asked for, the step that failed is another question than the step to begin at.
  if (query.step.empty() && query.states.empty() && query.error.empty()) query.step = choice.step;
  selection.next = from;
  for (int looks = 0; looks < looks_max && selection.messages.size() < messages_wanted; ++looks) {
    const auto found = search(history, query, Order::oldest_first, selection.next, executions_at_once);
    for (std::size_t i = 0; i < found.executions.size(); ++i) {
      choose(found.executions[i], found.places[i], choice, selection.messages);
    }
    selection.next = found.next;
    if (!found.next) break;
  }
  return selection;
}

}  // namespace millrace::history
