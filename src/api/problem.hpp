#pragma once

#include <string_view>

#include "core/error.hpp"
#include "io/posix/http_server.hpp"

namespace millrace::api {

/// An error as problem details (RFC 9457).
io::posix::HttpResponse problem(int status, std::string_view title, std::string_view detail);
/// With the status that fits the error's kind.
io::posix::HttpResponse problem(const Error& error);

}  // namespace millrace::api
