#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.hpp"
#include "broker/session/session.hpp"
#include "broker/users.hpp"
#include "core/result.hpp"
#include "io/posix/loop.hpp"
#include "io/posix/tls.hpp"

namespace millrace::broker {

/// The broker on TCP: accepts connections and gives each a Session. Reads up to 64 KiB at a time into one buffer that
/// all connections share, and writes what a turn of the loop has produced for a connection in one call. A connection
/// whose peer does not read is written to no further than SessionSettings::output_size_max and one delivery. Thread:
/// the loop's. Lifetime: loop, broker and users outlive it.
class Server {
 public:
  /// Listens, or says why it cannot (address in use, not ours). Port 0: any free one, see port(). The address may name
  /// an interface, as io::posix::HttpAddress does. With `tls` clients begin with a TLS handshake, which is part of the
  /// time they have to log in.
  static Result<std::unique_ptr<Server>> listen(io::posix::AsioLoop& loop, VirtualHosts hosts, Users& users,
                                                const std::string& address, std::uint16_t port,
                                                SessionSettings settings = {},
                                                std::shared_ptr<io::posix::TlsServer> tls = nullptr);
  /// Cuts what stop() has not ended.
  ~Server();

  std::uint16_t port() const;
  std::vector<ConnectionStatus> connections() const;
  /// Of all connections since it listens, also of those that are gone.
  Traffic traffic() const;
  /// Accepts no more, tells every client that the broker stops, and calls `stopped` when the last has gone (who does
  /// not answer is cut off after a second).
  void stop(std::function<void()> stopped);

 private:
  class State;
  explicit Server(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace millrace::broker
