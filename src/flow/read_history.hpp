#pragma once

#include <optional>

#include <boost/json/object.hpp>

#include "flow/document.hpp"
#include "flow/reading.hpp"
#include "history/policy.hpp"

namespace millrace::flow {

/// A flow's `history:`, one word ("errors") or a mapping with `record`, `fraction` and `redact`; nullopt after
/// reporting what is wrong.
std::optional<history::Policy> read_history(Reading& reading, const Node& node);

/// Its JSON Schema.
boost::json::object history_schema();

}  // namespace millrace::flow
