#include "broker/session/sent_properties.hpp"

#include <algorithm>

#include "amqp/properties.hpp"
#include "broker/queue/queue_rules.hpp"

namespace millrace::broker {

using amqp::ReplyCode;

namespace {

Refusal refuse(std::string text) {
  return {ReplyCode::precondition_failed, std::move(text)};
}

bool is_number(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), digit);
}

Answer<Done> add_keys(const amqp::FieldTable& headers, std::string_view name, std::vector<std::string>& keys) {
  const auto* field = headers.find(name);
  if (field == nullptr) return Done{};
  const auto* array = std::get_if<amqp::FieldArray>(&field->value);
  if (array == nullptr) return refuse("the header " + std::string(name) + " is not a list of routing keys");
  for (const auto& item : *array) {
    const auto* key = std::get_if<std::string>(&item.value);
    if (key == nullptr || key->size() > 255)
      return refuse("the header " + std::string(name) + " holds what is no routing key");
    keys.push_back(*key);
  }
  return Done{};
}

}  // namespace

Answer<Done> take_properties(Message& message, std::string_view user, const std::string& reply_queue) {
  const auto glance = amqp::glance(message.properties);
  if (!glance) return Refusal{ReplyCode::syntax_error, glance.error().message};
  if (glance->user_id && *glance->user_id != user) {
    return refuse("user_id property set to '" + std::string(*glance->user_id) + "' but authenticated user was '" +
                  std::string(user) + "'");
  }
  if (glance->expiration && !is_number(*glance->expiration)) {
    return refuse("invalid expiration '" + std::string(*glance->expiration) + "': a number of milliseconds is wanted");
  }
  if (glance->expiration &&
      (glance->expiration->size() > 12 || std::stoull(std::string(*glance->expiration)) > delay_max_ms)) {
    return refuse("invalid expiration '" + std::string(*glance->expiration) + "': it is longer than ten years");
  }
  const bool wants_reply = glance->reply_to == reply_queue_prefix;
  const bool has_copies = glance->headers.find(
                              "\x02"
                              "CC") != std::string_view::npos ||
                          glance->headers.find(
                              "\x03"
                              "BCC") != std::string_view::npos;
  if (!wants_reply && !has_copies) return Done{};

  if (wants_reply && reply_queue.empty()) return refuse("fast reply consumer does not exist");
  auto properties = amqp::decode_properties(message.properties);
  if (!properties) return Refusal{ReplyCode::syntax_error, properties.error().message};
  if (wants_reply) properties->reply_to = reply_queue;
  if (has_copies && properties->headers) {
    for (const auto* name : {"CC", "BCC"}) {
      if (auto added = add_keys(*properties->headers, name, message.copies); !added) return added.error();
    }
  }
  if (wants_reply) message.properties = amqp::encode_properties(*properties);
  return Done{};
}

const std::string& without_hidden_keys(const std::string& properties, std::string& changed) {
  if (properties.find("\x03"
                      "BCC") == std::string::npos) {
    return properties;
  }
  auto decoded = amqp::decode_properties(properties);
  if (!decoded || !decoded->headers) return properties;
  decoded->headers->erase("BCC");
  return changed = amqp::encode_properties(*decoded);
}

}  // namespace millrace::broker
