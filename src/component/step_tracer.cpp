#include "component/step_tracer.hpp"

#include <string_view>
#include <utility>

namespace millrace::component {
namespace {

using tracing::Attribute;
using tracing::Span;

std::string_view word_of(const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::failed) return "failed";
  if (outcome.kind == Outcome::Kind::rebound) return "rebound";
  return outcome.filtered ? "filtered" : "done";
}

std::vector<Attribute> attributes_of(std::string_view operation, const std::string& destination,
                                     const std::string& message, const std::string& execution, std::size_t size) {
  auto attributes = tracing::messaging_attributes(operation, message, execution);
  attributes.push_back({"messaging.destination.name", destination});
  attributes.push_back({"messaging.message.body.size", static_cast<std::int64_t>(size)});
  return attributes;
}

}  // namespace

void StepTracer::begin(Lineage& lineage) const {
  const bool goes_on = static_cast<bool>(lineage.trace);
  if (goes_on && !lineage.trace.sampled) return;
  auto active = tracing::Active::below(lineage.trace, *settings_.trace_ratio, loop_);
  lineage.trace = active.context;
  if (active.context.sampled) lineage.span = std::move(active);
}

void StepTracer::add(const Handled& handled) {
  const auto& lineage = handled.lineage;
  if (!handled.over || !lineage.span) return;
  auto span = lineage.span->over("process " + environment_.step_id, Span::Kind::consumer, loop_);
  span.attributes = attributes_of("process", environment_.listen_messages_on, lineage.message_id, lineage.execution_id,
                                  handled.envelope.size());
  span.attributes.push_back({"millrace.message.attempt", std::int64_t{lineage.attempt}});
  span.attributes.push_back({"millrace.outcome", std::string(word_of(handled.outcome))});
  if (handled.outcome.kind != Outcome::Kind::ok) {
    const auto& failure = handled.outcome.failure;
    span.failure = failure.message;
    span.attributes.push_back({"error.type", failure.code});
  }
  add(span);
}

void StepTracer::add_beginnings(const Handled& handled, io::SteadyTime began) {
  for (const auto& message : handled.published) {
    if (message.routing_key != environment_.data_routing_key) continue;
    const auto properties = amqp::decode_properties(message.properties);
    if (!properties || !properties->headers) continue;
    const tracing::Active active{
        tracing::Context::read(properties->headers->text("traceparent"), ""), "", {handled.began, began}};
    if (!active.context.sampled) continue;
    const auto id = std::string(properties->headers->text("messageId"));
    auto span = active.over("send " + environment_.step_id, Span::Kind::producer, loop_);
    span.attributes = attributes_of("send", environment_.publish_messages_to, id, id, message.body.size());
    span.attributes.push_back({"millrace.execution.via", "poll"});
    add(span);
  }
}

std::string StepTracer::take() {
  return std::exchange(gathered_, {});
}

}  // namespace millrace::component
