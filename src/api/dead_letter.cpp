#include "api/dead_letter.hpp"

#include <optional>

#include <fmt/format.h>

#include "amqp/properties.hpp"
#include "component/json_document.hpp"
#include "core/id.hpp"
#include "flow/plan.hpp"

namespace millrace::api {
namespace {

namespace json = boost::json;
namespace names = flow::names;

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

/// The message without the marks of its failure. Without message-id, too: the step's queue has seen it and would take
/// it for a repeat.
std::string fresh_properties(const broker::Message& message) {
  auto properties = amqp::decode_properties(message.properties);
  if (!properties) return message.properties;
  properties->message_id.reset();
  properties->expiration.reset();
  if (properties->headers) {
    properties->headers->set("retries", properties->headers->integer("retries") + 1);
    for (const auto* name : {"errorCode", "errorMessage", "errorDetails", "failedStep", "failedAt", "attempts",
                             "reboundIteration", "reboundReason", "x-millrace-place", "x-death", "x-delivery-count",
                             "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason"}) {
      properties->headers->erase(name);
    }
  }
  return amqp::encode_properties(*properties);
}

}  // namespace

json::object DeadLetter::to_json(bool with_message) const {
  json::object object = {{"id", id},         {"flow", flow},           {"version", version},
                         {"step", step},     {"execution", execution}, {"code", code},
                         {"reason", reason}, {"attempts", attempts},   {"failed_at", failed_at}};
  if (!details.empty()) object["details"] = component::document_or_text(details);
  if (with_message) object["message"] = component::document_or_text(envelope);
  return object;
}

bool DeadLetter::is_meant_by(const store::DeadLetterQuery& query) const {
  const auto has_text = [&](const std::string& part) { return part.find(query.text) != std::string::npos; };
  return (query.flow.empty() || flow == query.flow) && (query.step.empty() || step == query.step) &&
         (query.code.empty() || code == query.code) && (query.execution.empty() || execution == query.execution) &&
         (query.text.empty() || has_text(code) || has_text(reason) || has_text(details)) &&
         (!query.failed_before || (failed_at != 0 && failed_at < *query.failed_before)) &&
         (!query.failed_after || failed_at > *query.failed_after);
}

std::string DeadLetter::no_step() const {
  return fmt::format("flow {} no longer has a step {} (bring it back, or drop the dead letter)", flow, step);
}

DeadLetter read_dead_letter(std::string_view flow, const broker::Message& message) {
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
  letter.retries = headers.integer("retries");
  return letter;
}

std::shared_ptr<broker::Message> fresh_message(const broker::Message& dead, const DeadLetter& letter,
                                               std::int64_t version) {
  auto message = std::make_shared<broker::Message>();
  message->exchange = names::exchange(letter.flow, version);
  message->routing_key = names::input_key(letter.step);
  message->properties = fresh_properties(dead);
  message->body = dead.body;
  return message;
}

}  // namespace millrace::api
