#include "api/execution_report.hpp"

#include <map>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "component/json_document.hpp"
#include "component/json_text.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
using history::Record;
using history::Stored;

std::string_view outcome_of(Record::Kind kind) {
  switch (kind) {
    case Record::Kind::began:
      return "began";
    case Record::Kind::done:
      return "done";
    case Record::Kind::filtered:
      return "filtered";
    case Record::Kind::rebound:
      return "retrying";
    case Record::Kind::failed:
      return "failed";
    case Record::Kind::emitted:
      return "emitted";
  }
  return "done";
}

json::object failure_json(std::string_view step, std::string_view code, std::string_view message) {
  return {{"step", step}, {"code", code}, {"message", message}};
}

json::object attempt_json(const Stored& stored, json::array outputs) {
  const auto& record = stored.record;
  json::object attempt = {{"attempt", record.attempt},
                          {"outcome", outcome_of(record.kind)},
                          {"at", record.at},
                          {"took_us", record.took},
                          {"worker", stored.source.worker},
                          {"version", stored.source.version},
                          {"outputs", std::move(outputs)},
                          {"failure", nullptr}};
  if (!record.prepared.empty()) attempt["input"] = component::document_or_text(record.prepared);
  if (!record.code.empty()) {
    auto failure = failure_json(stored.source.step, record.code, record.error);
    if (!record.details.empty()) failure["details"] = component::document_or_text(record.details);
    attempt["failure"] = std::move(failure);
  }
  if (record.kind == Record::Kind::rebound) attempt["retry_at"] = record.retry_at;
  return attempt;
}

/// Collects messages and what was done with them from records that come in the order of time.
class Messages {
 public:
  void add(const Stored& stored) {
    const auto& record = stored.record;
    if (record.kind == Record::Kind::began) {
      for (const auto output : record.outputs) know(id_of(output), {}, stored, output);
      return;
    }
    if (!record.input.empty()) know(record.message, {}, stored, record.input);
    place(record.message);
    json::array outputs;
    for (const auto output : record.outputs) {
      const auto id = id_of(output);
      if (id.empty()) {
        outputs.push_back(json::object{{"id", nullptr}, {"message", component::document_or_text(output)}});
        continue;
      }
      know(id, record.message, stored, output);
      outputs.push_back(json::object{{"id", id}});
    }
    // What was put out before the step was done belongs to the try that comes with its end.
    if (record.kind == Record::Kind::emitted) return;
    attempts_[{record.message, stored.source.step}].push_back(attempt_json(stored, std::move(outputs)));
  }

  json::array take() {
    json::array all;
    for (const auto& id : order_) {
      auto message = std::move(messages_[id]);
      json::array steps;
      for (auto at = attempts_.lower_bound({id, std::string()}); at != attempts_.end() && at->first.first == id; ++at) {
        auto& tries = at->second;
        auto state = tries.back().at("outcome");
        json::array list;
        for (auto& one : tries) list.push_back(std::move(one));
        steps.push_back({{"step", at->first.second}, {"state", std::move(state)}, {"attempts", std::move(list)}});
      }
      message["steps"] = std::move(steps);
      all.push_back(std::move(message));
    }
    return all;
  }

 private:
  static std::string id_of(std::string_view envelope) {
    return component::json_text::unquoted(component::json_text::member(envelope, "id")).value_or("");
  }

  json::object& place(const std::string& id) {
    const auto [known, is_new] = messages_.try_emplace(id);
    if (is_new) {
      order_.push_back(id);
      known->second = {{"id", id}, {"parent", nullptr}, {"from", nullptr}, {"redacted", false}, {"message", nullptr}};
    }
    return known->second;
  }

  void know(const std::string& id, const std::string& parent, const Stored& stored, std::string_view envelope) {
    auto& message = place(id);
    if (message.at("message").is_null()) message["message"] = component::document_or_text(envelope);
    if (stored.record.redacted) message["redacted"] = true;
    if (!parent.empty()) message["parent"] = parent;
    const bool made_here = !parent.empty() || stored.record.kind == Record::Kind::began;
    if (made_here) message["from"] = stored.source.step;
  }

  std::vector<std::string> order_;
  std::map<std::string, json::object> messages_;
  std::map<std::pair<std::string, std::string>, std::vector<json::object>> attempts_;  ///< by message and step
};

}  // namespace

json::object history_report(const history::Recorder& recorder) {
  const auto& counts = recorder.counts();
  const auto& facts = recorder.facts();
  return {{"recorded", counts.recorded},
          {"dropped", counts.dropped},
          {"bytes", facts.bytes},
          {"oldest_at", facts.oldest_at == 0 ? json::value(nullptr) : json::value(facts.oldest_at)}};
}

json::object summary_json(const history::Summary& summary, history::State state) {
  json::object out = {{"id", summary.id},
                      {"flow", summary.flow},
                      {"version", summary.version},
                      {"state", to_string(state)},
                      {"via", summary.via.empty() ? json::value(nullptr) : json::value(summary.via)},
                      {"replay", nullptr},
                      {"began_at", summary.began_at},
                      {"last_at", summary.last_at},
                      {"handled", summary.handled},
                      {"retries", summary.rebounds},
                      {"failure", nullptr}};
  if (const auto slash = summary.cause.find('/'); slash != std::string::npos) {
    out["replay"] = json::object{{"id", summary.cause.substr(0, slash)}, {"of", summary.cause.substr(slash + 1)}};
  }
  if (!summary.failed_step.empty()) out["failure"] = failure_json(summary.failed_step, summary.code, summary.error);
  return out;
}

json::array messages_json(const history::Execution& execution) {
  Messages messages;
  for (const auto& stored : execution.records) messages.add(stored);
  return messages.take();
}

}  // namespace millrace::api
