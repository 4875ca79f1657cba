#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "component/action.hpp"
#include "jsonata/expression.hpp"

namespace millrace::component {

/// Compiles JSONata; Error::invalid names `place`, the engine's code and the position.
Result<jsonata::Expression> compile(std::string_view source, std::string_view place);

/// A fault of an expression as the failure of a message: code "jsonata.<code>".
Failure failure_of(const jsonata::Fault& fault, std::string_view place = {});

/// What `$boolean()` says of a result: undefined, null, false, 0, "", {} and arrays without a true member are false.
bool is_true(const std::optional<std::string>& result_json);

}  // namespace millrace::component
