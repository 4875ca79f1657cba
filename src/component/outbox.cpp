#include "component/outbox.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "component/json_text.hpp"
#include "component/origin.hpp"
#include "component/utf8.hpp"
#include "core/id.hpp"

namespace millrace::component {
namespace {

// A content header is one frame (AMQP 0-9-1 §2.3.5.2), at most 128 KiB as frames are usually negotiated.
constexpr std::size_t details_max = 64 * 1024 + 2 * 1024;
constexpr std::size_t sentence_max = 4 * 1024;

/// A foreign message without ids keeps the one it was given here, so that operators can name it.
void name(amqp::Properties& properties, const Lineage& input) {
  if (!input.message_id.empty() && properties.headers->text("messageId").empty()) {
    properties.headers->set("messageId", input.message_id);
  }
}

/// What belongs to no trace yet goes on in the one that its first attempt has begun.
void carry_trace(amqp::Properties& properties, const Lineage& input) {
  auto& headers = *properties.headers;
  if (!input.trace || tracing::Context::read(headers.text("traceparent"), "")) return;
  headers.set("traceparent", input.trace.traceparent());
  headers.erase("tracestate");
}

std::string capped(std::string_view text) {
  if (text.size() <= sentence_max) return std::string(text);
  return std::string(utf8::head(text, sentence_max)) + "…";
}

}  // namespace

Outbox::Outbox(const io::Loop& clock, const WorkerEnvironment& environment, const StepSettings& settings,
               bool starts_executions)
    : clock_(clock), environment_(environment), settings_(settings), starts_executions_(starts_executions) {}

amqp::Properties Outbox::child_properties(const Lineage& parent, std::string_view id) const {
  const auto& ratio = settings_.trace_ratio;
  const auto begun = starts_executions_ && ratio ? tracing::Context::begin(*ratio) : tracing::Context();
  const auto& trace = starts_executions_ ? begun : parent.trace;
  const auto traceparent = trace.traceparent();
  Origin origin;
  origin.message = id;
  origin.parent = parent.message_id;
  origin.execution = starts_executions_ ? id : parent.execution_id;
  origin.flow = environment_.flow_id;
  origin.step = environment_.step_id;
  origin.reply_to = parent.reply_to;
  origin.traceparent = traceparent;
  origin.tracestate = trace.state;
  origin.at = clock_.wall_now();
  return properties_of(origin);
}

std::string Outbox::passthrough_of(const Message& input, const Emission& emission) const {
  std::string own = "{\"body\":" + (emission.body.empty() ? "{}" : emission.body) +
                    ",\"headers\":" + (emission.headers.empty() ? "{}" : emission.headers) + "}";
  std::string all = "{";
  const auto carried = input.part("passthrough");
  if (!carried.empty() && carried.front() == '{') {
    // Another output of a step of this name is replaced. The text was checked when the message was read.
    (void)json_text::members(carried, [&](std::string_view name, std::string_view value) {
      if (name == environment_.step_id) return;
      json_text::append_quoted(all, name);
      all.append(":").append(value).append(",");
    });
  }
  json_text::append_quoted(all, environment_.step_id);
  return all.append(":").append(own).append("}");
}

Status Outbox::add_emissions(const Lineage& parent, const Message& input, std::vector<Emission> emissions,
                             std::uint64_t first_index, Publishes& to) const {
  const auto before = to.size();
  std::uint64_t index = first_index;
  for (auto& emission : emissions) {
    const auto place = index++;
    if (emission.routing_key.empty() && !settings_.has_successors) continue;
    auto id = emission.identity.empty() ? child_message_id(parent.message_id, environment_.step_id, place)
                                        : derived_id({environment_.flow_id, environment_.step_id, emission.identity});
    std::string passthrough;
    if (settings_.passthrough) passthrough = passthrough_of(input, emission);
    auto message = Message::make(id, emission.body, emission.headers, emission.attachments, passthrough);
    if (message.envelope().size() > message_size_max) {
      to.resize(before);
      return Error{Error::Kind::limit,
                   fmt::format("message {} of this step's output is {} bytes; a message may have {}", place,
                               message.envelope().size(), message_size_max)};
    }
    to.push_back({environment_.publish_messages_to,
                  emission.routing_key.empty() ? environment_.data_routing_key : std::move(emission.routing_key),
                  amqp::encode_properties(child_properties(parent, id)), std::move(message).take_envelope()});
  }
  return Done{};
}

void Outbox::add_snapshot(std::string snapshot, Publishes& to) const {
  amqp::Properties properties;
  properties.content_type = "application/json";
  properties.delivery_mode = 2;
  properties.headers.emplace();
  properties.headers->append("taskId", environment_.flow_id);
  properties.headers->append("stepId", environment_.step_id);
  to.push_back({environment_.publish_messages_to, environment_.snapshot_routing_key,
                amqp::encode_properties(properties), std::move(snapshot)});
}

/// What only the platform reads.
amqp::client::Outgoing Outbox::report(const std::string& key, std::string text) const {
  amqp::Properties properties;
  properties.content_type = "application/json";
  properties.headers.emplace();
  properties.headers->append("stepId", environment_.step_id);
  return {environment_.publish_messages_to, key, amqp::encode_properties(properties), std::move(text)};
}

void Outbox::add_account(const Account& account, Publishes& to) const {
  to.push_back(
      report(settings_.accounts_key, fmt::format(R"({{"filtered":{},"dead":{}}})", account.filtered, account.dead)));
}

void Outbox::add_health(std::string report, Publishes& to) const {
  to.push_back(this->report(settings_.health_key, std::move(report)));
}

bool Outbox::add_rebound(const Lineage& input, std::string envelope, const Outcome& outcome, Publishes& to,
                         bool counted) const {
  if (counted && input.attempt >= settings_.retry.attempts && !starts_executions_) {
    add_dead_letter(input, std::move(envelope), outcome.failure, to);
    return false;
  }
  const auto delay = std::max(settings_.retry.delay_before(input.attempt + 1),
                              outcome.retry_after.value_or(std::chrono::milliseconds(0)));
  auto properties = input.properties;
  if (!properties.headers) properties.headers.emplace();
  name(properties, input);
  carry_trace(properties, input);
  properties.headers->erase("x-delivery-count");  // counted in the attempt
  properties.headers->set("reboundIteration", static_cast<std::int32_t>(counted ? input.attempt : input.attempt - 1));
  properties.headers->set("reboundReason", capped(outcome.failure.code + ": " + outcome.failure.message));
  if (starts_executions_) {
    const auto now = clock_.wall_now().time_since_epoch().count();
    if (properties.headers->find("failingSince") == nullptr) properties.headers->set("failingSince", std::int64_t{now});
    properties.headers->set("triedAgainAt", std::int64_t{now + delay.count()});
  }
  properties.delivery_mode = 2;
  properties.expiration = std::to_string(std::clamp<std::int64_t>(delay.count(), 1, 30LL * 24 * 3600 * 1000));
  to.push_back({environment_.publish_messages_to, environment_.rebound_routing_key, amqp::encode_properties(properties),
                std::move(envelope)});
  return true;
}

void Outbox::add_dead_letter(const Lineage& input, std::string envelope, const Failure& failure, Publishes& to) const {
  auto properties = input.properties;
  if (!properties.headers) properties.headers.emplace();
  name(properties, input);
  carry_trace(properties, input);
  auto& headers = *properties.headers;
  headers.erase("x-millrace-place");  // the queue's that it leaves
  headers.set("errorCode", capped(failure.code));
  headers.set("errorMessage", capped(failure.message));
  if (!failure.details.empty()) {
    headers.set("errorDetails", failure.details.size() <= details_max ? failure.details : R"({"truncated":true})");
  }
  headers.set("failedStep", environment_.step_id);
  headers.set("failedAt", static_cast<std::int64_t>(clock_.wall_now().time_since_epoch().count()));
  headers.set("attempts", static_cast<std::int32_t>(input.attempt));
  properties.delivery_mode = 2;
  properties.expiration.reset();
  to.push_back({environment_.publish_messages_to, environment_.error_routing_key, amqp::encode_properties(properties),
                std::move(envelope)});
}

}  // namespace millrace::component
