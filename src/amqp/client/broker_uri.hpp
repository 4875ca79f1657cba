#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::amqp::client {

/// Where a broker is and who we are to it, from `amqp://user:password@host:port/vhost?heartbeat=30`
/// (https://www.rabbitmq.com/uri-spec.html and uri-query-parameters.html). Left out: guest, guest, localhost, 5672,
/// vhost "/", 30 s.
struct BrokerUri {
  std::string user = "guest";
  std::string password = "guest";
  std::string host = "localhost";
  std::uint16_t port = 5672;
  std::string vhost = "/";
  std::uint16_t heartbeat = 30;  ///< seconds; 0: none
};

/// Errors do not show the password.
Result<BrokerUri> parse_broker_uri(std::string_view uri);

}  // namespace millrace::amqp::client
