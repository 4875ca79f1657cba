#pragma once

#include <string>

#include "broker/message.hpp"
#include "flow/plan.hpp"
#include "history/selection.hpp"
#include "replay/order.hpp"

namespace millrace::replay {

/// The id of the execution, and of its first message, that repeats this message in this replay.
std::string repeated_id(const std::string& replay, const history::Chosen& chosen, const std::string& step);

/// The recorded message as that of a new execution, on this version of its flow: to the step that the order names, or
/// to those after the trigger. `traceparent` may be empty.
broker::MessagePtr make_message(const history::Chosen& chosen, const Order& order, const std::string& id,
                                const flow::Plan& plan, const std::string& traceparent);

}  // namespace millrace::replay
