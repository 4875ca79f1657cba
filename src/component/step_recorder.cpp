#include "component/step_recorder.hpp"

#include <algorithm>

#include "component/json_text.hpp"

namespace millrace::component {
namespace {

using history::Record;
using std::chrono::duration_cast;
using std::chrono::microseconds;

Record::Kind kind_of(const Outcome& outcome, bool over) {
  if (!over) return Record::Kind::emitted;
  if (outcome.kind == Outcome::Kind::failed) return Record::Kind::failed;
  if (outcome.kind == Outcome::Kind::rebound) return Record::Kind::rebound;
  return outcome.filtered ? Record::Kind::filtered : Record::Kind::done;
}

std::string envelope_of(const Emission& emission) {
  std::string text = "{\"body\":" + (emission.body.empty() ? "{}" : emission.body);
  if (!emission.headers.empty()) text += ",\"headers\":" + emission.headers;
  if (!emission.attachments.empty()) text += ",\"attachments\":" + emission.attachments;
  return text + "}";
}

/// When a message that is put back comes again: its expiration, from now.
std::int64_t retry_at(const Handled& handled) {
  if (handled.published.empty()) return 0;
  const auto properties = amqp::decode_properties(handled.published.back().properties);
  if (!properties || !properties->expiration) return 0;
  const auto ended = handled.began + duration_cast<std::chrono::milliseconds>(handled.took);
  return ended.time_since_epoch().count() + std::atoll(properties->expiration->c_str());
}

}  // namespace

StepRecorder::StepRecorder(const WorkerEnvironment& environment, const StepSettings& settings, bool starts_executions)
    : environment_(environment),
      settings_(settings),
      policy_(settings.history.value_or(history::Policy{history::Policy::Record::none, 0, {}})),
      redaction_(policy_.redact),
      starts_executions_(starts_executions) {}

bool StepRecorder::wants_outputs(const StepSettings& settings) {
  using Record = history::Policy::Record;
  return settings.history && (settings.history->record == Record::full || settings.history->record == Record::sampled);
}

void StepRecorder::add(const Handled& handled, std::string& to) const {
  const bool failure = handled.outcome.kind != Outcome::Kind::ok;
  if (starts_executions_) add_beginnings(handled, to);
  if (starts_executions_ && !failure) return;
  if (!handled.over && handled.published.empty()) return;
  if (failure ? policy_.errors() : wants(handled.lineage)) add_handled(handled, to);
}

/// Its snapshot, or its input put back or away: no output.
bool StepRecorder::is_about_the_step_itself(std::string_view routing_key) const {
  return routing_key == environment_.snapshot_routing_key || routing_key == environment_.rebound_routing_key ||
         routing_key == environment_.error_routing_key;
}

/// Each message of a polling trigger is an execution of its own.
void StepRecorder::add_beginnings(const Handled& handled, std::string& to) const {
  for (const auto& message : handled.published) {
    if (message.routing_key != environment_.data_routing_key) continue;
    Record record;
    record.kind = Record::Kind::began;
    record.execution = json_text::unquoted(json_text::member(message.body, "id")).value_or("");
    if (!policy_.whole(record.execution)) continue;
    record.message = record.execution;
    record.at = handled.began.time_since_epoch().count();
    record.took = static_cast<std::uint64_t>(duration_cast<microseconds>(handled.took).count());
    record.spawned = settings_.next_steps;
    record.outputs = {message.body};
    record.via = "poll";
    encode(record, redaction_, to);
  }
}

void StepRecorder::add_handled(const Handled& handled, std::string& to) const {
  const auto& lineage = handled.lineage;
  const bool failure = handled.outcome.kind != Outcome::Kind::ok;
  Record record;
  record.kind = kind_of(handled.outcome, handled.over);
  record.whole = policy_.whole(lineage.execution_id);
  record.retried = lineage.properties.headers && lineage.properties.headers->integer("retries") > 0;
  record.at = handled.began.time_since_epoch().count();
  record.took = static_cast<std::uint64_t>(duration_cast<microseconds>(handled.took).count());
  record.attempt = lineage.attempt;
  record.execution = lineage.execution_id;
  record.message = lineage.message_id;
  std::vector<std::string> unread;
  if (failure) {
    record.input = handled.envelope;
    record.code = handled.outcome.failure.code;
    record.error = handled.outcome.failure.message;
    record.details = handled.outcome.failure.details;
    if (record.kind == Record::Kind::rebound) record.retry_at = retry_at(handled);
  }
  const bool put_out = !failure || (record.whole && !starts_executions_);
  for (const auto& message : handled.published) {
    const bool onward = message.routing_key == environment_.data_routing_key;
    if (!put_out || is_about_the_step_itself(message.routing_key)) continue;
    record.outputs.push_back(message.body);
    if (onward) record.spawned += settings_.next_steps;
  }
  unread.reserve(handled.unread.size());
  for (const auto& emission : handled.unread) record.outputs.push_back(unread.emplace_back(envelope_of(emission)));
  // Only with a retry from the dead letters may the message differ from what the step before has put out.
  if (record.retried) record.input = handled.envelope;
  if (settings_.input && handled.input != nullptr) record.prepared = handled.input->body();
  encode(record, redaction_, to);
}

}  // namespace millrace::component
