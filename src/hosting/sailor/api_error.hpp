#pragma once

#include <string_view>

#include "io/posix/http_server.hpp"

namespace millrace::hosting::sailor {

/// An error as the library's HTTP client shows it: {"error": why}.
io::posix::HttpResponse api_error(int status, std::string_view why);

}  // namespace millrace::hosting::sailor
