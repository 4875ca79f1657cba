#pragma once

#include <string>

#include "core/result.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::gateway {

/// A request's body as a message's parts, each JSON text.
struct Body {
  std::string body;
  std::string attachments;  ///< empty, or an object of the files of a multipart form
};

/// By content type: JSON as it is (checked); application/x-www-form-urlencoded and multipart/form-data fields as an
/// object (a repeated name as an array; files as attachments with a data: URL); text/* as a string; none as {};
/// anything else as {"content-type", "base64"}. Error::invalid says what is malformed and where.
Result<Body> read_body(const io::posix::HttpRequest& request);

/// Percent-decoded "a=1&b=2" as a JSON object; a repeated name becomes an array (WHATWG URL,
/// application/x-www-form-urlencoded).
std::string form_as_json(std::string_view form);

}  // namespace millrace::gateway
