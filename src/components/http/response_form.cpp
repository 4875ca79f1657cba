#include "components/http/response_form.hpp"

#include <algorithm>
#include <vector>

#include "component/base64.hpp"
#include "component/json_text.hpp"
#include "component/utf8.hpp"

namespace millrace::components {
namespace json_text = component::json_text;
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return result;
}

std::string media_type(std::string_view content_type) {
  return lower(json_text::trimmed(content_type.substr(0, content_type.find(';'))));
}

bool is_json_type(const std::string& type) {
  return type == "application/json" || type == "text/json" || (type.size() > 5 && type.ends_with("+json"));
}

bool is_text_type(const std::string& type) {
  return type.starts_with("text/") || type == "application/xml" || type.ends_with("+xml") ||
         type == "application/x-www-form-urlencoded" || type == "application/javascript" || type.empty();
}

std::string as_text(std::string_view body) {
  return "{\"text\":" + json_text::quoted(body) + "}";
}

std::string as_base64(std::string_view body) {
  return "{\"base64\":\"" + component::base64_encoded(body) + "\"}";
}

std::string headers_json(std::string_view lines, std::size_t size_max) {
  std::vector<std::pair<std::string, std::string>> headers;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    const auto line = lines.substr(0, end);
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    auto name = lower(json_text::trimmed(line.substr(0, colon)));
    const auto value = json_text::trimmed(line.substr(colon + 1));
    const auto known = std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == name; });
    if (known == headers.end()) {
      headers.emplace_back(std::move(name), value);
    } else {
      known->second.append(", ").append(value);
    }
  }
  std::string text = "{";
  for (const auto& [name, value] : headers) {
    if (text.size() + name.size() + value.size() > size_max) break;
    if (text.size() > 1) text += ',';
    json_text::append_quoted(text, name);
    text += ':';
    json_text::append_quoted(text, value);
  }
  return text + "}";
}

}  // namespace

Result<std::string> response_body(const io::HttpAnswer& answer, ResponseForm form) {
  if (answer.body.empty()) return std::string("{}");
  const bool is_utf8 = form != ResponseForm::base64 && component::utf8::is_valid(answer.body);
  switch (form) {
    case ResponseForm::base64:
      return as_base64(answer.body);
    case ResponseForm::text:
      if (!is_utf8) return Error{Error::Kind::invalid, "the response is not UTF-8 text; use response: base64"};
      return as_text(answer.body);
    case ResponseForm::json: {
      const auto checked = json_text::check(answer.body);
      if (!checked) return checked.error().in("the response");
      return std::string(json_text::trimmed(answer.body));
    }
    case ResponseForm::by_type:
      break;
  }
  const auto type = media_type(answer.header("content-type"));
  if (is_json_type(type) && json_text::check(answer.body)) return std::string(json_text::trimmed(answer.body));
  if (is_utf8 && (is_text_type(type) || is_json_type(type))) return as_text(answer.body);
  return as_base64(answer.body);
}

bool claims_json(const io::HttpAnswer& answer) {
  return is_json_type(media_type(answer.header("content-type")));
}

std::string response_headers(const io::HttpAnswer& answer) {
  std::string text = "{\"statusCode\":" + std::to_string(answer.status) + ",\"contentType\":";
  json_text::append_quoted(text, answer.header("content-type"));
  text += ",\"url\":";
  json_text::append_quoted(text, answer.url);
  return text + ",\"headers\":" + headers_json(answer.header_lines, 128 * 1024) + "}";
}

std::string response_details(const io::HttpAnswer& answer) {
  constexpr std::size_t body_max = 48 * 1024;
  constexpr std::size_t headers_max = 8 * 1024;
  std::string text = "{\"statusCode\":" + std::to_string(answer.status) +
                     ",\"headers\":" + headers_json(answer.header_lines, headers_max) + ",\"body\":";
  const auto trimmed = json_text::trimmed(answer.body);
  if (trimmed.size() <= body_max && json_text::check(trimmed)) return text.append(trimmed).append("}");
  std::string body;
  auto kept = std::min(answer.body.size(), body_max);
  do {  // Control characters and such grow by quoting.
    body = json_text::quoted(std::string_view(answer.body).substr(0, kept));
    kept = kept * 3 / 4;
  } while (body.size() > body_max + 8);
  text += body;
  if (body.size() < answer.body.size()) text += ",\"truncated\":true";
  return text + "}";
}

}  // namespace millrace::components
