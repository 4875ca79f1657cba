#include "api/dead_letters.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "core/id.hpp"
#include "flow/plan.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
namespace names = flow::names;

constexpr std::string_view queue_suffix = ".dead-letters";
constexpr std::string_view key_suffix = ":error";

/// One made from the message where a foreign client has given it none: each dead letter can be named.
std::string id_of(const std::optional<amqp::Properties>& properties, const broker::Message& message) {
  std::string id;
  if (properties && properties->headers) id = properties->headers->text("messageId");
  if (id.empty() && properties) id = properties->message_id.value_or("");
  return id.empty() ? derived_id({message.properties, message.body}) : id;
}

std::optional<amqp::Properties> properties_of(const broker::Message& message) {
  auto properties = amqp::decode_properties(message.properties);
  return properties ? std::optional(std::move(*properties)) : std::nullopt;
}

DeadLetter read(std::string_view flow, const broker::Message& message) {
  DeadLetter letter;
  letter.flow = flow;
  letter.envelope = message.body;
  std::string_view step = message.routing_key;
  if (step.ends_with(key_suffix)) step.remove_suffix(key_suffix.size());
  letter.step = step;
  letter.version = names::version_of_exchange(message.exchange).value_or(0);
  const auto properties = properties_of(message);
  letter.id = id_of(properties, message);
  if (!properties || !properties->headers) return letter;
  const auto& headers = *properties->headers;
  letter.execution = headers.text("threadId");
  letter.code = headers.text("errorCode", "worker.lost");
  letter.reason = headers.text("errorMessage", "its worker ended, again and again, while it had this message in work");
  letter.details = headers.text("errorDetails");
  letter.attempts = headers.integer("attempts", headers.integer("x-delivery-count"));
  letter.failed_at = headers.integer("failedAt");
  return letter;
}

/// The message without the marks of its failure. Without message-id, too: the step's queue has seen it and would take
/// it for a repeat.
std::string fresh_properties(const broker::Message& message) {
  auto properties = amqp::decode_properties(message.properties);
  if (!properties) return message.properties;
  properties->message_id.reset();
  properties->expiration.reset();
  if (properties->headers) {
    for (const auto* name : {"errorCode", "errorMessage", "errorDetails", "failedStep", "failedAt", "attempts",
                             "reboundIteration", "reboundReason", "x-death", "x-delivery-count",
                             "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason"}) {
      properties->headers->erase(name);
    }
  }
  return amqp::encode_properties(*properties);
}

json::value parsed(const std::string& text) {
  boost::system::error_code failed;
  auto value = json::parse(text, failed);
  return failed ? json::value(text) : value;
}

}  // namespace

json::object DeadLetter::to_json(bool with_message) const {
  json::object object = {{"id", id},         {"flow", flow},           {"version", version},
                         {"step", step},     {"execution", execution}, {"code", code},
                         {"reason", reason}, {"attempts", attempts},   {"failed_at", failed_at}};
  if (!details.empty()) object["details"] = parsed(details);
  if (with_message) object["message"] = parsed(envelope);
  return object;
}

void DeadLetters::each(std::string_view flow, const std::function<bool(DeadLetter)>& visit) const {
  constexpr std::size_t page = 256;
  for (const auto& queue : broker_.queues()) {
    std::string_view name = queue.name;
    if (!name.ends_with(queue_suffix)) continue;
    name.remove_suffix(queue_suffix.size());
    if (!flow.empty() && flow != name) continue;
    for (std::size_t offset = 0; offset < queue.ready; offset += page) {
      const auto messages = broker_.peek(queue.name, offset, page);
      if (!messages) break;
      for (const auto& message : *messages) {
        if (!visit(read(name, *message))) return;
      }
    }
  }
}

std::vector<DeadLetter> DeadLetters::page(const Query& query, std::size_t offset, std::size_t limit) const {
  std::vector<DeadLetter> letters;
  each(query.flow, [&](DeadLetter letter) {
    const bool meant =
        (query.step.empty() || letter.step == query.step) && (query.code.empty() || letter.code == query.code);
    if (!meant) return true;
    if (offset > 0) {
      --offset;
      return true;
    }
    letters.push_back(std::move(letter));
    return letters.size() < limit;
  });
  return letters;
}

