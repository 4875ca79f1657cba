#include "replay/message.hpp"

#include <memory>

#include "amqp/properties.hpp"
#include "component/json_text.hpp"
#include "component/origin.hpp"
#include "core/id.hpp"

namespace millrace::replay {
namespace {

namespace json_text = component::json_text;

/// The envelope with another id, and with another body if one is given.
std::string envelope_of(const std::string& recorded, const std::string& id, const std::string& body) {
  std::string out = "{\"id\":";
  json_text::append_quoted(out, id);
  // It was JSON when it was recorded; what is not keeps no members.
  static_cast<void>(json_text::members(recorded, [&](std::string_view name, std::string_view value) {
    if (name == "id") return;
    out += ',';
    json_text::append_quoted(out, name);
    out += ':';
    out += name == "body" && !body.empty() ? std::string_view(body) : value;
  }));
  return out + "}";
}

}  // namespace

std::string repeated_id(const std::string& replay, const history::Chosen& chosen, const std::string& step) {
  return derived_id({replay, chosen.execution, chosen.message, step});
}

broker::MessagePtr make_message(const history::Chosen& chosen, const Order& order, const std::string& id,
                                const flow::Plan& plan, const std::string& traceparent) {
  component::Origin origin;
  origin.message = origin.execution = id;
  origin.parent = chosen.message;
  origin.flow = plan.flow;
  origin.step = plan.trigger.step;
  origin.traceparent = traceparent;
  auto message = std::make_shared<broker::Message>();
  message->exchange = plan.exchange.name;
  message->routing_key =
      order.what.step.empty() ? flow::names::output_key(plan.trigger.step) : flow::names::input_key(order.what.step);
  message->properties = amqp::encode_properties(component::properties_of(origin));
  message->body = envelope_of(chosen.envelope, id, order.body);
  return message;
}

}  // namespace millrace::replay
