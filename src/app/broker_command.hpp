#pragma once

#include <string>
#include <vector>

#include "core/log.hpp"

namespace millrace::app {

/// `millrace broker`: the queues alone, for any AMQP 0-9-1 client.
struct BrokerOptions {
  std::vector<std::string> listen = {};  ///< ADDR:PORT; "localhost" is both loopbacks; none: localhost:5672
  std::string data_folder = "./millrace-data";
  std::vector<std::string> users = {};        ///< NAME:PASSWORD; none: guest:guest, on loopback only
  std::vector<std::string> hosts = {};        ///< virtual hosts beside "/"
  std::vector<std::string> permissions = {};  ///< USER:VHOST:CONFIGURE:WRITE:READ
  std::string product = "RabbitMQ";           ///< what the broker calls itself to clients
  log::Level log_level = log::Level::info;
};

/// Serves until SIGTERM or SIGINT; returns an ExitCode. Prints "listening on ADDR:PORT" for each door on stdout when
/// clients may connect.
int serve_broker(const BrokerOptions& options);

/// `millrace broker queues|connections|peek|purge`: asks a running broker, alone or in a platform.
struct BrokerQuestion {
  std::string what;
  std::string data_folder = "./millrace-data";
  std::string host = "/";
  std::string queue = {};
  std::size_t count = 10;
  bool json = false;
};

/// Results go to stdout; returns an ExitCode.
int ask_broker(const BrokerQuestion& question);

}  // namespace millrace::app
