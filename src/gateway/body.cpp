#include "gateway/body.hpp"

#include <algorithm>

#include "component/base64.hpp"
#include "component/utf8.hpp"
#include "gateway/form.hpp"
#include "gateway/media_type.hpp"

namespace millrace::gateway {
namespace json_text = component::json_text;
namespace {

/// A header's value for an error message: one that a caller's terminal can stand.
std::string printable(std::string_view value) {
  std::string text(value.substr(0, 80));
  std::ranges::replace_if(
      text, [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return text;
}

Status check_coding(const io::posix::HttpRequest& request) {
  const auto coding = lower(trimmed(request.header("content-encoding")));
  if (!coding.empty() && coding != "identity") {
    return Error{Error::Kind::unsupported,
                 "a body with Content-Encoding " + printable(coding) + " is not read; send it without"};
  }
  return Done{};
}

Status check_charset(std::string_view content_type) {
  const auto charset = lower(parameter(content_type, "charset").value_or("utf-8"));
  if (charset != "utf-8" && charset != "utf8" && charset != "us-ascii" && charset != "ascii") {
    return Error{Error::Kind::unsupported, "the charset " + printable(charset) + " is not read; send UTF-8"};
  }
  return Done{};
}

std::string_view without_mark(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  return text.starts_with(byte_order_mark) ? text.substr(byte_order_mark.size()) : text;
}

}  // namespace

Result<Body> read_body(const io::posix::HttpRequest& request) {
  if (request.body.empty()) return Body{"{}", {}};
  const auto content_type = request.header("content-type");
  const auto type = media_type(content_type);
  if (auto checked = check_coding(request); !checked) return checked.error();
  const bool is_form = type == "application/x-www-form-urlencoded" || type == "multipart/form-data";
  if (is_json(type) || is_form || type.starts_with("text/")) {
    if (auto checked = check_charset(content_type); !checked) return checked.error();
  }
  if (is_json(type)) {
    const auto text = without_mark(request.body);
    const auto checked = json_text::check(text, body_depth_max);
    if (!checked) return checked.error().in("the body is not the JSON that its Content-Type says");
    return Body{std::string(text), {}};
  }
  if (type == "application/x-www-form-urlencoded") {
    auto form = checked_form_as_json(request.body);
    if (!form) return form.error();
    return Body{std::move(*form), {}};
  }
  if (type == "multipart/form-data") return read_multipart(content_type, request.body);
  if (type.starts_with("text/")) {
    const auto text = without_mark(request.body);
    if (!component::utf8::is_valid(text)) return Error{Error::Kind::invalid, "the text is not UTF-8"};
    return Body{"{\"text\":" + json_text::quoted(text) + "}", {}};
  }
  const std::string named = type.empty() ? "application/octet-stream" : type;
  return Body{"{\"content-type\":" + json_text::quoted(named) + ",\"base64\":\"" +
                  component::base64_encoded(request.body) + "\"}",
              {}};
}

}  // namespace millrace::gateway
