#include "gateway/body.hpp"

#include <optional>

#include <sodium.h>

#include "component/json_text.hpp"

namespace millrace::gateway {
namespace json_text = component::json_text;
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;  // name, JSON value

std::string as_object(const Fields& fields) {
  std::string out = "{";
  std::vector<bool> written(fields.size(), false);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (written[i]) continue;
    std::string values = fields[i].second;
    bool several = false;
    for (std::size_t j = i + 1; j < fields.size(); ++j) {
      if (fields[j].first != fields[i].first) continue;
      written[j] = several = true;
      values.append(",").append(fields[j].second);
    }
    if (out.size() > 1) out += ',';
    json_text::append_quoted(out, fields[i].first);
    out += several ? ":[" + values + "]" : ":" + values;
  }
  return out + "}";
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string form_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The value of `name` among "; name=value" parameters of a header (RFC 9110 §5.6.6).
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  auto at = header.find(';');
  while (at != std::string_view::npos) {
    auto rest = trimmed(header.substr(at + 1));
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const bool wanted = lower(trimmed(rest.substr(0, equals))) == name;
    rest.remove_prefix(equals + 1);
    std::string value;
    if (rest.starts_with('"')) {
      std::size_t i = 1;
      for (; i < rest.size() && rest[i] != '"'; ++i) {
        if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
        value += rest[i];
      }
      rest.remove_prefix(std::min(i + 1, rest.size()));
    } else {
      value = trimmed(rest.substr(0, rest.find(';')));
    }
    if (wanted) return value;
    const auto next = rest.find(';');
    if (next == std::string_view::npos) return std::nullopt;
    header = rest;
    at = next;
  }
  return std::nullopt;
}

struct Part {
  std::string disposition;
  std::string content_type;
  std::string_view content;
};

Result<Part> read_part(std::string_view text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos)
    return Error{Error::Kind::invalid, "a part of the multipart body has no end of its head"};
  Part part;
  part.content = text.substr(end + 4);
  auto head = text.substr(0, end);
  while (!head.empty()) {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(head.size(), line.size() + 2));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto name = lower(line.substr(0, colon));
    if (name == "content-disposition") part.disposition = trimmed(line.substr(colon + 1));
    if (name == "content-type") part.content_type = trimmed(line.substr(colon + 1));
  }
  return part;
}

/// multipart/form-data, RFC 7578 and RFC 2046 §5.1.
Result<Body> read_multipart(std::string_view content_type, std::string_view text) {
  const auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty()) return Error{Error::Kind::invalid, "multipart/form-data without a boundary"};
  const std::string delimiter = "\r\n--" + *boundary;
  const std::string whole = "\r\n" + std::string(text);
  Fields fields;
  Fields files;
  auto at = whole.find(delimiter);
  while (at != std::string::npos) {
    const auto start = at + delimiter.size();
    if (whole.compare(start, 2, "--") == 0) {
      return Body{as_object(fields), files.empty() ? std::string() : as_object(files)};
    }
    const auto end = whole.find(delimiter, start);
    if (end == std::string::npos) break;
    const auto line_end = whole.find("\r\n", start);
    const auto part = read_part(std::string_view(whole).substr(line_end + 2, end - std::min(end, line_end + 2)));
    if (!part) return part.error();
    const auto name = parameter(part->disposition, "name");
    if (!name)
      return Error{Error::Kind::invalid, "a part of the multipart body has no name in its Content-Disposition"};
    if (const auto filename = parameter(part->disposition, "filename")) {
      const std::string type = part->content_type.empty() ? "application/octet-stream" : part->content_type;
      std::string file = "{\"content-type\":" + json_text::quoted(type) +
                         ",\"size\":" + std::to_string(part->content.size()) +
                         ",\"filename\":" + json_text::quoted(*filename) +
                         ",\"url\":" + json_text::quoted("data:" + type + ";base64," + base64(part->content)) + "}";
      files.emplace_back(*name, std::move(file));
    } else {
      fields.emplace_back(*name, json_text::quoted(part->content));
    }
    at = end;
  }
  return Error{Error::Kind::invalid, "the multipart body ends without its closing boundary"};
}

bool is_json(std::string_view type) {
  return type == "application/json" || type == "text/json" ||
         (type.starts_with("application/") && type.ends_with("+json"));
}

}  // namespace

std::string form_as_json(std::string_view form) {
  Fields fields;
  while (!form.empty()) {
    const auto pair = form.substr(0, form.find('&'));
    form.remove_prefix(std::min(form.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    fields.emplace_back(form_decoded(pair.substr(0, equals)), json_text::quoted(form_decoded(value)));
  }
  return as_object(fields);
}

Result<Body> read_body(const io::posix::HttpRequest& request) {
  const auto content_type = request.header("content-type");
  const auto type = lower(trimmed(content_type.substr(0, content_type.find(';'))));
  if (request.body.empty()) return Body{"{}", {}};
  if (is_json(type)) {
    if (auto checked = json_text::check(request.body); !checked) return checked.error().in("the body is not JSON");
    return Body{request.body, {}};
  }
  if (type == "application/x-www-form-urlencoded") return Body{form_as_json(request.body), {}};
  if (type == "multipart/form-data") return read_multipart(content_type, request.body);
  if (type.starts_with("text/")) return Body{json_text::quoted(request.body), {}};
  const std::string named = type.empty() ? "application/octet-stream" : type;
  return Body{"{\"content-type\":" + json_text::quoted(named) + ",\"base64\":\"" + base64(request.body) + "\"}", {}};
}

}  // namespace millrace::gateway
