#pragma once

#include <string_view>

#include <boost/json/value.hpp>

#include "core/result.hpp"

namespace millrace::component {

/// JSON as a document, as deep as messages may be (json_text::depth_max; what Boost takes of itself is 32).
/// Error::invalid: "no JSON: syntax error". Never throws.
Result<boost::json::value> parse_document(std::string_view text);
/// The document, or the text itself if it is none: for showing what was kept.
boost::json::value document_or_text(std::string_view text);

}  // namespace millrace::component
