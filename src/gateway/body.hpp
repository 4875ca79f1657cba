#pragma once

#include <cstddef>
#include <string>

#include "component/json_text.hpp"
#include "core/result.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::gateway {

/// How deep a body may be nested: the envelope and a passthrough around it must stay within json_text::depth_max.
inline constexpr std::size_t body_depth_max = component::json_text::depth_max - 20;

/// A request's body as a message's parts, each JSON text.
struct Body {
  std::string body;
  std::string attachments;  ///< empty, or an object of the files of a multipart form
};

/// By content type: JSON as it is (checked); application/x-www-form-urlencoded and multipart/form-data fields as an
/// object (a repeated name as an array; files as attachments with a data: URL); text/* as {"text"}; none as {};
/// anything else as {"content-type", "base64"}. Error::invalid says what is malformed and where; Error::unsupported
/// names a charset other than UTF-8, or a Content-Encoding.
Result<Body> read_body(const io::posix::HttpRequest& request);

}  // namespace millrace::gateway
