#pragma once

#include <string_view>

#include "core/error.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::io::posix {

/// An error as problem details (RFC 9457).
HttpResponse problem(int status, std::string_view title, std::string_view detail);
/// With the status that fits the error's kind.
HttpResponse problem(const Error& error);

}  // namespace millrace::io::posix
