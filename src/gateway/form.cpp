#include "gateway/form.hpp"

#include <algorithm>
#include <unordered_map>

#include "component/base64.hpp"
#include "component/json_text.hpp"
#include "component/utf8.hpp"
#include "core/percent_decoding.hpp"
#include "gateway/media_type.hpp"

namespace millrace::gateway {
namespace json_text = component::json_text;
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;  // name, JSON value

constexpr std::size_t boundary_max = 70;  // RFC 2046 §5.1.1

std::string form_decoded(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decoded(spaced);
}

/// The fields of a form; false in `is_text` if one of them is not UTF-8.
Fields form_fields(std::string_view form, bool& is_text) {
  Fields fields;
  while (!form.empty()) {
    const auto pair = form.substr(0, form.find('&'));
    form.remove_prefix(std::min(form.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = form_decoded(pair.substr(0, equals));
    const auto value = equals == std::string_view::npos ? std::string() : form_decoded(pair.substr(equals + 1));
    is_text = is_text && component::utf8::is_valid(name) && component::utf8::is_valid(value);
    fields.emplace_back(std::move(name), json_text::quoted(value));
  }
  return fields;
}

struct Part {
  std::string disposition;
  std::string content_type;
  std::string_view content;
};

Error malformed(std::string_view what) {
  return {Error::Kind::invalid, "the multipart body " + std::string(what)};
}

Result<Part> read_part(std::string_view text) {
  Part part;
  while (!text.starts_with("\r\n")) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos) return malformed("has a part without an end of its head");
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 2);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return malformed("has a part with a line in its head that is no header");
    const auto name = lower(trimmed(line.substr(0, colon)));
    if (name == "content-disposition") part.disposition = trimmed(line.substr(colon + 1));
    if (name == "content-type") part.content_type = trimmed(line.substr(colon + 1));
  }
  part.content = text.substr(2);
  return part;
}

std::string as_attachment(const Part& part, std::string_view filename) {
  const std::string type = part.content_type.empty() ? "application/octet-stream" : part.content_type;
  return "{\"content-type\":" + json_text::quoted(type) + ",\"size\":" + std::to_string(part.content.size()) +
         ",\"filename\":" + json_text::quoted(filename) +
         ",\"url\":" + json_text::quoted("data:" + type + ";base64," + component::base64_encoded(part.content)) + "}";
}

Status take_part(std::string_view text, Fields& fields, Fields& files) {
  const auto part = read_part(text);
  if (!part) return part.error();
  const auto name = parameter(part->disposition, "name");
  if (!name) return malformed("has a part without a name in its Content-Disposition");
  if (const auto filename = parameter(part->disposition, "filename")) {
    files.emplace_back(*name, as_attachment(*part, *filename));
    return Done{};
  }
  if (!component::utf8::is_valid(part->content)) return malformed("has a field whose text is not UTF-8");
  fields.emplace_back(*name, json_text::quoted(part->content));
  return Done{};
}

/// Where the next line that is the boundary begins (with the line break before it), and how long it is.
struct Delimiter {
  std::size_t at = std::string_view::npos;
  std::size_t size = 0;
  bool last = false;
};

Delimiter next_delimiter(std::string_view text, std::string_view boundary, std::size_t from) {
  for (auto at = text.find(boundary, from); at != std::string_view::npos; at = text.find(boundary, at + 1)) {
    auto rest = text.substr(at + boundary.size());
    if (rest.starts_with("--")) return {at, boundary.size() + 2, true};
    const auto end = rest.find_first_not_of(" \t");  // transport padding
    if (end == std::string_view::npos) continue;
    if (rest.substr(end).starts_with("\r\n")) return {at, boundary.size() + end + 2, false};
  }
  return {};
}

}  // namespace

std::string as_object(const Fields& fields) {
  std::unordered_map<std::string_view, std::size_t> places;
  std::vector<std::pair<std::string_view, std::string>> values;
  std::vector<bool> several;
  for (const auto& [name, value] : fields) {
    const auto [place, is_new] = places.emplace(name, values.size());
    if (is_new) {
      values.emplace_back(name, value);
      several.push_back(false);
    } else {
      values[place->second].second.append(",").append(value);
      several[place->second] = true;
    }
  }
  std::string out = "{";
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    json_text::append_quoted(out, values[i].first);
    out += several[i] ? ":[" + values[i].second + "]" : ":" + values[i].second;
  }
  return out + "}";
}

std::string form_as_json(std::string_view form) {
  bool is_text = true;
  return as_object(form_fields(form, is_text));
}

Result<std::string> checked_form_as_json(std::string_view form) {
  bool is_text = true;
  const auto fields = form_fields(form, is_text);
  if (!is_text) return Error{Error::Kind::invalid, "the form has a field whose text is not UTF-8"};
  return as_object(fields);
}

Result<Body> read_multipart(std::string_view content_type, std::string_view text) {
  const auto named = parameter(content_type, "boundary");
  if (!named || named->empty()) return malformed("has no boundary in its Content-Type");
  if (named->size() > boundary_max) return malformed("has a boundary of more than 70 characters");
  const std::string boundary = "\r\n--" + *named;
  const std::string whole = "\r\n" + std::string(text);
  Fields fields;
  Fields files;
  auto delimiter = next_delimiter(whole, boundary, 0);
  if (delimiter.at == std::string_view::npos) return malformed("does not have its boundary in it");
  while (!delimiter.last) {
    const auto begin = delimiter.at + delimiter.size;
    // The line break that ends the delimiter may be the one before the next: an empty part.
    const auto next = next_delimiter(whole, boundary, begin - 2);
    if (next.at == std::string_view::npos) return malformed("ends without its closing boundary");
    const auto end = std::max(next.at, begin);
    if (auto taken = take_part(std::string_view(whole).substr(begin, end - begin), fields, files); !taken) {
      return taken.error();
    }
    delimiter = next;
  }
  return Body{as_object(fields), files.empty() ? std::string() : as_object(files)};
}

}  // namespace millrace::gateway
