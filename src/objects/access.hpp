#pragma once

#include <string>

namespace millrace::objects {

/// What a flow's components are given to reach its objects, and to hide bodies from all others with.
struct Access {
  std::string token;     ///< for HTTP: "Bearer", or the secret that they sign tokens with
  std::string password;  ///< of message bodies, here and in the object storage
  std::string iv;        ///< likewise; 16 characters
};

}  // namespace millrace::objects
