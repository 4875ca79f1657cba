#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "component/action.hpp"
#include "component/evaluation.hpp"

namespace millrace::components {

/// Text with `{{ expression }}` in it, each JSONata over the message. A text result stands as it is, any other as JSON;
/// nothing (undefined, null) leaves nothing.
class Template {
 public:
  /// Error::invalid names `place` and what is wrong with the expression.
  static Result<Template> compile(std::string_view text, std::string_view place, const component::Services& services);

  bool is_constant() const { return pieces_.size() == 1 && !pieces_.front().expression; }

  /// Applied to each inserted value but one at the very start: percent-encoding for URLs.
  using Encode = std::string (*)(std::string_view);

  /// nullopt where the template is one expression and nothing else, and that yields nothing.
  Result<std::optional<std::string>, component::Failure> fill(std::string_view envelope, std::string_view execution_id,
                                                              const std::vector<jsonata::Binding>& more = {},
                                                              Encode encode = nullptr) const;

 private:
  struct Piece {
    std::string text;
    std::optional<component::StepExpression> expression;
  };
  std::vector<Piece> pieces_;  ///< at least one
};

/// RFC 3986 §2.1: everything but unreserved characters.
std::string percent_encoded(std::string_view text);

/// Names and templates: headers, query parameters.
class TemplateMap {
 public:
  static Result<TemplateMap> compile(const std::vector<std::pair<std::string, std::string>>& entries,
                                     std::string_view place, const component::Services& services);

  /// In order; entries that come to nothing are left out.
  Result<std::vector<std::pair<std::string, std::string>>, component::Failure> fill(
      std::string_view envelope, std::string_view execution_id, const std::vector<jsonata::Binding>& more = {}) const;

 private:
  std::vector<std::pair<std::string, Template>> entries_;
};

}  // namespace millrace::components
