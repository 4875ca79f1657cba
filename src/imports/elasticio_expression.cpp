#include "imports/elasticio_expression.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "jsonata/expression.hpp"

namespace millrace::imports {
namespace {

namespace json = boost::json;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Goes over an expression and writes it anew.
class Rewriter {
 public:
  Rewriter(std::string_view text, const Renamed& steps) : text_(text), steps_(steps) {}

  std::string rewrite() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'' || c == '`') {
        copy_quoted(c);
      } else if (text_.substr(at_).starts_with("/*")) {
        const auto end = text_.find("*/", at_ + 2);
        copy(end == std::string_view::npos ? text_.size() : end + 2);
      } else if (c == '$' || is_word(c)) {
        word();
      } else {
        copy(at_ + 1);
      }
    }
    return std::move(out_);
  }

 private:
  void copy(std::size_t end) {
    out_ += text_.substr(at_, end - at_);
    at_ = end;
  }

  void copy_quoted(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' && quote != '`' ? 2 : 1;
    copy(std::min(end + 1, text_.size()));
  }

  void word() {
    std::size_t end = at_;
    while (end < text_.size() && (text_[end] == '$' || is_word(text_[end]))) ++end;
    const auto name = text_.substr(at_, end - at_);
    const bool begins_path =
        out_.find_last_not_of(" \t\r\n") == std::string::npos || out_[out_.find_last_not_of(" \t\r\n")] != '.';
    constexpr std::string_view call = "$getPassthrough()";
    if (text_.substr(at_).starts_with(call)) {
      at_ += call.size();
      passthrough();
    } else if (name == "elasticio" && begins_path && goes_on(end)) {
      at_ = end;
      passthrough();
    } else if (name == "$$") {
      out_ += "$$.body";
      at_ = end;
    } else {
      copy(end);
    }
  }

  bool goes_on(std::size_t at) const {
    const auto next = text_.find_first_not_of(" \t\r\n", at);
    return next != std::string_view::npos && (text_[next] == '.' || text_[next] == '[');
  }

  /// What follows the passthrough: the step's name, which may be another one here.
  void passthrough() {
    out_ += "$$.passthrough";
    if (at_ >= text_.size() || text_[at_] != '.') return;
    std::size_t begin = at_ + 1;
    const bool quoted = begin < text_.size() && text_[begin] == '`';
    std::size_t end = begin;
    if (quoted) {
      end = text_.find('`', ++begin);
      if (end == std::string_view::npos) return;
    } else {
      while (end < text_.size() && is_word(text_[end])) ++end;
    }
    const auto old = text_.substr(begin, end - begin);
    const auto renamed = steps_.find(old);
    const auto name = renamed == steps_.end() ? std::string(old) : renamed->second;
    const bool plain = name.find('-') == std::string::npos;
    out_ += plain ? "." + name : ".`" + name + "`";
    at_ = quoted ? end + 1 : end;
  }

  std::string_view text_;
  const Renamed& steps_;
  std::size_t at_ = 0;
  std::string out_;
};

bool is_simple(std::string_view expression) {
  constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$`-";
  return expression.find_first_not_of(known) == std::string_view::npos;
}

/// The expression here; empty, with a note, if it is none.
std::string checked(std::string_view expression, const Renamed& steps, const std::string& place,
                    std::vector<std::string>& notes) {
  if (expression.find_first_not_of(" \t\r\n") == std::string_view::npos) return {};
  auto text = carried_over(expression, steps);
  if (!is_simple(text)) text = "(" + text + ")";
  const auto compiled = jsonata::Expression::compile(text);
  if (compiled) return text;
  notes.push_back(fmt::format("{}: {} is no JSONata ({}: {})", place, json::serialize(json::string(expression)),
                              compiled.error().code, compiled.error().message));
  return {};
}

std::string object_of(const json::object& mapper, const Renamed& steps, const std::string& place, std::size_t indent,
                      std::vector<std::string>& notes) {
  std::string text;
  for (const auto& [key, value] : mapper) {
    const auto path = place + "." + std::string(key);
    std::string inner;
    if (value.is_string()) {
      inner = checked(std::string_view(value.get_string()), steps, path, notes);
    } else if (value.is_object()) {
      inner = object_of(value.get_object(), steps, path, indent + 2, notes);
    } else if (!value.is_null()) {
      inner = json::serialize(value);
    }
    if (inner.empty()) continue;
    text += fmt::format("{}{}{}: {}", text.empty() ? "" : ",\n", std::string(indent + 2, ' '),
                        json::serialize(json::string(key)), inner);
  }
  if (text.empty()) return {};
  return "{\n" + text + "\n" + std::string(indent, ' ') + "}";
}

}  // namespace

std::string carried_over(std::string_view expression, const Renamed& steps) {
  return Rewriter(expression, steps).rewrite();
}

std::string mapping_of(const json::value& mapper, const Renamed& steps, std::vector<std::string>& notes) {
  if (mapper.is_string()) {
    const auto text = checked(std::string_view(mapper.get_string()), steps, "mapper", notes);
    return text.empty() ? text : "body." + (text.front() == '(' ? text : "(" + text + ")");
  }
  if (!mapper.is_object()) return {};
  const auto text = object_of(mapper.get_object(), steps, "mapper", 0, notes);
  return text.empty() ? text : "body." + text;
}

std::string condition_of(std::string_view condition, const Renamed& steps, std::vector<std::string>& notes) {
  const auto text = checked(condition, steps, "condition", notes);
  return text.empty() ? text : "body." + (text.front() == '(' ? text : "(" + text + ")");
}

}  // namespace millrace::imports
