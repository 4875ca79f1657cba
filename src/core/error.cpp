#include "core/error.hpp"

namespace millrace {

Error Error::in(std::string_view context) const {
  return Error{kind, std::string(context) + ": " + message};
}

std::string_view to_string(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::invalid:
      return "invalid";
    case Error::Kind::not_found:
      return "not_found";
    case Error::Kind::conflict:
      return "conflict";
    case Error::Kind::stale:
      return "stale";
    case Error::Kind::permission:
      return "permission";
    case Error::Kind::limit:
      return "limit";
    case Error::Kind::unavailable:
      return "unavailable";
    case Error::Kind::io:
      return "io";
    case Error::Kind::no_space:
      return "no_space";
    case Error::Kind::damaged:
      return "damaged";
    case Error::Kind::unsupported:
      return "unsupported";
  }
  return "unknown";
}

}  // namespace millrace
