#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "gateway/body.hpp"

namespace millrace::gateway {

/// A JSON object of (name, JSON value) pairs in the order of their first mention; a repeated name has an array.
std::string as_object(const std::vector<std::pair<std::string, std::string>>& fields);

/// Percent-decoded "a=1&b=2" as a JSON object (WHATWG URL, application/x-www-form-urlencoded); bytes that are not UTF-8
/// become U+FFFD.
std::string form_as_json(std::string_view form);
/// The same, but Error::invalid for what is not UTF-8.
Result<std::string> checked_form_as_json(std::string_view form);

/// multipart/form-data (RFC 7578, RFC 2046 §5.1): fields make the body, files the attachments, each a data: URL.
/// Error::invalid says what is malformed.
Result<Body> read_multipart(std::string_view content_type, std::string_view text);

}  // namespace millrace::gateway
