#include "orchestrator/driver/docker/curl_engine.hpp"

#include <cerrno>

#include <fmt/format.h>

#include "io/posix/curl_transfers.hpp"

namespace millrace::orchestrator::docker {
namespace {

using io::TransferFault;

constexpr std::size_t answer_max = 32'000'000;      // a list of some thousand containers
constexpr std::size_t stream_rate_max = 1'000'000;  // what one worker writes: the rest waits at the engine

Error told(const EngineAddress& address, const TransferFault& fault) {
  const auto engine = "Docker Engine at " + address.name;
  if (!address.unix_socket.empty() && fault.system_code == ENOENT) {
    return {Error::Kind::unavailable,
            fmt::format("there is no {} (start it, or name another with --docker or DOCKER_HOST)", engine)};
  }
  if (!address.unix_socket.empty() && fault.system_code == EACCES) {
    return {Error::Kind::permission,
            fmt::format("{}: permission denied (let this user write to its socket: usermod -aG docker USER)", engine)};
  }
  if (fault.system_code == ECONNREFUSED) {
    return {Error::Kind::unavailable, fmt::format("{} refuses connections (is it running?)", engine)};
  }
  if (fault.kind == TransferFault::Kind::timeout) {
    return {Error::Kind::unavailable, fmt::format("{} does not answer", engine)};
  }
  return {Error::Kind::unavailable, fmt::format("{} cannot be reached: {}", engine, fault.message)};
}

}  // namespace

void CurlEngine::call(EngineCall call, Done done) {
  if (transfers_ == nullptr) {
    auto transfers = io::posix::CurlTransfers::make(loop_);
    if (!transfers) {
      return loop_.post([alive = alive_, done = std::move(done), why = transfers.error()] {
        if (*alive) done(why);
      });
    }
    transfers_ = std::move(*transfers);
  }
  io::HttpCall http;
  http.method = call.method;
  http.url = address_.url + call.path;
  http.unix_socket = address_.unix_socket;
  http.timeout = call.timeout;
  http.response_max = answer_max;
  if (!address_.certificates.empty()) {
    http.tls.ca_file = address_.certificates + "/ca.pem";
    http.tls.certificate_file = address_.certificates + "/cert.pem";
    http.tls.key_file = address_.certificates + "/key.pem";
  }
  if (call.method == "POST") {
    http.body = std::move(call.body);
    http.headers = {"Content-Type: application/json"};
  }
  if (!call.registry_login.empty()) http.headers.push_back("X-Registry-Auth: " + call.registry_login);
  if (call.on_body) {
    http.on_body = std::move(call.on_body);
    http.bytes_per_second_max = stream_rate_max;
  }
  transfers_->http(std::move(http),
                   [address = address_, done = std::move(done)](Result<io::HttpAnswer, TransferFault> answer) {
                     if (!answer) return done(told(address, answer.error()));
                     done(EngineAnswer{answer->status, std::move(answer->body)});
                   });
}

}  // namespace millrace::orchestrator::docker
