#include "components/template.hpp"

#include "component/json_text.hpp"

namespace millrace::components {
using component::Failure;

Result<Template> Template::compile(std::string_view text, std::string_view place, const component::Services& services) {
  Template made;
  std::string_view rest = text;
  while (true) {
    const auto open = rest.find("{{");
    if (open != 0 && !rest.empty()) made.pieces_.push_back({std::string(rest.substr(0, open)), std::nullopt});
    if (open == std::string_view::npos || rest.empty()) break;
    const auto close = rest.find("}}", open);
    if (close == std::string_view::npos) {
      return Error{Error::Kind::invalid, std::string(place) + ": {{ without }}"};
    }
    const auto source = rest.substr(open + 2, close - open - 2);
    auto expression = component::StepExpression::compile(source, place, services);
    if (!expression) return expression.error();
    made.pieces_.push_back({{}, std::move(*expression)});
    rest = rest.substr(close + 2);
  }
  if (made.pieces_.empty()) made.pieces_.push_back({});
  return made;
}

Result<std::optional<std::string>, Failure> Template::fill(std::string_view envelope, std::string_view execution_id,
                                                           const std::vector<jsonata::Binding>& more,
                                                           Encode encode) const {
  std::string text;
  for (const auto& piece : pieces_) {
    if (!piece.expression) {
      text += piece.text;
      continue;
    }
    auto value = piece.expression->evaluate(envelope, execution_id, more);
    if (!value) return value.error();
    if (!*value || **value == "null") {
      if (pieces_.size() == 1) return std::optional<std::string>();
      continue;
    }
    auto plain = component::json_text::as_text(**value);
    text += encode != nullptr && &piece != &pieces_.front() ? encode(plain) : plain;
  }
  return std::optional<std::string>(std::move(text));
}

std::string percent_encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += digits[byte >> 4];
      encoded += digits[byte & 15];
    }
  }
  return encoded;
}

Result<TemplateMap> TemplateMap::compile(const std::vector<std::pair<std::string, std::string>>& entries,
                                         std::string_view place, const component::Services& services) {
  TemplateMap made;
  for (const auto& [name, text] : entries) {
    auto compiled = Template::compile(text, std::string(place) + "." + name, services);
    if (!compiled) return compiled.error();
    made.entries_.emplace_back(name, std::move(*compiled));
  }
  return made;
}

Result<std::vector<std::pair<std::string, std::string>>, Failure> TemplateMap::fill(
    std::string_view envelope, std::string_view execution_id, const std::vector<jsonata::Binding>& more) const {
  std::vector<std::pair<std::string, std::string>> filled;
  for (const auto& [name, text] : entries_) {
    auto value = text.fill(envelope, execution_id, more);
    if (!value) return value.error();
    if (*value) filled.emplace_back(name, std::move(**value));
  }
  return filled;
}

}  // namespace millrace::components
