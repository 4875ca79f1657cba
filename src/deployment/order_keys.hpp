#pragma once

#include <map>
#include <optional>
#include <string>

#include "broker/broker.hpp"
#include "flow/plan.hpp"
#include "jsonata/expression.hpp"

namespace millrace::deployment {

/// The keys by which ordered queues order their messages: each step's `ordered_by:` over the message as it comes to the
/// queue, whoever has sent it. Asked when a message's turn is near, on the platform's loop, so an expression may use
/// less than those of workers: 100 ms and 64 MiB. Thread: the loop's.
class OrderKeys {
 public:
  void add(const flow::Plan& plan);
  void remove(const flow::Plan& plan);
  /// The result as JSON text, so that 1 and "1" are two keys; a long one as its digest. None where the expression
  /// yields nothing or null. A failure says "code: sentence", for the worker to make a dead letter of
  /// (component::StepInput). Nullopt if the queue is not of a step with `ordered_by:`.
  std::optional<broker::OrderKey> key(const std::string& queue, const broker::Message& message) const;

 private:
  std::map<std::string, jsonata::Expression> expressions_;  ///< by queue
};

}  // namespace millrace::deployment
