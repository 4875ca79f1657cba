#include "flow_tests/journal.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "flow_tests/compare.hpp"
#include "flow_tests/json_text_value.hpp"

namespace millrace::flow_tests {
namespace json = boost::json;
using component::Outcome;

namespace {

/// A part of a message; one that is not there is {}.
json::value parsed(std::string_view text) {
  return value_of(text.empty() ? "{}" : text);
}

json::object document_of(const component::Message& message) {
  json::object document{{"id", message.id()}};
  for (const auto* part : {"body", "headers", "attachments", "passthrough"})
    document[part] = parsed(message.part(part));
  return document;
}

json::object document_of(const component::Emission& emission) {
  return {{"body", parsed(emission.body)},
          {"headers", parsed(emission.headers)},
          {"attachments", parsed(emission.attachments)}};
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

std::string text(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// What the target can tell a repeat by.
std::string key_of(const json::object& request, bool mail) {
  const auto name = mail ? "message-id" : "idempotency-key";
  const auto key = text(request.at("headers").get_object(), name);
  if (key.empty()) return {};
  return (mail ? "Message-ID " : "Idempotency-Key ") + key;
}

bool reaches_target(const StubAnswer& answer) {
  return !answer.fault || *answer.fault == io::TransferFault::Kind::timeout;
}

std::string told(const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::failed) {
    return fmt::format("failed: {}: {}", outcome.failure.code, outcome.failure.message);
  }
  if (outcome.kind == Outcome::Kind::rebound) {
    return fmt::format("cannot now: {}: {}", outcome.failure.code, outcome.failure.message);
  }
  if (outcome.filtered) return "filtered";
  std::string line = "made";
  for (const auto& emission : outcome.emissions) {
    line += emission.routing_key.empty() ? " " : " for the caller: ";
    line += shown(parsed(emission.body));
  }
  return outcome.emissions.empty() ? "done" : line;
}

}  // namespace

void Journal::begin_life(const io::Loop& loop) {
  loop_ = &loop;
  for (auto& answered : answered_) lost_.insert(std::move(answered));
  answered_.clear();
  open_.clear();
  current_.clear();
}

Try& Journal::place_of(const TryKey& key) {
  const auto known = tries_.find(key);
  if (known != tries_.end()) {
    trace_.tries[known->second] = {};
  } else {
    tries_.emplace(key, trace_.tries.size());
    trace_.tries.emplace_back();
  }
  const auto at = tries_[key];
  auto& one = trace_.tries[at];
  one.step = std::get<0>(key);
  one.message_id = std::get<1>(key);
  one.attempt = std::get<2>(key);
  one.at = now();
  open_[{one.step, one.message_id}] = at;
  return one;
}

void Journal::began(const std::string& step, const component::Work& work) {
  auto& one = place_of({step, work.message_id, work.attempt, work.snapshot});
  one.input = document_of(work.message);
  current_[step] = {work.message_id, work.attempt, open_[{step, work.message_id}]};
  const auto again = work.attempt > 1 ? fmt::format(" (try {})", work.attempt) : std::string();
  line(fmt::format("{} gets{} {}", step, again, shown(one.input->at("body"))));
}

void Journal::ended(const std::string& step, const component::Lineage& lineage, const Outcome& outcome) {
  const auto open = open_.find({step, lineage.message_id});
  auto& one = open != open_.end() ? trace_.tries[open->second]
                                  : place_of({step, lineage.message_id, lineage.attempt, std::string()});
  open_.erase({step, lineage.message_id});
  Try::End end{outcome.kind, outcome.filtered, {}, outcome.failure};
  for (const auto& emission : outcome.emissions) {
    if (emission.routing_key.empty()) end.outputs.push_back(document_of(emission));
  }
  one.end = std::move(end);
  line(fmt::format("{} {}", step, told(outcome)));
}

const StubAnswer* Journal::take_lost_answer(const CallKey& key) {
  const auto found = lost_.lower_bound(key);
  if (found == lost_.end() || found->first != key) return nullptr;
  const auto* answer = found->second;
  lost_.erase(found);
  return answer;
}

const StubAnswer* Journal::called(const std::string& step, Stub::Kind kind, json::object request) {
  const auto& work = current_[step];
  Call call;
  call.step = step;
  call.message_id = work.message_id;
  call.attempt = work.attempt;
  call.at = now();
  call.mail = kind == Stub::Kind::smtp;
  call.target = call.mail ? "mail over " + text(request, "smtp") : text(request, "method") + " " + text(request, "url");
  call.key = key_of(request, call.mail);
  const CallKey key{step, call.message_id, call.attempt, call.target};
  const auto* lost = take_lost_answer(key);
  const auto* answer = lost != nullptr ? lost : stubs_.answer(kind, step, request, now());
  if (answer == nullptr) {
    broken(fmt::format("step {} makes a call that no stub answers: {} with {}", step, call.target, shown(request)));
    return nullptr;
  }
  call.answer = answer->name;
  call.repeats = lost != nullptr;
  call.has_effect = reaches_target(*answer) && (call.mail || !is_safe(text(request, "method")));
  request["answered"] = answer->name;
  call.request = std::move(request);
  line(fmt::format("{} → {}{}: {}", step, call.target, call.repeats ? " (again)" : "", call.answer));
  answered_.emplace_back(key, answer);
  trace_.calls.push_back(std::move(call));
  return answer;
}

void Journal::line(std::string text) {
  trace_.lines.push_back({now(), std::move(text)});
}

void Journal::broken(std::string why) {
  if (trace_.broken.empty()) trace_.broken = std::move(why);
}

}  // namespace millrace::flow_tests
