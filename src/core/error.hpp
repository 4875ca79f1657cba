#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// An expected failure: something outside the program is not as it should be. A bug is not an Error: it is a CHECK.
struct Error {
  enum class Kind {
    invalid,      ///< the input is malformed; the sender must change it
    not_found,    ///< the thing named does not exist
    conflict,     ///< it exists, but differently, or is in use by another
    stale,        ///< what the change was based on has changed meanwhile
    permission,   ///< not allowed
    limit,        ///< a documented limit is exceeded
    unavailable,  ///< may work later: refused connection, timeout, peer gone
    io,           ///< the operating system failed us: a failed read, write or sync
    no_space,     ///< the disk is full; works again when it is not
    damaged,      ///< stored data does not match its checksum or format
    unsupported,  ///< well-formed, but not offered
  };

  Kind kind;
  /// A sentence for people that names the thing, the place and the mend. No trailing full stop, no secrets.
  std::string message;

  /// The same failure seen from further out: "context: message".
  [[nodiscard]] Error in(std::string_view context) const;
};

/// The kind's name as written in logs and JSON, e.g. "not_found".
std::string_view to_string(Error::Kind kind);

}  // namespace millrace
