#include <algorithm>
#include <array>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "component/base64.hpp"
#include "core/nearest.hpp"
#include "flow/value.hpp"
#include "flow_tests/file/readers.hpp"

namespace millrace::flow_tests {
using flow::join;
using flow::Node;
using flow::NodePtr;
using flow::Reading;
using Fault = io::TransferFault::Kind;

namespace {

constexpr std::array<std::pair<std::string_view, Fault>, 4> faults = {{{"refused", Fault::unavailable},
                                                                       {"timeout", Fault::timeout},
                                                                       {"untrusted", Fault::untrusted},
                                                                       {"login", Fault::login}}};

Names fault_names(Stub::Kind kind) {
  Names names;
  for (const auto& [name, fault] : faults) {
    if (kind == Stub::Kind::smtp || fault != Fault::login) names.emplace_back(name);
  }
  return names;
}

void read_fault(Reading& reading, const Node& node, const std::string& path, Stub::Kind kind, StubAnswer& answer) {
  const auto known = fault_names(kind);
  const auto name = read_text(reading, node, path);
  if (!name) return;
  if (std::ranges::find(known, *name) == known.end()) {
    reading.problem(node, path, fmt::format("\"{}\" is none of: {}", *name, fmt::join(known, ", ")),
                    nearest(*name, known) ? suggestion(*name, known) : std::string());
    return;
  }
  answer.fault = std::ranges::find(faults, *name, &std::pair<std::string_view, Fault>::first)->second;
  answer.name = *name;
}

void read_http_body(Reading& reading, const Node& node, const std::string& path, StubAnswer& answer) {
  int given = 0;
  std::string type;
  if (const auto* body = node.find("body")) {
    ++given;
    type = "application/json";
    if (const auto value = flow::read_any(reading, *body, join(path, "body"))) answer.body = serialize(*value);
  }
  if (const auto* text = node.find("text")) {
    ++given;
    type = "text/plain; charset=utf-8";
    if (auto value = read_text(reading, *text, join(path, "text"))) answer.body = std::move(*value);
  }
  if (const auto* base64 = node.find("base64")) {
    ++given;
    type = "application/octet-stream";
    const auto text = read_text(reading, *base64, join(path, "base64"));
    auto bytes = component::base64_decoded(text.value_or(""));
    if (!bytes) {
      reading.problem(*base64, join(path, "base64"), "is not base64");
    } else {
      answer.body = std::move(*bytes);
    }
  }
  if (const auto* from = node.find("body_from")) {
    ++given;
    type = "application/json";
    if (auto condition = read_condition(reading, *from, join(path, "body_from"))) {
      answer.body_from = std::move(condition->expression);
    }
  }
  if (given > 1) reading.problem(node, path, "has more than one of body, text, base64 and body_from", "keep one");
  const auto typed = std::ranges::find(answer.headers, "content-type", &std::pair<std::string, std::string>::first);
  if (given == 1 && typed == answer.headers.end()) answer.headers.emplace_back("content-type", type);
}

void read_http_answer(Reading& reading, const Node& node, const std::string& path, StubAnswer& answer) {
  if (const auto* status = node.find("status")) {
    const auto code = flow::read_integer(reading, *status, join(path, "status"), 100, 599);
    answer.status = static_cast<int>(code.value_or(200));
  }
  if (const auto* headers = node.find("headers")) {
    if (auto read = read_headers(reading, *headers, join(path, "headers"))) answer.headers = std::move(*read);
  }
  read_http_body(reading, node, path, answer);
  if (!answer.fault) answer.name = std::to_string(answer.status);
}

void read_smtp_answer(Reading& reading, const Node& node, const std::string& path, StubAnswer& answer) {
  answer.status = 250;
  answer.body = "2.0.0 accepted";
  if (const auto* reply = node.find("reply")) {
    const auto code = flow::read_integer(reading, *reply, join(path, "reply"), 200, 599);
    answer.status = static_cast<int>(code.value_or(250));
    if (answer.status >= 400) answer.body = "not accepted";
  }
  if (const auto* text = node.find("text")) {
    if (auto value = read_text(reading, *text, join(path, "text"))) answer.body = std::move(*value);
  }
  if (!answer.fault) answer.name = std::to_string(answer.status);
}

std::optional<StubAnswer> read_answer(Reading& reading, const Node& node, const std::string& path, Stub::Kind kind) {
  StubAnswer answer;
  if (node.kind == Node::Kind::text) {
    if (kind == Stub::Kind::smtp && node.text == "accepted") {
      read_smtp_answer(reading, Node{}, path, answer);
    } else {
      read_fault(reading, node, path, kind, answer);
    }
    return answer;
  }
  if (node.kind == Node::Kind::integer) {
    const auto http = kind == Stub::Kind::http;
    const auto code = flow::read_integer(reading, node, path, http ? 100 : 200, 599);
    answer.status = static_cast<int>(code.value_or(0));
    answer.name = std::to_string(answer.status);
    return answer;
  }
  if (!is_mapping(reading, node, path, "an answer's fields")) return std::nullopt;
  reading.check_keys(node, path, answer_fields(kind));
  if (const auto* fault = node.find("fault")) read_fault(reading, *fault, join(path, "fault"), kind, answer);
  kind == Stub::Kind::http ? read_http_answer(reading, node, path, answer)
                           : read_smtp_answer(reading, node, path, answer);
  if (const auto* after = node.find("after")) {
    answer.after = read_span(reading, *after, join(path, "after")).value_or(milliseconds(0));
  }
  if (const auto* until = node.find("until")) answer.until = read_span(reading, *until, join(path, "until"));
  if (const auto* times = node.find("times")) {
    const auto count = flow::read_integer(reading, *times, join(path, "times"), 1, 1'000'000);
    if (count) answer.times = static_cast<std::uint32_t>(*count);
  }
  return answer;
}

/// "POST http://cms.test/posts" or only the URL.
void read_target(Reading& reading, const Node& node, const std::string& path, Stub& stub) {
  auto text = read_text(reading, node, path);
  if (!text) return;
  if (const auto space = text->find(' '); stub.kind == Stub::Kind::http && space != std::string::npos) {
    stub.method = text->substr(0, space);
    text->erase(0, text->find_first_not_of(' ', space));
  }
  if (text->empty() || text->find(' ') != std::string::npos) {
    reading.problem(node, path, fmt::format("\"{}\" is no pattern of a URL", node.text),
                    stub.kind == Stub::Kind::http ? "write METHOD URL, such as POST http://cms.test/posts*"
                                                  : "write the mail server's URL, or \"*\"");
    return;
  }
  stub.url = std::move(*text);
}

void read_answers(Reading& reading, const Node& node, const std::string& path, Stub& stub) {
  const auto* one = node.find("answer");
  const auto* several = node.find("answers");
  if (one != nullptr && several != nullptr) {
    return reading.problem(*several, join(path, "answers"), "stands beside \"answer\"", "keep one of them");
  }
  const auto add = [&](const Node& answer, const std::string& place) {
    if (auto read = read_answer(reading, answer, place, stub.kind)) stub.answers.push_back(std::move(*read));
  };
  if (one != nullptr) return add(*one, join(path, "answer"));
  if (several == nullptr) {
    Node plain;
    plain.kind = Node::Kind::mapping;
    return add(plain, path);
  }
  if (several->kind != Node::Kind::list || several->items.empty()) {
    return reading.problem(*several, join(path, "answers"), "must be a list of answers");
  }
  for (std::size_t i = 0; i < several->items.size(); ++i) {
    add(*several->items[i], fmt::format("{}[{}]", join(path, "answers"), i));
  }
}

}  // namespace

const Names& answer_fields(Stub::Kind kind) {
  static const Names http = {"fault",  "status",    "headers", "body",  "text",
                             "base64", "body_from", "after",   "times", "until"};
  static const Names smtp = {"fault", "reply", "text", "after", "times", "until"};
  return kind == Stub::Kind::http ? http : smtp;
}

bool is_stand_in(const Node& node) {
  return node.kind == Node::Kind::mapping && node.find("output") != nullptr;
}

std::optional<StandIn> read_stand_in(Reading& reading, const Node& node, const std::string& path) {
  reading.check_keys(node, path, {"step", "output"});
  const auto* step = node.find("step");
  if (step == nullptr) {
    reading.problem(node, join(path, "step"), "missing", "add \"step\": the step that it stands in for");
    return std::nullopt;
  }
  const auto name = read_text(reading, *step, join(path, "step"));
  const auto* output = node.find("output");
  if (!name || !read_condition(reading, *output, join(path, "output"))) return std::nullopt;
  return StandIn{*name, output->text, node.offset};
}

std::optional<Stub> read_stub(Reading& reading, const NodePtr& node, const std::string& path) {
  if (!is_mapping(reading, *node, path, "a stub's fields")) return std::nullopt;
  const auto* http = node->find("http");
  const auto* smtp = node->find("smtp");
  if ((http == nullptr) == (smtp == nullptr)) {
    reading.problem(*node, path, "must have \"http\" or \"smtp\", and one of them only",
                    "write - http: METHOD URL, or - smtp: URL; or step and output, to stand in for a step");
    return std::nullopt;
  }
  Stub stub;
  stub.kind = http != nullptr ? Stub::Kind::http : Stub::Kind::smtp;
  stub.offset = node->offset;
  read_target(reading, http != nullptr ? *http : *smtp, join(path, http != nullptr ? "http" : "smtp"), stub);
  Parts parts = http != nullptr ? request_parts() : mail_parts();
  std::erase_if(parts, [](const PartField& part) {
    return part.part == "method" || part.part == "url" || part.part == "smtp" || part.part == "answered";
  });
  auto wanted =
      read_expected(reading, node, path, parts, {http != nullptr ? "http" : "smtp", "step", "answer", "answers"});
  if (wanted) stub.wanted = std::move(*wanted);
  if (const auto* step = node->find("step")) {
    stub.step = read_text(reading, *step, join(path, "step")).value_or("");
  }
  read_answers(reading, *node, path, stub);
  return stub;
}

}  // namespace millrace::flow_tests
