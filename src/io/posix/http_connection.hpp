#pragma once

#include <memory>
#include <string>
#include <unordered_set>

#include "io/posix/http_server.hpp"

namespace millrace::io::posix {

class HttpConnection;

/// What the connections of one server share. Lives as long as any of them.
struct HttpConnections {
  HttpConnections(HttpHandler& owner, HttpLimits limits_of_all) : handler(&owner), limits(limits_of_all) {}

  HttpHandler* handler;  ///< null once the server is gone
  HttpLimits limits;
  std::unordered_set<HttpConnection*> open;
  bool draining = false;
  std::function<void()> drained;

  /// Serves a connected socket, which it takes over, until either side closes; beyond connections_max with a 503.
  static void begin(const std::shared_ptr<HttpConnections>& all, AsioLoop& loop, int socket, std::string peer);
  /// Closes those that have no request to answer.
  void close_idle();
  void closed(HttpConnection* connection);
};

}  // namespace millrace::io::posix
