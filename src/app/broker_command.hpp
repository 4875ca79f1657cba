#pragma once

#include <string>
#include <vector>

#include "core/log.hpp"

namespace millrace::app {

/// `millrace broker`: the queue alone, for any AMQP 0-9-1 client.
struct BrokerOptions {
  std::string listen = "127.0.0.1:5672";
  std::string data_folder = "./millrace-data";
  std::vector<std::string> users = {};  ///< NAME:PASSWORD; none: guest:guest, on loopback only
  log::Level log_level = log::Level::info;
};

/// Serves until SIGTERM or SIGINT; returns an ExitCode. The first line on stdout is "listening on ADDR:PORT", printed
/// when clients may connect.
int serve_broker(const BrokerOptions& options);

}  // namespace millrace::app
