#pragma once

#include <string_view>

namespace millrace::flow {

/// Whether a flow's text has a step of this component. A text that cannot be read has none.
bool uses_component(std::string_view text, std::string_view component);

}  // namespace millrace::flow
