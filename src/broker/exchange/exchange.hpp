#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "amqp/field_table.hpp"
#include "broker/broker.hpp"

namespace millrace::broker {

class Queue;
class Exchange;

/// Where a binding leads: a queue, or another exchange.
struct Destination {
  Queue* queue = nullptr;
  Exchange* exchange = nullptr;
  friend bool operator==(const Destination&, const Destination&) = default;
};

/// A rule that brings messages from one exchange to a queue or to another exchange.
struct Binding {
  Destination to;
  std::string key;
  amqp::FieldTable arguments;
};

/// Where messages are published to; finds the destinations of each by its type (AMQP 0-9-1 §3.1.3).
class Exchange {
 public:
  explicit Exchange(ExchangeSpec spec) : spec_(std::move(spec)) {}

  const ExchangeSpec& spec() const { return spec_; }
  const std::vector<Binding>& bindings() const { return bindings_; }

  /// Whether a binding may have these arguments (406 else).
  Answer<Done> accepts(const amqp::FieldTable& arguments) const;
  bool has(const Binding& binding) const;
  /// False if that binding is there already.
  bool bind(Binding binding);
  /// False if there is no such binding.
  bool unbind(const Destination& to, std::string_view key, const amqp::FieldTable& arguments);
  /// Removes all bindings to a destination that goes; false if there are none.
  bool forget(const Destination& to);

  /// Adds the destinations of a message with this routing key, each once.
  void route(const Message& message, const std::string& key, std::vector<Destination>& to) const;

 private:
  bool takes(const Binding& binding, const Message& message, std::string_view key) const;

  ExchangeSpec spec_;
  std::vector<Binding> bindings_;
  std::unordered_map<std::string, std::vector<Destination>> by_key_;  ///< of a direct exchange
};

/// Topic matching (AMQP 0-9-1 §3.1.3.3): words between dots, `*` is one word, `#` any number of them.
bool topic_matches(std::string_view pattern, std::string_view key);

}  // namespace millrace::broker