std::vector<DeadLetter> DeadLetters::newest(const std::string& flow, std::size_t count) const {
  std::vector<DeadLetter> letters;
  const auto name = names::dead_letter_queue(flow);
  const auto queue = broker_.queue(name);
  if (!queue) return letters;
  const auto from = queue->ready > count ? queue->ready - count : 0;
  const auto messages = broker_.peek(name, from, count);
  if (!messages) return letters;
  for (const auto& message : *messages) letters.push_back(read(flow, *message));
  return letters;
}

Result<DeadLetter> DeadLetters::find(std::string_view id_prefix) const {
  std::optional<DeadLetter> found;
  bool several = false;
  each({}, [&](DeadLetter letter) {
    const bool is_it = letter.id == id_prefix;
    if (!is_it && !letter.id.starts_with(id_prefix)) return true;
    several = !is_it && (several || (found && found->id != letter.id));
    if (is_it || !found) found = std::move(letter);
    return !is_it;
  });
  if (!found) return Error{Error::Kind::not_found, fmt::format("there is no dead letter {}", id_prefix)};
  if (several) return Error{Error::Kind::invalid, fmt::format("several dead letters begin with {}", id_prefix)};
  return std::move(*found);
}

std::optional<std::int64_t> DeadLetters::newest_version(const DeadLetter& letter) const {
  std::optional<std::int64_t> newest;
  const auto prefix = letter.flow + "@";
  for (const auto& queue : broker_.queues()) {
    const std::string_view name = queue.name;
    if (!name.starts_with(prefix)) continue;
    const auto version = names::version_of_exchange("flow." + std::string(name.substr(0, name.find('.'))));
    if (!version || name != names::step_queue(letter.flow, *version, letter.step)) continue;
    newest = std::max(*version, newest.value_or(0));
  }
  return newest;
}

Status DeadLetters::retry(const DeadLetter& letter, std::optional<std::int64_t> version, Durable durable) {
  if (!version) version = newest_version(letter);
  if (!version || !broker_.queue(names::step_queue(letter.flow, *version, letter.step))) {
    return Error{Error::Kind::not_found, fmt::format("flow {} no longer has a step {} (bring it back, or drop the dead "
                                                     "letter)",
                                                     letter.flow, letter.step)};
  }
  auto taken = take(letter);
  if (!taken) return taken.error();
  auto message = std::make_shared<broker::Message>();
  message->exchange = names::exchange(letter.flow, *version);
  message->routing_key = names::input_key(letter.step);
  message->properties = fresh_properties(*taken->message);
  message->body = taken->message->body;
  auto done = commit({{std::move(message)}, {{taken->id, broker::Settle::ack}}}, std::move(durable));
  if (!done) put_back(*taken);
  return done;
}

Status DeadLetters::drop(const DeadLetter& letter, Durable durable) {
  const auto taken = take(letter);
  if (!taken) return taken.error();
  return commit({{}, {{taken->id, broker::Settle::ack}}}, std::move(durable));
}

Result<broker::Delivery> DeadLetters::take(const DeadLetter& letter) {
  const auto key = names::error_key(letter.step);
  auto taken = broker_.take_if(session_, names::dead_letter_queue(letter.flow), [&](const broker::Message& message) {
    if (message.routing_key != key) return false;
    return id_of(properties_of(message), message) == letter.id;
  });
  if (!taken) return Error{Error::Kind::unavailable, taken.error().text};
  if (!*taken) return Error{Error::Kind::not_found, fmt::format("there is no dead letter {}", letter.id)};
  return std::move(**taken);
}

void DeadLetters::put_back(const broker::Delivery& taken) {
  // Refused only when storage has failed: then it is back at the next start.
  static_cast<void>(commit({{}, {{taken.id, broker::Settle::requeue}}}, nullptr));
}

Status DeadLetters::commit(broker::Batch batch, Durable durable) {
  const auto answer = broker_.commit(session_, std::move(batch), std::move(durable));
  if (!answer) return Error{Error::Kind::io, answer.error().text};
  return Done{};
}

}  // namespace millrace::api
