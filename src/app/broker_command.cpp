#include "app/broker_command.hpp"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "app/data_folder.hpp"
#include "app/exit_code.hpp"
#include "app/file_limit.hpp"
#include "broker/broker.hpp"
#include "broker/server.hpp"
#include "broker/users.hpp"
#include "io/posix/disk.hpp"
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
  bool loopback() const { return host.starts_with("127.") || host == "::1"; }
};

/// ADDR:PORT; an IPv6 address stands in brackets.
Result<Address> parse_address(std::string_view text) {
  const Error wrong{Error::Kind::invalid,
                    fmt::format("--listen {}: ADDR:PORT is wanted, for example 127.0.0.1:5672", text)};
  const auto colon = text.rfind(':');
  if (colon == text.npos) return wrong;
  Address address;
  const auto digits = text.substr(colon + 1);
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (failed != std::errc() || end != digits.data() + digits.size()) return wrong;
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  address.host = host == "localhost" ? "127.0.0.1" : host;
  return address;
}

Status add_users(broker::Users& users, const std::vector<std::string>& given, const Address& address) {
  if (given.empty()) {
    if (!address.loopback()) {
      return Error{Error::Kind::invalid, "name the users with --user NAME:PASSWORD: guest is for loopback only"};
    }
    users.add("guest", "guest");
  }
  for (const auto& user : given) {
    const auto colon = user.find(':');
    if (colon == user.npos || colon == 0) {
      return Error{Error::Kind::invalid, fmt::format("--user {}: NAME:PASSWORD is wanted", user.substr(0, colon))};
    }
    users.add(user.substr(0, colon), std::string_view(user).substr(colon + 1));
  }
  return Done{};
}

}  // namespace

int serve_broker(const BrokerOptions& options) {
  log::start(options.log_level, "broker");
  const auto address = parse_address(options.listen);
  if (!address) return complain(ExitCode::usage, address.error().message);
  broker::Users users;
  if (const auto added = add_users(users, options.users, *address); !added) {
    return complain(ExitCode::usage, added.error().message);
  }
  raise_file_limit();
  const auto folder = DataFolder::open(options.data_folder, DataFolder::Missing::create);
  if (!folder) return complain(ExitCode::data_folder, folder.error().message);
  const auto disk = io::posix::PosixDisk::open(folder->broker_folder());
  if (!disk) return complain(ExitCode::data_folder, disk.error().message);
  io::posix::AsioLoop loop;
  io::posix::ThreadOffload offload(loop);
  const auto broker = broker::Broker::open(loop, **disk, offload, {});
  if (!broker) return complain(ExitCode::data_folder, broker.error().in("data folder " + options.data_folder).message);
  const auto server = broker::Server::listen(loop, **broker, users, address->host, address->port);
  if (!server) return complain(ExitCode::listen, server.error().message);

  int exit_code = ExitCode::ok;
  bool stopping = false;
  const io::posix::Signals signals(loop, {SIGINT, SIGTERM}, [&](int) {
    if (stopping) {
      exit_code = ExitCode::interrupted;
      return loop.stop();
    }
    stopping = true;
    (*server)->stop([&] {
      (*broker)->close([&](const Status& closed) {
        if (!closed) exit_code = complain(ExitCode::failed, closed.error().message);
        loop.stop();
      });
    });
  });
  fmt::print("listening on {}:{}\n", options.listen.substr(0, options.listen.rfind(':')), (*server)->port());
  std::fflush(stdout);
  loop.run();
  return exit_code;
}

}  // namespace millrace::app
