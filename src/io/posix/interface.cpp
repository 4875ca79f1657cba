#include "io/posix/interface.hpp"

#include <cerrno>

#include <net/if.h>
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

unsigned interface_index(const std::string& name) {
  return name.empty() ? 0 : ::if_nametoindex(name.c_str());
}

}  // namespace millrace::io::posix
