#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace millrace::amqp::client {

/// Where a broker is and who we are to it, from `amqp://user:password@host:port/vhost?heartbeat=30`, or `amqps://` for
/// TLS (https://www.rabbitmq.com/docs/uri-spec). Left out: guest, guest, localhost, 5672 (amqps: 5671), vhost "/".
///
/// Query parameters as in https://www.rabbitmq.com/docs/uri-query-parameters: `heartbeat` (seconds),
/// `connection_timeout` (ms), and with amqps `cacertfile`, `certfile`, `keyfile`, `verify` (verify_peer, which is the
/// default, or verify_none) and `server_name_indication`. `channel_max` and `auth_mechanism=plain` are taken and change
/// nothing.
struct BrokerUri {
  struct Tls {
    std::string authorities;  ///< PEM file; empty: the system's
    std::string certificate;  ///< PEM file of ours; empty: none
    std::string key;          ///< PEM file, the certificate's
    bool verify = true;       ///< the broker's certificate, and that it is for `server_name`
    std::string server_name;  ///< the host, where the address names no other
  };

  std::string user = "guest";
  std::string password = "guest";
  std::string host = "localhost";
  std::uint16_t port = 5672;
  std::string vhost = "/";
  std::uint16_t heartbeat = 30;                          ///< seconds; 0: none
  std::chrono::milliseconds connection_timeout{15'000};  ///< for TCP and TLS; 0: none
  std::optional<Tls> tls;

  /// "amqps://host:port", for messages.
  std::string place() const;
};

/// Error::invalid or ::unsupported names the part that is wrong; errors do not show the password.
Result<BrokerUri> parse_broker_uri(std::string_view uri);

}  // namespace millrace::amqp::client
