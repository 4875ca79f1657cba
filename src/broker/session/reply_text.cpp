#include "broker/session/reply_text.hpp"

namespace millrace::broker {

namespace {

std::string_view constant(amqp::ReplyCode code) {
  switch (code) {
    case amqp::ReplyCode::success:
      return "SUCCESS";
    case amqp::ReplyCode::content_too_large:
      return "CONTENT_TOO_LARGE";
    case amqp::ReplyCode::no_route:
      return "NO_ROUTE";
    case amqp::ReplyCode::no_consumers:
      return "NO_CONSUMERS";
    case amqp::ReplyCode::connection_forced:
      return "CONNECTION_FORCED";
    case amqp::ReplyCode::invalid_path:
      return "INVALID_PATH";
    case amqp::ReplyCode::access_refused:
      return "ACCESS_REFUSED";
    case amqp::ReplyCode::not_found:
      return "NOT_FOUND";
    case amqp::ReplyCode::resource_locked:
      return "RESOURCE_LOCKED";
    case amqp::ReplyCode::precondition_failed:
      return "PRECONDITION_FAILED";
    case amqp::ReplyCode::frame_error:
      return "FRAME_ERROR";
    case amqp::ReplyCode::syntax_error:
      return "SYNTAX_ERROR";
    case amqp::ReplyCode::command_invalid:
      return "COMMAND_INVALID";
    case amqp::ReplyCode::channel_error:
      return "CHANNEL_ERROR";
    case amqp::ReplyCode::unexpected_frame:
      return "UNEXPECTED_FRAME";
    case amqp::ReplyCode::resource_error:
      return "RESOURCE_ERROR";
    case amqp::ReplyCode::not_allowed:
      return "NOT_ALLOWED";
    case amqp::ReplyCode::not_implemented:
      return "NOT_IMPLEMENTED";
    case amqp::ReplyCode::internal_error:
      return "INTERNAL_ERROR";
  }
  return "ERROR";
}

}  // namespace

std::string reply_text(const Refusal& refusal, const std::string& host) {
  constexpr std::string_view root = "in vhost '/'";
  std::string text = std::string(constant(refusal.code)) + " - " + refusal.text;
  const auto place = text.find(root);
  if (host != "/" && place != text.npos) text.replace(place, root.size(), "in vhost '" + host + "'");
  return text;
}

}  // namespace millrace::broker
