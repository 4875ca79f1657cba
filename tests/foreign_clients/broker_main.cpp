// The broker alone on a TCP port, for clients that are not ours: millrace_broker --listen ADDR:PORT --data DIR --user
// NAME:PASSWORD … Prints the port, then serves until SIGTERM. Takes orders on standard input, answered by a line each:
// "add NAME PASSWORD" and "retire NAME", as the orchestrator does with workers.
#include <csignal>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <thread>

#include <CLI/CLI.hpp>

#include "broker/server.hpp"
#include "core/log.hpp"
#include "io/posix/disk.hpp"

namespace millrace {
namespace {

struct Options {
  std::string listen = "127.0.0.1:0";
  std::string data;
  std::vector<std::string> users;
};

int failed(const Error& error) {
  std::fprintf(stderr, "millrace_broker: %s\n", error.message.c_str());
  return 1;
}

void obey(broker::Users& users, const std::string& line) {
  std::istringstream words(line);
  std::string order;
  std::string name;
  std::string password;
  words >> order >> name >> password;
  if (order == "add") users.add(name, password);
  if (order == "retire") users.retire(name);
  std::printf("%s\n", order.c_str());
  std::fflush(stdout);
}

int serve(const Options& options) {
  // Before any thread begins, so that none of them takes the signal.
  sigset_t stopping;
  sigemptyset(&stopping);
  sigaddset(&stopping, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stopping, nullptr);

  io::posix::AsioLoop loop;
  auto disk = io::posix::PosixDisk::open(options.data);
  if (!disk) return failed(disk.error());
  io::posix::ThreadOffload offload(loop);
  auto broker = broker::Broker::open(loop, **disk, offload, {});
  if (!broker) return failed(broker.error());
  broker::Users users;
  for (const std::string& user : options.users) {
    const auto colon = user.find(':');
    users.add(user.substr(0, colon), colon == user.npos ? "" : user.substr(colon + 1));
  }
  const auto colon = options.listen.rfind(':');
  auto server = broker::Server::listen(loop, **broker, users, options.listen.substr(0, colon),
                                       static_cast<std::uint16_t>(std::stoi(options.listen.substr(colon + 1))));
  if (!server) return failed(server.error());

  std::thread([&] {
    int signal = 0;
    sigwait(&stopping, &signal);
    loop.post([&] { (*server)->stop([&] { (*broker)->close([&](const Status&) { loop.stop(); }); }); });
  }).detach();
  std::thread([&] {
    for (std::string line; std::getline(std::cin, line);) loop.post([&users, line] { obey(users, line); });
  }).detach();

  std::printf("%u\n", (*server)->port());
  std::fflush(stdout);
  loop.run();
  std::fflush(stdout);
  std::_Exit(0);  // the threads above may still wait for their signal and their line
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  CLI::App app("The Millrace broker alone, for tests with foreign clients");
  millrace::Options options;
  app.add_option("--listen", options.listen, "ADDR:PORT; port 0 is any free one");
  app.add_option("--data", options.data, "data folder")->required();
  app.add_option("--user", options.users, "NAME:PASSWORD, may be repeated")->required();
  CLI11_PARSE(app, argc, argv);
  millrace::log::start(millrace::log::Level::warning, "broker");
  return millrace::serve(options);
}
