#include "app/listen_address.hpp"

#include <charconv>

#include <fmt/format.h>

namespace millrace::app {

Result<std::vector<ListenAddress>> parse_listen_address(std::string_view option, std::string_view text) {
  const Error wrong{Error::Kind::invalid,
                    fmt::format("{} {}: ADDR:PORT is wanted, for example 127.0.0.1:5672", option, text)};
  const auto colon = text.rfind(':');
  if (colon == text.npos) return wrong;
  std::uint16_t port = 0;
  const auto digits = text.substr(colon + 1);
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed != std::errc() || end != digits.data() + digits.size()) return wrong;
  auto host = text.substr(0, colon);
  if (host == "localhost") return std::vector<ListenAddress>{{"127.0.0.1", port}, {"::1", port, true}};
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::vector<ListenAddress>{{std::string(host), port}};
}

}  // namespace millrace::app
