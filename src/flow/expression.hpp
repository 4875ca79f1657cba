#pragma once

#include <optional>
#include <string>

#include "flow/reading.hpp"

namespace millrace::flow {

/// Compiles the JSONata source that a scalar of the file is. Reports what is wrong at its place in the file, and
/// functions that do not exist, unless there may be `others` than the language's. Sets `passthrough` if the source
/// reads that field. Nullopt if the node is not text or does not compile.
std::optional<Mapping> read_expression(Reading& reading, const Node& node, const std::string& field, bool& passthrough,
                                       bool others = false);

/// Does the same for the `{{ expression }}` templates in a text.
void check_templates(Reading& reading, const Node& node, const std::string& field, bool& passthrough);

}  // namespace millrace::flow
