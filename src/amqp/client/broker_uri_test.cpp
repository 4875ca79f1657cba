#include "amqp/client/broker_uri.hpp"

#include <doctest/doctest.h>

namespace millrace::amqp::client {
namespace {

TEST_CASE("a broker's address is taken apart, and mistakes in it are named without the password") {
  auto uri = parse_broker_uri("amqp://wor%40ker:p%2Fw@127.0.0.1:1234/%2fflows");
  REQUIRE(uri);
  CHECK(uri->user == "wor@ker");
  CHECK(uri->password == "p/w");
  CHECK(uri->host == "127.0.0.1");
  CHECK(uri->port == 1234);
  CHECK(uri->vhost == "/flows");
  CHECK(parse_broker_uri("amqp://h/%2F?heartbeat=2")->heartbeat == 2);
  CHECK_FALSE(parse_broker_uri("amqp://h/%2F?heartbeat=soon"));
  auto bare = parse_broker_uri("amqp://example.com");
  CHECK(bare->heartbeat == 30);
  REQUIRE(bare);
  CHECK(bare->port == 5672);
  CHECK(bare->vhost == "/");
  CHECK_FALSE(parse_broker_uri("http://u:secret@h"));
  auto broken = parse_broker_uri("amqp://u:secret@h:port");
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message.find("secret") == std::string::npos);
}

TEST_CASE(
    "amqps:// means TLS on port 5671 with the broker's certificate verified, unless the address says other things") {
  auto plain = parse_broker_uri("amqps://queue.example.com");
  REQUIRE(plain);
  CHECK(plain->port == 5671);
  REQUIRE(plain->tls);
  CHECK(plain->tls->verify);
  CHECK(plain->tls->server_name == "queue.example.com");
  CHECK(plain->place() == "amqps://queue.example.com:5671");
  auto full = parse_broker_uri(
      "amqps://u:p@[::1]:1/v?cacertfile=/etc/ca%20all.pem&certfile=/c.pem&keyfile=/k.pem&verify=verify_none"
      "&server_name_indication=rabbit&connection_timeout=500&channel_max=1&auth_mechanism=plain");
  REQUIRE(full);
  CHECK(full->tls->authorities == "/etc/ca all.pem");
  CHECK(full->tls->certificate == "/c.pem");
  CHECK(full->tls->key == "/k.pem");
  CHECK_FALSE(full->tls->verify);
  CHECK(full->tls->server_name == "rabbit");
  CHECK(full->connection_timeout == std::chrono::milliseconds(500));
  CHECK(full->place() == "amqps://[::1]:1");
}

TEST_CASE("a parameter of a broker's address that is misspelt, misplaced or incomplete is named") {
  const auto reason = [](std::string_view uri) {
    const auto parsed = parse_broker_uri(uri);
    return parsed ? "none" : parsed.error().message;
  };
  CHECK(reason("amqps://h/?cacertfiel=x").find("'cacertfiel'") != std::string::npos);
  CHECK(reason("amqp://h/?cacertfile=x").find("amqps:// is meant") != std::string::npos);
  CHECK(reason("amqps://h/?verify=no").find("verify_none") != std::string::npos);
  CHECK(reason("amqps://h/?certfile=x").find("keyfile is missing") != std::string::npos);
  CHECK(reason("amqp://h/?connection_timeout=1s").find("milliseconds") != std::string::npos);
  CHECK(reason("amqp://h/?auth_mechanism=external").find("external") != std::string::npos);
}

}  // namespace
}  // namespace millrace::amqp::client
