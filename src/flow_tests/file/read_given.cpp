#include <algorithm>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/base64.hpp"
#include "components/template.hpp"
#include "flow/value.hpp"
#include "flow_tests/file/readers.hpp"

namespace millrace::flow_tests {
using components::percent_encoded;
using flow::join;
using flow::Node;
using flow::NodePtr;
using flow::Reading;

namespace {

/// A mapping of names to texts in the form of a query.
std::string read_form(Reading& reading, const Node& node, const std::string& path) {
  std::string form;
  if (node.kind == Node::Kind::text) return read_text(reading, node, path).value_or("");
  if (!is_mapping(reading, node, path, "names to text")) return form;
  for (const auto& entry : node.entries) {
    const auto text = read_text(reading, *entry.value, join(path, entry.key));
    if (!form.empty()) form += '&';
    form.append(percent_encoded(entry.key)).append("=").append(percent_encoded(text.value_or("")));
  }
  return form;
}

void read_request_body(Reading& reading, const Node& node, const std::string& path, GivenRequest& request) {
  std::string type;
  int given = 0;
  if (const auto* body = node.find("body")) {
    ++given;
    type = "application/json";
    if (const auto value = flow::read_any(reading, *body, join(path, "body"))) request.body = serialize(*value);
  }
  if (const auto* text = node.find("text")) {
    ++given;
    type = "text/plain; charset=utf-8";
    request.body = read_text(reading, *text, join(path, "text")).value_or("");
  }
  if (const auto* form = node.find("form")) {
    ++given;
    type = "application/x-www-form-urlencoded";
    request.body = read_form(reading, *form, join(path, "form"));
  }
  if (const auto* base64 = node.find("base64")) {
    ++given;
    type = "application/octet-stream";
    auto bytes = component::base64_decoded(read_text(reading, *base64, join(path, "base64")).value_or(""));
    if (!bytes) {
      reading.problem(*base64, join(path, "base64"), "is not base64");
    } else {
      request.body = std::move(*bytes);
    }
  }
  if (given > 1) reading.problem(node, path, "has more than one of body, text, form and base64", "keep one");
  const auto typed = std::ranges::find(request.headers, "content-type", &std::pair<std::string, std::string>::first);
  if (given == 1 && typed == request.headers.end()) request.headers.emplace_back("content-type", type);
}

GivenRequest read_request(Reading& reading, const Node& node, const std::string& path) {
  GivenRequest request;
  if (!is_mapping(reading, node, path, "a request's fields")) return request;
  reading.check_keys(node, path, request_fields());
  if (const auto* method = node.find("method")) {
    request.method = read_text(reading, *method, join(path, "method")).value_or("");
  }
  if (const auto* query = node.find("query")) request.query = read_form(reading, *query, join(path, "query"));
  if (const auto* headers = node.find("headers")) {
    request.headers = read_headers(reading, *headers, join(path, "headers")).value_or(Headers());
  }
  if (const auto* authorized = node.find("authorized")) {
    request.authorized = read_flag(reading, *authorized, join(path, "authorized")).value_or(true);
  }
  read_request_body(reading, node, path, request);
  return request;
}

GivenTicks read_ticks(Reading& reading, const Node& node, const std::string& path) {
  GivenTicks ticks;
  if (node.kind == Node::Kind::integer) {
    ticks.count = flow::read_integer(reading, node, path, 1, 1'000'000).value_or(1);
    return ticks;
  }
  if (!is_mapping(reading, node, path, "\"for\" or \"count\"")) return ticks;
  reading.check_keys(node, path, {"for", "count"});
  const auto* span = node.find("for");
  const auto* count = node.find("count");
  if ((span == nullptr) == (count == nullptr)) {
    reading.problem(node, path, "must have \"for\" or \"count\", and one of them only",
                    "write { for: 3d } or { count: 5 }");
  }
  if (span != nullptr) ticks.span = read_span(reading, *span, join(path, "for"));
  if (count != nullptr) {
    ticks.count = flow::read_integer(reading, *count, join(path, "count"), 1, 1'000'000).value_or(1);
  }
  return ticks;
}

GivenMessage read_message(Reading& reading, const Node& node, const std::string& path) {
  GivenMessage message;
  if (!is_mapping(reading, node, path, "a message's fields")) return message;
  reading.check_keys(node, path, step_message_fields());
  const auto* step = node.find("step");
  if (step == nullptr) {
    reading.problem(node, join(path, "step"), "missing", "add \"step\": the step that gets the message");
  } else {
    message.step = read_text(reading, *step, join(path, "step")).value_or("");
  }
  for (const auto& [name, into] : {std::pair{"id", &message.id}, std::pair{"execution", &message.execution}}) {
    if (const auto* text = node.find(name)) *into = read_text(reading, *text, join(path, name)).value_or("");
  }
  for (const auto& [name, into] :
       {std::pair{"body", &message.body}, std::pair{"headers", &message.headers},
        std::pair{"attachments", &message.attachments}, std::pair{"passthrough", &message.passthrough}}) {
    const auto* given = node.find(name);
    if (given == nullptr) continue;
    const bool any = name == std::string_view("body");
    if (!any && !is_mapping(reading, *given, join(path, name), "names and values")) continue;
    if (const auto value = flow::read_any(reading, *given, join(path, name))) *into = serialize(*value);
  }
  return message;
}

}  // namespace

const Names& request_fields() {
  static const Names names = {"method", "query", "headers", "body", "text", "form", "base64", "authorized"};
  return names;
}

const Names& step_message_fields() {
  static const Names names = {"step", "id", "execution", "body", "headers", "attachments", "passthrough"};
  return names;
}

std::optional<Given> read_given(Reading& reading, const NodePtr& node, const std::string& path) {
  if (!is_mapping(reading, *node, path, "what is given")) return std::nullopt;
  reading.check_keys(*node, path, {"webhook", "ticks", "message", "at", "times"});
  Given given;
  given.offset = node->offset;
  given.path = path;
  int kinds = 0;
  if (const auto* webhook = node->find("webhook")) {
    ++kinds;
    given.what = read_request(reading, *webhook, join(path, "webhook"));
  }
  if (const auto* ticks = node->find("ticks")) {
    ++kinds;
    given.what = read_ticks(reading, *ticks, join(path, "ticks"));
  }
  if (const auto* message = node->find("message")) {
    ++kinds;
    given.what = read_message(reading, *message, join(path, "message"));
  }
  if (kinds != 1) {
    reading.problem(*node, path, "must have one of webhook, ticks and message",
                    "write - webhook: {…}, - ticks: {…} or - message: {…}");
    return std::nullopt;
  }
  if (const auto* at = node->find("at")) {
    given.at = read_span(reading, *at, join(path, "at")).value_or(milliseconds(0));
  }
  if (const auto* times = node->find("times")) {
    const auto count = flow::read_integer(reading, *times, join(path, "times"), 1, 100'000);
    given.times = static_cast<std::uint32_t>(count.value_or(1));
  }
  return given;
}

}  // namespace millrace::flow_tests
