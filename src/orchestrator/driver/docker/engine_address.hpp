#pragma once

#include <string>

#include "core/result.hpp"

namespace millrace::orchestrator::docker {

/// Where an engine listens, in the forms of DOCKER_HOST.
struct EngineAddress {
  std::string name;              ///< as given
  std::string unix_socket = {};  ///< path; empty: TCP
  std::string url = "http://docker";
  std::string certificates = {};  ///< folder with ca.pem, cert.pem and key.pem; empty: no TLS

  /// "unix:///var/run/docker.sock", a path, or "tcp://HOST:PORT"; the latter needs `certificates`, unless it is on
  /// loopback: whoever reaches an engine has root on its machine, so it is not asked in the clear.
  static Result<EngineAddress> parse(const std::string& text, const std::string& certificates);
};

}  // namespace millrace::orchestrator::docker
