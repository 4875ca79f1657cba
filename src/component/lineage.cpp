#include "component/lineage.hpp"

#include <algorithm>

#include "core/id.hpp"

namespace millrace::component {
namespace {

constexpr std::int64_t count_max = (1 << 30) - 1;

std::uint32_t count_of(const amqp::FieldTable& headers, std::string_view name) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(headers.integer(name), 0, count_max));
}

}  // namespace

Result<Lineage> Lineage::read(const std::string& wire_properties) {
  auto decoded = amqp::decode_properties(wire_properties);
  if (!decoded) return decoded.error();
  Lineage lineage;
  lineage.properties = std::move(*decoded);
  if (auto& headers = lineage.properties.headers) {
    lineage.message_id = headers->text("messageId");
    lineage.execution_id = headers->text("threadId");
    lineage.reply_to = headers->text("reply_to");
    if (const auto traceparent = headers->text("traceparent"); !traceparent.empty()) {
      lineage.trace = tracing::Context::read(traceparent, headers->text("tracestate"));
    }
    lineage.probe = headers->integer("x-millrace-probe") != 0;
    headers->erase("x-millrace-probe");
    lineage.order_failure = headers->text("x-millrace-order-failure");
    headers->erase("x-millrace-order-failure");
    lineage.losses = count_of(*headers, "x-delivery-count");
    lineage.attempt = count_of(*headers, "reboundIteration") + lineage.losses + 1;
  }
  if (lineage.message_id.empty()) lineage.message_id = lineage.properties.message_id.value_or(std::string());
  if (lineage.execution_id.empty()) lineage.execution_id = lineage.message_id;
  return lineage;
}

void Lineage::name_after(const Message& message) {
  message_id = message.id();
  if (message_id.empty()) message_id = derived_id({message.envelope()});
  if (execution_id.empty()) execution_id = message_id;
}

}  // namespace millrace::component
