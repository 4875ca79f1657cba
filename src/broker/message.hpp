#pragma once

#include <memory>
#include <string>
#include <vector>

namespace millrace::broker {

/// A message as published: immutable, shared by every queue it lies in.
struct Message {
  std::string exchange;
  std::string routing_key;
  /// The content header's property flags and property list exactly as on the wire (AMQP 0-9-1 §4.2.6.1); what a
  /// publisher sent is what a consumer gets. Decode with amqp::decode_properties, make with amqp::encode_properties.
  std::string properties;
  std::string body;
  /// Further routing keys (headers CC and BCC, https://www.rabbitmq.com/docs/sender-selected); used once, not stored.
  std::vector<std::string> copies = {};
};

using MessagePtr = std::shared_ptr<const Message>;

}  // namespace millrace::broker
