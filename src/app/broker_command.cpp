#include "app/broker_command.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "api/broker_api.hpp"
#include "app/data_folder.hpp"
#include "app/exit_code.hpp"
#include "app/file_limit.hpp"
#include "app/platform.hpp"
#include "broker/broker.hpp"
#include "broker/server.hpp"
#include "broker/users.hpp"
#include "broker/virtual_hosts.hpp"
#include "io/posix/disk.hpp"
#include "io/posix/http_server.hpp"
#include "io/posix/signals.hpp"

namespace millrace::app {
namespace {

int complain(int exit_code, std::string_view message) {
  fmt::print(stderr, "millrace: {}\n", message);
  return exit_code;
}

struct Address {
  std::string host;
  std::uint16_t port = 0;
  bool like_first = false;  ///< the second of two: takes the first one's port, and need not be there
  bool loopback() const { return host.starts_with("127.") || host == "::1"; }
};

/// ADDR:PORT; an IPv6 address stands in brackets; "localhost" is both loopbacks.
Result<std::vector<Address>> parse_address(std::string_view text) {
  const Error wrong{Error::Kind::invalid,
                    fmt::format("--listen {}: ADDR:PORT is wanted, for example 127.0.0.1:5672", text)};
  const auto colon = text.rfind(':');
  if (colon == text.npos) return wrong;
  std::uint16_t port = 0;
  const auto digits = text.substr(colon + 1);
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed != std::errc() || end != digits.data() + digits.size()) return wrong;
  auto host = text.substr(0, colon);
  if (host == "localhost") return std::vector<Address>{{"127.0.0.1", port, false}, {"::1", port, true}};
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::vector<Address>{{std::string(host), port, false}};
}

/// The parts of TEXT between colons; the last one may hold further colons.
std::vector<std::string> parts_of(std::string_view text, std::size_t count) {
  std::vector<std::string> parts;
  while (parts.size() + 1 < count) {
    const auto colon = text.find(':');
    if (colon == text.npos) break;
    parts.emplace_back(text.substr(0, colon));
    text.remove_prefix(colon + 1);
  }
  parts.emplace_back(text);
  return parts;
}

Status add_users(broker::Users& users, const BrokerOptions& options, bool loopback) {
  if (options.users.empty()) {
    if (!loopback) {
      return Error{Error::Kind::invalid, "name the users with --user NAME:PASSWORD: guest is for loopback only"};
    }
    users.add("guest", "guest");
  }
  for (const auto& user : options.users) {
    const auto parts = parts_of(user, 2);
    if (parts.size() != 2 || parts[0].empty()) {
      return Error{Error::Kind::invalid, fmt::format("--user {}: NAME:PASSWORD is wanted", parts[0])};
    }
    users.add(parts[0], parts[1]);
  }
  for (const auto& given : options.permissions) {
    const auto parts = parts_of(given, 5);
    if (parts.size() != 5 || !users.knows(parts[0])) {
      return Error{Error::Kind::invalid,
                   fmt::format("--permit {}: USER:VHOST:CONFIGURE:WRITE:READ is wanted, with a known user", given)};
    }
    users.permit(parts[0], parts[1], {parts[2], parts[3], parts[4]});
  }
  return Done{};
}

using Started = StatusOf<StartFailure>;

/// Everything of a broker that stands alone, in the order in which it comes up.
class Standalone {
 public:
  Standalone(io::posix::AsioLoop& loop, broker::Users& users) : loop_(loop), users_(users), offload_(loop) {}

  Started open(const BrokerOptions& options) {
    auto folder = DataFolder::open(options.data_folder, DataFolder::Missing::create);
    if (!folder) return StartFailure{ExitCode::data_folder, folder.error().message};
    folder_.emplace(std::move(*folder));
    if (auto opened = open_host("/", folder_->broker_folder()); !opened) return opened.error();
    hosts_.emplace(*brokers_.front());
    for (const auto& name : options.hosts) {
      if (hosts_->find(name) != nullptr) continue;
      auto path = folder_->host_folder(name);
      if (!path) return StartFailure{ExitCode::data_folder, path.error().message};
      if (auto opened = open_host(name, *path); !opened) return opened.error();
      hosts_->add(name, *brokers_.back());
    }
    return Done{};
  }

