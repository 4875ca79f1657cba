#include "flow_tests/file/expected.hpp"

namespace millrace::flow_tests {
namespace {

using How = PartField::How;
using Type = PartField::Type;

constexpr PartField body{"body", "body", How::equal, Type::any, "Its body: exactly this JSON."};
constexpr PartField body_contains{"body_contains", "body", How::contains, Type::any,
                                  "Its body: what stands here must be in it, other members may be."};

}  // namespace

const Parts& message_parts() {
  static const Parts parts = {
      body,
      body_contains,
      {"headers", "headers", How::contains, Type::mapping, "Members of the message's headers."},
      {"attachments", "attachments", How::contains, Type::mapping, "Members of its attachments."},
      {"passthrough", "passthrough", How::contains, Type::mapping, "What earlier steps made, by step."}};
  return parts;
}

const Parts& request_parts() {
  static const Parts parts = {
      {"method", "method", How::equal, Type::text, "HTTP method."},
      {"url", "url", How::pattern, Type::text, "URL; * stands for any run of characters."},
      {"query", "query", How::contains, Type::mapping, "Query parameters, decoded."},
      {"headers", "headers", How::contains, Type::headers, "Headers, names in any case."},
      body,
      body_contains,
      {"text", "text", How::equal, Type::text, "Its body as text, exactly."},
      {"answered", "answered", How::equal, Type::text, "What the stub answered: a status, or refused, timeout …"}};
  return parts;
}

const Parts& mail_parts() {
  static const Parts parts = {
      {"smtp", "smtp", How::pattern, Type::text, "The mail server's URL; * stands for any run of characters."},
      {"from", "from", How::equal, Type::text, "The sender, as the header says it."},
      {"to", "to", How::equal, Type::list, "Recipients in the header To, in order."},
      {"cc", "cc", How::equal, Type::list, "Recipients in the header Cc, in order."},
      {"reply_to", "reply_to", How::equal, Type::list, "Addresses in the header Reply-To."},
      {"recipients", "recipients", How::equal, Type::list, "All who get it, hidden ones too, as bare addresses."},
      {"subject", "subject", How::equal, Type::text, "The subject."},
      {"text", "text", How::equal, Type::text, "The plain text."},
      {"html", "html", How::equal, Type::text, "The HTML."},
      {"headers", "headers", How::contains, Type::headers, "Headers, names in any case."},
      {"attachments", "attachments", How::contains, Type::list, "Attachments in order: name, type, text or base64."},
      {"answered", "answered", How::equal, Type::text, "What the stub answered: a reply code, or refused, timeout …"}};
  return parts;
}

const Parts& dead_letter_parts() {
  static const Parts parts = {
      {"step", "step", How::equal, Type::text, "Where it failed."},
      {"code", "code", How::equal, Type::text, "The failure's code, such as http.status."},
      {"message", "message", How::pattern, Type::text, "The failure's sentence; * stands for any run of characters."},
      {"details", "details", How::contains, Type::any, "What was kept of the failure, such as the response."},
      {"attempts", "attempts", How::equal, Type::integer, "How often it was tried."},
      body,
      body_contains,
      {"headers", "headers", How::contains, Type::mapping, "Members of the message's headers."}};
  return parts;
}

const Parts& answer_parts() {
  static const Parts parts = {{"status", "status", How::equal, Type::integer, "HTTP status."},
                              {"headers", "headers", How::contains, Type::headers, "Headers, names in any case."},
                              body,
                              body_contains};
  return parts;
}

}  // namespace millrace::flow_tests
