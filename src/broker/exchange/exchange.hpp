#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "amqp/field_table.hpp"
#include "broker/broker.hpp"

namespace millrace::broker {

class Queue;

/// A rule that brings messages from one exchange to one queue.
struct Binding {
  Queue* queue = nullptr;
  std::string key;
  amqp::FieldTable arguments;
};

/// Where messages are published to; finds the queues for each by its type (AMQP 0-9-1 §3.1.3).
class Exchange {
 public:
  explicit Exchange(ExchangeSpec spec) : spec_(std::move(spec)) {}

  const ExchangeSpec& spec() const { return spec_; }
  const std::vector<Binding>& bindings() const { return bindings_; }

  /// False if that binding is there already.
  bool bind(Binding binding);
  /// False if there is no such binding.
  bool unbind(const Queue* queue, std::string_view key, const amqp::FieldTable& arguments);
  void forget(const Queue* queue);

  /// Adds the queues that take the message, each once.
  void route(const Message& message, std::vector<Queue*>& to) const;

 private:
  bool takes(const Binding& binding, const Message& message) const;

  ExchangeSpec spec_;
  std::vector<Binding> bindings_;
  std::unordered_map<std::string, std::vector<Queue*>> by_key_;  ///< of a direct exchange
};

/// Topic matching (AMQP 0-9-1 §3.1.3.3): words between dots, `*` is one word, `#` any number of them.
bool topic_matches(std::string_view pattern, std::string_view key);

}  // namespace millrace::broker
