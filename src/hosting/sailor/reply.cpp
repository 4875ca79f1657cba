#include "hosting/sailor/reply.hpp"

#include <algorithm>
#include <charconv>

#include "component/json_text.hpp"

namespace millrace::hosting::sailor {
namespace json_text = component::json_text;

namespace {

constexpr std::string_view status_header = "x-eio-status-code";

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return result;
}

/// A number as it is or in quotes; otherwise 200.
std::string status_of(std::string_view value) {
  const auto text = json_text::as_text(value);
  int status = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), status);
  const bool good = failed == std::errc() && end == text.data() + text.size() && status >= 200 && status <= 599;
  return good ? std::to_string(status) : "200";
}

/// Not what is for us: elastic.io's own headers, and those that say how the bytes travel.
bool goes_out(const std::string& name) {
  return !name.starts_with("x-eio-") && name != "reply_to" && name != "content-length" && name != "transfer-encoding" &&
         name != "connection";
}

}  // namespace

std::string reply_from(const component::Message& message) {
  auto status = message.part("statusCode");
  std::string headers;
  (void)json_text::members(message.part("headers"), [&](std::string_view given, std::string_view value) {
    const auto name = lower(given);
    if (name == status_header) status = value;
    const auto text = json_text::as_text(value);
    if (!goes_out(name) || text.find_first_of("\r\n") != std::string::npos) return;
    if (!headers.empty()) headers += ',';
    json_text::append_quoted(headers, name);
    headers += ':';
    json_text::append_quoted(headers, text);
  });
  const auto body = message.body();
  return "{\"status\":" + status_of(status) + ",\"headers\":{" + headers +
         "},\"body\":" + std::string(body.empty() ? "null" : body) + "}";
}

std::string reply_with_error(std::string_view error) {
  auto sentence = json_text::as_text(json_text::member(error, "message"));
  if (sentence.empty()) sentence = "the flow could not handle the request";
  return "{\"status\":500,\"headers\":{},\"body\":{\"error\":" + json_text::quoted(sentence) + "}}";
}

}  // namespace millrace::hosting::sailor
