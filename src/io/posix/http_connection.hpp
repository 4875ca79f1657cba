#pragma once

#include <memory>
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

  void closed(HttpConnection* connection);
};

}  // namespace millrace::io::posix
