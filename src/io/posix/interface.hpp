#pragma once

#include <string>

#include "core/result.hpp"

namespace millrace::io::posix {

/// An address to listen on, of which "172.18.0.1%br0" means: only what arrives over the interface br0. (For IPv6 that
/// is how zones are written, RFC 4007 §11; for IPv4 it is ours.)
struct InterfaceAddress {
  std::string address;
  std::string interface;  ///< empty: any

  static InterfaceAddress parse(const std::string& text);
  /// Before the socket is bound (SO_BINDTODEVICE, socket(7)): 0, or errno. Does nothing without an interface.
  [[nodiscard]] int restrict(int socket) const;
};

/// The IPv4 address that a name stands for, or the address itself; Error::not_found. Waits for the answer: only while
/// nothing else is to be done yet.
Result<std::string> address_of(const std::string& name);

/// The number of this machine's interface of that name; 0 if there is none. One that is made again has another.
unsigned interface_index(const std::string& name);

}  // namespace millrace::io::posix
