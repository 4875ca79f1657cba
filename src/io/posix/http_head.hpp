#pragma once

#include <optional>
#include <string_view>

#include "io/posix/http_server.hpp"

namespace millrace::io::posix {

/// Why the head of a request cannot be served, as the response to give before the connection is closed; nullopt if it
/// can. Asks for what the parser does not: one Host (RFC 9112 §3.2), no transfer coding but chunked (§6.1), no length
/// beside it (§6.3), no expectation but 100-continue (RFC 9110 §10.1.1).
std::optional<HttpResponse> fault_of_head(const HttpRequest& request, bool is_http_1_1);

/// Puts path and query of the request's target into it: origin form, absolute form, or "*" (RFC 9112 §3.2). False for
/// anything else.
bool read_target(std::string_view target, HttpRequest& into);

/// True if the first line of what came ends in a version of HTTP that is none of ours.
bool is_other_version(std::string_view received);

}  // namespace millrace::io::posix
