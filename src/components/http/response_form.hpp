#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "io/transfers.hpp"

namespace millrace::components {

enum class ResponseForm { by_type, json, text, base64 };

/// A response's body as JSON text: the JSON it is, {"text": …}, {"base64": …}, or {} where there is none. By its
/// content type, what says it is JSON and is not counts as text, and what is not UTF-8 as bytes. Error::invalid where
/// JSON or text is asked for and it is not.
Result<std::string> response_body(const io::HttpAnswer& answer, ResponseForm form);

/// Whether its content type says that its body is JSON, be it so or not.
bool claims_json(const io::HttpAnswer& answer);

/// {"statusCode": 200, "contentType": "…", "url": "…", "headers": {lower-case names: text}}; of repeated headers the
/// values are joined by ", ".
std::string response_headers(const io::HttpAnswer& answer);

/// What is kept of a response in a dead letter: statusCode, headers, body; at most 64 KiB, "truncated" if cut.
std::string response_details(const io::HttpAnswer& answer);

}  // namespace millrace::components
