#include "amqp/client/transport.hpp"

#include <cstdlib>
#include <filesystem>

#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include "amqp/client/step_link.hpp"
#include "amqp/properties.hpp"
#include "broker/server.hpp"
#include "desk.hpp"
#include "io/posix/tls.hpp"
#include "support/run_until.hpp"

namespace millrace::broker {
namespace {

using amqp::client::StepLink;
using amqp::client::Transport;

/// A folder with a certificate that is its own authority, for `localhost` alone, made with openssl.
struct Certificate {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("millrace-transport-{}", ::getpid());

  Certificate() {
    std::filesystem::create_directories(folder);
    const auto made = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {0}/key.pem -out "
        "{0}/own.pem "
        "-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>{0}/log",
        folder.string());
    REQUIRE(std::system(made.c_str()) == 0);
  }
  ~Certificate() { std::filesystem::remove_all(folder); }
  std::string file(const char* name) const { return (folder / name).string(); }
};

const Certificate& certificate() {
  static const Certificate made;
  return made;
}

/// A broker in memory that speaks TLS, and a link to it.
struct Guarded {
  io::posix::AsioLoop loop;
  HandOffload offload{loop};
  FullOrNotDisk disk;
  Users users;
  std::unique_ptr<Broker> broker;
  std::unique_ptr<Server> server;
  std::unique_ptr<StepLink> link;
  bool ready = false;
  std::optional<Error> lost;

  Guarded() {
    broker = std::move(*Broker::open(loop, disk, offload, {}));
    users.add("worker", "secret");
    auto tls = io::posix::TlsServer::open({certificate().file("own.pem"), certificate().file("key.pem"), ""});
    REQUIRE(tls);
    server = std::move(*Server::listen(loop, *broker, users, "127.0.0.1", 0, {}, std::move(*tls)));
    QueueSpec out;
    out.name = "out";
    REQUIRE(broker->declare_queue(broker->begin_session(), out, nullptr));
  }
  ~Guarded() {
    link.reset();
    server.reset();
  }

  void connect(std::string_view host, const std::string& query) {
    StepLink::Settings settings;
    settings.uri = fmt::format("amqps://worker:secret@{}:{}/?{}", host, server->port(), query);
    StepLink::Handlers handlers;
    handlers.ready = [this] { ready = true; };
    handlers.lost = [this](Error why) { lost = std::move(why); };
    link = std::make_unique<StepLink>(loop, settings, handlers);
    run_until(loop, [this] { return ready || lost.has_value(); });
  }
};

TEST_CASE("over TLS a link verifies its broker, and messages larger than a TLS record pass") {
  Guarded guarded;
  guarded.connect("localhost", "cacertfile=" + certificate().file("own.pem"));
  REQUIRE_MESSAGE(guarded.ready, guarded.lost->message);
  CHECK(guarded.server->connections().at(0).tls);
  bool committed = false;
  amqp::client::Commit commit;
  commit.publishes.push_back({"", "out", amqp::encode_properties({}), std::string(300'000, 'L')});
  guarded.link->commit(std::move(commit), [&](const Status& status) { committed = bool(status); });
  run_until(guarded.loop, [&] { return committed || guarded.lost; });
  CHECK(committed);
  CHECK(guarded.broker->queue("out")->ready == 1);
}

TEST_CASE("a broker whose certificate is not to be trusted, or is another's, is refused with the reason") {
  Guarded guarded;
  const auto trusted = "cacertfile=" + certificate().file("own.pem");
  SUBCASE("signed by nobody we know") {
    guarded.connect("localhost", "");
    CHECK_MESSAGE(guarded.lost.value().message.find("self-signed certificate") != std::string::npos,
                  guarded.lost->message);
  }
  SUBCASE("for another name") {
    guarded.connect("127.0.0.1", trusted);
    CHECK(guarded.lost.value().message.find("IP address mismatch") != std::string::npos);
  }
  SUBCASE("for another name, as the address itself says") {
    guarded.connect("127.0.0.1", trusted + "&server_name_indication=localhost");
    CHECK(guarded.ready);
  }
  SUBCASE("which we do not mind") {
    guarded.connect("127.0.0.1", "verify=verify_none");
    CHECK(guarded.ready);
  }
  SUBCASE("an authority that is no file") {
    guarded.connect("localhost", "cacertfile=/nowhere.pem");
    CHECK(guarded.lost.value().kind == Error::Kind::invalid);
    CHECK(guarded.lost->message.find("/nowhere.pem") != std::string::npos);
  }
  if (guarded.lost && guarded.lost->kind != Error::Kind::invalid) {
    CHECK(guarded.lost->kind == Error::Kind::unavailable);
    CHECK(guarded.lost->message.find("amqps://") != std::string::npos);
  }
}

TEST_CASE("a transport gives up on a broker that does not answer in the time that its address allows") {
  io::posix::AsioLoop loop;
  boost::asio::ip::tcp::acceptor silent(loop.native(), {boost::asio::ip::make_address("127.0.0.1"), 0});
  auto uri = amqp::client::parse_broker_uri(
      fmt::format("amqps://127.0.0.1:{}/?connection_timeout=30", silent.local_endpoint().port()));
  REQUIRE(uri);
  std::optional<Error> failed;
  Transport transport(loop, *uri,
                      {[](std::string_view) {},
                       [&](Error why) {
                         failed = std::move(why);
                         loop.stop();
                       },
                       [&] { loop.stop(); }});
  loop.run();
  REQUIRE(failed);
  CHECK(failed->kind == Error::Kind::unavailable);
  CHECK(failed->message.find("no answer in time") != std::string::npos);
}

}  // namespace
}  // namespace millrace::broker
