#include "io/posix/interface.hpp"

#include <array>
#include <cerrno>

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace millrace::io::posix {

InterfaceAddress InterfaceAddress::parse(const std::string& text) {
  const auto percent = text.find('%');
  const bool is_v6 = text.find(':') != std::string::npos;  // its zone is the address's own affair
  if (percent == std::string::npos || is_v6) return {text, {}};
  return {text.substr(0, percent), text.substr(percent + 1)};
}

int InterfaceAddress::restrict(int socket) const {
  if (interface.empty()) return 0;
  const auto size = static_cast<socklen_t>(interface.size());
  return ::setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, interface.data(), size) == 0 ? 0 : errno;
}

Result<std::string> address_of(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(name.c_str(), nullptr, &hints, &found);
  if (failed != 0) return Error{Error::Kind::not_found, "host " + name + ": " + ::gai_strerror(failed)};
  std::array<char, INET_ADDRSTRLEN> text{};
  const auto* const address = reinterpret_cast<const sockaddr_in*>(found->ai_addr);
  ::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
  ::freeaddrinfo(found);
  return std::string(text.data());
}

unsigned interface_index(const std::string& name) {
  return name.empty() ? 0 : ::if_nametoindex(name.c_str());
}

}  // namespace millrace::io::posix
