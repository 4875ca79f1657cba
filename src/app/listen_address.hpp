#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace millrace::app {

/// Where a server listens.
struct ListenAddress {
  std::string host;  ///< an IP address
  std::uint16_t port = 0;
  bool like_first = false;  ///< the second of two: takes the first one's port, and need not be there
  bool tls = false;

  bool loopback() const { return host.starts_with("127.") || host == "::1"; }
  /// ADDR with brackets around IPv6, as in a URL.
  std::string shown_host() const { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }
};

/// ADDR:PORT; an IPv6 address stands in brackets; "localhost" is both loopbacks. `option` is named in the error.
Result<std::vector<ListenAddress>> parse_listen_address(std::string_view option, std::string_view text);

}  // namespace millrace::app
