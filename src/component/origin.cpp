#include "component/origin.hpp"

#include <string>

#include "amqp/timestamp.hpp"

namespace millrace::component {

amqp::Properties properties_of(const Origin& origin) {
  amqp::FieldTable headers;
  const auto append = [&headers](const char* name, std::string_view text) {
    if (!text.empty()) headers.append(name, text);
  };
  append("messageId", origin.message);
  append("parentMessageId", origin.parent);
  append("threadId", origin.execution);
  append("taskId", origin.flow);
  append("stepId", origin.step);
  append("reply_to", origin.reply_to);
  append("traceparent", origin.traceparent);
  append("tracestate", origin.tracestate);

  amqp::Properties properties;
  properties.content_type = "application/json";
  properties.delivery_mode = 2;
  if (origin.at) properties.timestamp = amqp::timestamp_of(*origin.at);
  if (origin.keyed) properties.message_id = origin.message;
  properties.headers = std::move(headers);
  return properties;
}

}  // namespace millrace::component
