#include "orchestrator/driver/docker/engine_address.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

namespace millrace::orchestrator::docker {
namespace {

Error malformed(const std::string& text) {
  return {
      Error::Kind::invalid,
      fmt::format("\"{}\" is not the address of a Docker Engine: write unix:///var/run/docker.sock or tcp://HOST:PORT",
                  text)};
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host.starts_with("127.") || host == "[::1]";
}

}  // namespace

Result<EngineAddress> EngineAddress::parse(const std::string& text, const std::string& certificates) {
  EngineAddress address;
  address.name = text;
  constexpr std::string_view unix_scheme = "unix://";
  if (text.starts_with('/')) {
    address.unix_socket = text;
  } else if (text.starts_with(unix_scheme)) {
    address.unix_socket = text.substr(unix_scheme.size());
  }
  if (!address.unix_socket.empty()) {
    if (address.unix_socket.front() != '/' || address.unix_socket.size() > 107) return malformed(text);
    return address;
  }
  const auto url = boost::urls::parse_uri(text);
  if (!url || url->encoded_host().empty() || !url->has_port() || url->port_number() == 0) return malformed(text);
  const std::string_view scheme = url->scheme();
  if (scheme != "tcp" && scheme != "http" && scheme != "https") return malformed(text);
  const std::string host_and_port(url->encoded_host_and_port());
  address.certificates = certificates;
  if (certificates.empty() && !is_loopback(std::string(url->encoded_host()))) {
    return Error{Error::Kind::invalid,
                 fmt::format("Docker Engine {}: name the folder with ca.pem, cert.pem and key.pem (--docker-certs, or "
                             "DOCKER_CERT_PATH): an engine on another machine is only asked over TLS",
                             text)};
  }
  address.url = (certificates.empty() ? "http://" : "https://") + host_and_port;
  return address;
}

}  // namespace millrace::orchestrator::docker
