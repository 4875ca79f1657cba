#pragma once

#include <string>
#include <string_view>

#include "component/message.hpp"

namespace millrace::hosting::sailor {

/// Replies to a waiting webhook caller, in the form that the gateway reads (gateway::Replies): a JSON text
/// `{"status", "headers", "body"}`.

/// From the event httpReply (`{statusCode, headers, body}`), or from a message that elastic.io's HTTP Reply component
/// emits (`body`, and `headers` with x-eio-status-code and content-type).
std::string reply_from(const component::Message& message);
/// From an error `{name, message, stack}`: status 500, with the message and without the stack.
std::string reply_with_error(std::string_view error);

}  // namespace millrace::hosting::sailor
