#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flow/load.hpp"

namespace millrace::flow {

/// A text with its `${NAME}` replaced. The values are data: they are put into the finished text and never read as YAML
/// or searched for further variables.
struct Replaced {
  struct Trouble {
    std::size_t offset;  ///< of the `${` in the text
    std::string message;
    std::string mend;
  };
  std::string text;
  bool changed = false;  ///< something was replaced or unescaped
  std::vector<Trouble> troubles = {};
};

/// `${NAME}` (a letter or _, then letters, digits, _) is the variable's value; `${NAME:-other}` is `other` where the
/// variable is unset or empty; `$${` is the text `${`. Any other `$` stands for itself.
Replaced replace_variables(std::string_view text, const Variables& variables);

}  // namespace millrace::flow
