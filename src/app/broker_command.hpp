#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/log.hpp"
#include "io/posix/tls.hpp"

namespace millrace::app {

/// `millrace broker`: the queues alone, for any AMQP 0-9-1 client.
struct BrokerOptions {
  std::vector<std::string> listen = {};  ///< ADDR:PORT; "localhost" is both loopbacks; no door at all: localhost:5672
  std::vector<std::string> tls_listen = {};  ///< the same, for clients with TLS
  io::posix::TlsFiles tls = {};
  std::string data_folder = "./millrace-data";
  std::vector<std::string> users = {};        ///< NAME:PASSWORD; none: guest:guest, on loopback only
  std::vector<std::string> user_files = {};   ///< with lines NAME:PASSWORD
  std::vector<std::string> hosts = {};        ///< virtual hosts beside "/"
  std::vector<std::string> permissions = {};  ///< USER:VHOST:CONFIGURE:WRITE:READ
  std::string product = "RabbitMQ";           ///< what the broker calls itself to clients
  std::string metrics = {};                   ///< ADDR:PORT for Prometheus; empty: only the control socket has them
  std::optional<std::uint64_t> memory_limit = {};  ///< bytes; 0: none; absent: half of the machine's
  log::Level log_level = log::Level::info;
};

/// Serves until SIGTERM or SIGINT; returns an ExitCode. Prints "listening on ADDR:PORT" for each door on stdout when
/// clients may connect.
int serve_broker(const BrokerOptions& options);

/// `millrace broker queues|connections|…`: asks a running broker, alone or in a platform.
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

/// `millrace broker verify DIR`: checks what a broker has stored, also while it runs, and names what is damaged.
/// Returns ExitCode::ok if all is sound, failed if something is damaged, data_folder if there is nothing to check.
int verify_broker(const std::string& folder, bool as_json);

}  // namespace millrace::app
