#include "component/lineage.hpp"

#include <algorithm>
#include <limits>

#include "core/id.hpp"

namespace millrace::component {

Result<Lineage> Lineage::read(const std::string& wire_properties) {
  auto decoded = amqp::decode_properties(wire_properties);
  if (!decoded) return decoded.error();
  Lineage lineage;
  lineage.properties = std::move(*decoded);
  if (const auto& headers = lineage.properties.headers) {
    lineage.message_id = headers->text("messageId");
    lineage.execution_id = headers->text("threadId");
    lineage.reply_to = headers->text("reply_to");
    const auto rebounds =
        std::clamp<std::int64_t>(headers->integer("reboundIteration"), 0, std::numeric_limits<std::int32_t>::max());
    lineage.attempt = static_cast<std::uint32_t>(rebounds) + 1;
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