  Started listen(const std::vector<Address>& addresses, const std::string& product) {
    broker::SessionSettings settings;
    settings.product = product;
    for (const auto& address : addresses) {
      const auto port = address.like_first && address.port == 0 ? servers_.front()->port() : address.port;
      auto server = broker::Server::listen(loop_, *hosts_, users_, address.host, port, settings);
      if (!server && address.like_first) continue;  // a machine without IPv6
      if (!server) return StartFailure{ExitCode::listen, server.error().message};
      servers_.push_back(std::move(*server));
      fmt::print("listening on {}:{}\n",
                 address.host.find(':') == std::string::npos ? address.host : "[" + address.host + "]",
                 servers_.back()->port());
    }
    api_.emplace(*hosts_, [this] { return connections(); });
    auto control = io::posix::HttpServer::listen(loop_, "unix:" + folder_->control_socket(), {}, *api_);
    if (!control) return StartFailure{ExitCode::data_folder, control.error().message};
    control_ = std::move(*control);
    std::fflush(stdout);
    return Done{};
  }

  /// Ends the clients in order and syncs; then `stopped`, with the first failure.
  void stop(std::function<void(Status)> stopped) {
    auto last = std::make_shared<std::size_t>(servers_.size());
    for (const auto& server : servers_) {
      server->stop([this, last, stopped] {
        if (--*last == 0) close(stopped);
      });
    }
  }

 private:
  Started open_host(const std::string& name, const std::string& folder) {
    auto disk = io::posix::PosixDisk::open(folder);
    if (!disk) return StartFailure{ExitCode::data_folder, disk.error().message};
    disks_.push_back(std::move(*disk));
    auto broker = broker::Broker::open(loop_, *disks_.back(), offload_, {});
    if (!broker) return StartFailure{ExitCode::data_folder, broker.error().in("vhost '" + name + "'").message};
    brokers_.push_back(std::move(*broker));
    return Done{};
  }

  std::vector<broker::ConnectionStatus> connections() const {
    std::vector<broker::ConnectionStatus> all;
    for (const auto& server : servers_) {
      for (auto& one : server->connections()) all.push_back(std::move(one));
    }
    return all;
  }

  void close(const std::function<void(Status)>& stopped) {
    auto left = std::make_shared<std::size_t>(brokers_.size());
    auto first = std::make_shared<Status>(Done{});
    for (const auto& broker : brokers_) {
      broker->close([left, first, stopped](const Status& closed) {
        if (!closed && *first) *first = closed;
        if (--*left == 0) stopped(*first);
      });
    }
  }

  io::posix::AsioLoop& loop_;
  broker::Users& users_;
  std::optional<DataFolder> folder_;
  std::vector<std::unique_ptr<io::posix::PosixDisk>> disks_;  ///< before the offload, which may still work on them
  io::posix::ThreadOffload offload_;
  std::vector<std::unique_ptr<broker::Broker>> brokers_;  ///< one per virtual host, as the disks
  std::optional<broker::VirtualHosts> hosts_;
  std::vector<std::unique_ptr<broker::Server>> servers_;
  std::optional<api::BrokerApi> api_;
  std::unique_ptr<io::posix::HttpServer> control_;
};

}  // namespace

int serve_broker(const BrokerOptions& options) {
  log::start(options.log_level, "broker");
  std::vector<Address> addresses;
  for (const auto& text : options.listen.empty() ? std::vector<std::string>{"localhost:5672"} : options.listen) {
    const auto parsed = parse_address(text);
    if (!parsed) return complain(ExitCode::usage, parsed.error().message);
    addresses.insert(addresses.end(), parsed->begin(), parsed->end());
  }
  const bool loopback = std::all_of(addresses.begin(), addresses.end(), [](const Address& a) { return a.loopback(); });
  broker::Users users;
  if (const auto added = add_users(users, options, loopback); !added) {
    return complain(ExitCode::usage, added.error().message);
  }
  raise_file_limit();
  io::posix::AsioLoop loop;
  Standalone standalone(loop, users);
  if (const auto opened = standalone.open(options); !opened) {
    return complain(opened.error().exit_code, opened.error().message);
  }
  if (const auto listening = standalone.listen(addresses, options.product); !listening) {
    return complain(listening.error().exit_code, listening.error().message);
  }
  int exit_code = ExitCode::ok;
  bool stopping = false;
  const io::posix::Signals signals(loop, {SIGINT, SIGTERM}, [&](int) {
    if (std::exchange(stopping, true)) {
      exit_code = ExitCode::interrupted;
      return loop.stop();
    }
    standalone.stop([&](const Status& closed) {
      if (!closed) exit_code = complain(ExitCode::failed, closed.error().message);
      loop.stop();
    });
  });
  loop.run();
  return exit_code;
}

}  // namespace millrace::app
