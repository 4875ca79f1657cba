#include "app/broker_command.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "app/exit_code.hpp"
#include "app/file_limit.hpp"
#include "app/listen_address.hpp"
#include "app/standalone_broker.hpp"
#include "broker/users.hpp"
#include "io/posix/signals.hpp"

namespace millrace::app {
namespace {

int complain(int exit_code, std::string_view message) {
  fmt::print(stderr, "millrace: {}\n", message);
  return exit_code;
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

/// NAME:PASSWORD lines; empty ones and those that begin with # do not count.
Status add_users_of_file(broker::Users& users, const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{Error::Kind::invalid, fmt::format("--user-file {}: it cannot be read", path)};
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    const auto parts = parts_of(line, 2);
    if (parts.size() != 2 || parts[0].empty()) {
      return Error{Error::Kind::invalid, fmt::format("{}:{}: NAME:PASSWORD is wanted", path, number)};
    }
    users.add(parts[0], parts[1]);
  }
  return Done{};
}

Status add_users(broker::Users& users, const BrokerOptions& options, bool loopback) {
  for (const auto& path : options.user_files) {
    if (auto added = add_users_of_file(users, path); !added) return added;
  }
  if (options.users.empty() && options.user_files.empty()) {
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

/// Plain doors first. Without any wish: localhost:5672.
Result<std::vector<ListenAddress>> addresses_of(const BrokerOptions& options) {
  const bool files = !options.tls.certificate.empty() && !options.tls.key.empty();
  if (!options.tls_listen.empty() && !files) {
    return Error{Error::Kind::invalid, "--tls needs --tls-certificate FILE and --tls-key FILE"};
  }
  if (options.tls_listen.empty() && (files || !options.tls.client_ca.empty())) {
    return Error{Error::Kind::invalid, "--tls ADDR:PORT is wanted with TLS files: where clients connect with TLS"};
  }
  std::vector<ListenAddress> all;
  const auto add = [&all](std::string_view option, const std::vector<std::string>& texts, bool tls) -> Status {
    for (const auto& text : texts) {
      auto parsed = parse_listen_address(option, text);
      if (!parsed) return parsed.error();
      for (auto& address : *parsed) {
        address.tls = tls;
        all.push_back(std::move(address));
      }
    }
    return Done{};
  };
  const bool none = options.listen.empty() && options.tls_listen.empty();
  const auto plain = none ? std::vector<std::string>{"localhost:5672"} : options.listen;
  if (auto added = add("--listen", plain, false); !added) return added.error();
  if (auto added = add("--tls", options.tls_listen, true); !added) return added.error();
  return all;
}

}  // namespace

int serve_broker(const BrokerOptions& options) {
  log::start(options.log_level, "broker");
  const auto addresses = addresses_of(options);
  if (!addresses) return complain(ExitCode::usage, addresses.error().message);
  const bool loopback =
      std::all_of(addresses->begin(), addresses->end(), [](const ListenAddress& a) { return a.loopback(); });
  broker::Users users;
  if (const auto added = add_users(users, options, loopback); !added) {
    return complain(ExitCode::usage, added.error().message);
  }
  raise_file_limit();
  io::posix::AsioLoop loop;
  StandaloneBroker standalone(loop, users);
  if (const auto opened = standalone.open(options); !opened) {
    return complain(opened.error().exit_code, opened.error().message);
  }
  if (const auto listening = standalone.listen(*addresses, options); !listening) {
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
