#include "flow_tests/call_document.hpp"

#include <algorithm>

#include "component/base64.hpp"
#include "component/json_text.hpp"
#include "component/utf8.hpp"
#include "flow_tests/json_text_value.hpp"
#include "gateway/form.hpp"
#include "gateway/media_type.hpp"

namespace millrace::flow_tests {
namespace json = boost::json;
using component::json_text::trimmed;
using gateway::lower;

namespace {

/// "Name: value" lines; libcurl's "Name;" is a header without a value. A folded line becomes one (RFC 5322 §2.2.3).
json::object headers_of(const std::vector<std::string>& lines) {
  json::object headers;
  for (const auto& line : lines) {
    const auto end = line.find_first_of(":;");
    if (end == std::string::npos) continue;
    std::string value(trimmed(std::string_view(line).substr(end + 1)));
    std::erase_if(value, [](char c) { return c == '\r' || c == '\n'; });
    headers[lower(std::string_view(line).substr(0, end))] = value;
  }
  return headers;
}

/// Undoes encoded words (RFC 2047) in base64 and UTF-8, the form in which email.send writes them.
std::string decoded_words(std::string_view text) {
  constexpr std::string_view begin = "=?UTF-8?B?";
  std::string out;
  while (!text.empty()) {
    const auto at = text.find(begin);
    const auto end = at == std::string_view::npos ? at : text.find("?=", at + begin.size());
    if (end == std::string_view::npos) return out.append(text);
    const auto before = text.substr(0, at);
    // White space between two encoded words is no part of the text (§6.2).
    if (out.empty() || before.find_first_not_of(' ') != std::string_view::npos) out.append(before);
    out += component::base64_decoded(text.substr(at + begin.size(), end - at - begin.size())).value_or("");
    text.remove_prefix(end + 2);
  }
  return out;
}

std::string_view header(const json::object& headers, std::string_view name) {
  const auto* value = headers.if_contains(name);
  return value == nullptr ? std::string_view() : std::string_view(value->get_string());
}

json::array addresses(const json::object& headers, std::string_view name) {
  json::array list;
  std::string_view text = header(headers, name);
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"') quoted = !quoted;
    if (i < text.size() && (text[i] != ',' || quoted)) continue;
    const auto one = trimmed(text.substr(begin, i - begin));
    if (!one.empty()) list.push_back(json::value(decoded_words(one)));
    begin = i + 1;
  }
  return list;
}

std::string with_line_feeds(std::string text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') out += text[i];
  }
  return out;
}

json::object attachment_of(const io::MailPart& part) {
  json::object attachment{{"name", part.file_name}, {"type", part.content_type}};
  if (component::utf8::is_valid(part.bytes)) attachment["text"] = part.bytes;
  attachment["base64"] = component::base64_encoded(part.bytes);
  if (!part.content_id.empty()) attachment["content_id"] = part.content_id;
  return attachment;
}

}  // namespace

json::value body_of(std::string_view text, std::string_view content_type) {
  if (!text.empty() && content_type.starts_with("application/x-www-form-urlencoded"))
    return value_of(gateway::form_as_json(text));
  return value_of(text);
}

json::object document_of(const io::HttpCall& call) {
  json::object document{{"method", call.method}, {"url", call.url}, {"query", json::object()}};
  if (const auto question = call.url.find('?'); question != std::string::npos) {
    const auto query = std::string_view(call.url).substr(question + 1);
    document["query"] = value_of(gateway::form_as_json(query.substr(0, query.find('#'))));
  }
  auto headers = headers_of(call.headers);
  if (call.body) {
    document["body"] = body_of(*call.body, header(headers, "content-type"));
    document["text"] = component::utf8::is_valid(*call.body) ? *call.body : component::base64_encoded(*call.body);
  }
  document["headers"] = std::move(headers);
  return document;
}

json::object document_of(const io::MailCall& call) {
  const auto headers = headers_of(call.headers);
  json::object document{{"smtp", call.url}, {"from", decoded_words(header(headers, "from"))}};
  for (const auto* name : {"to", "cc"}) document[name] = addresses(headers, name);
  document["reply_to"] = addresses(headers, "reply-to");
  document["recipients"] = json::array(call.recipients.begin(), call.recipients.end());
  document["subject"] = decoded_words(header(headers, "subject"));
  for (const auto& part : call.bodies) {
    document[part.content_type.starts_with("text/html") ? "html" : "text"] = with_line_feeds(part.bytes);
  }
  json::array attachments;
  for (const auto& part : call.attachments) attachments.push_back(attachment_of(part));
  document["attachments"] = std::move(attachments);
  document["headers"] = headers;
  return document;
}

}  // namespace millrace::flow_tests
