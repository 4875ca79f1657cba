#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/posix/http_server.hpp"

using namespace millrace::io;
using namespace millrace::io::posix;

namespace {

/// Answers everything with a stream, which it keeps.
class Streams final : public HttpHandler {
 public:
  std::uint64_t body_max(const HttpRequest&) const override { return 0; }
  void handle(HttpRequest, Respond respond) override {
    HttpResponse response{200, "text/event-stream", {}};
    response.stream = [this](std::shared_ptr<HttpStream> opened) {
      stream = std::move(opened);
      stream->on_closed([this] { closed = true; });
      if (begun) begun();
    };
    respond(std::move(response));
  }

  std::shared_ptr<HttpStream> stream;
  bool closed = false;
  std::function<void()> begun;
};

/// A client that has sent its request and reads nothing.
int silent_client(std::uint16_t port) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const std::string_view request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  REQUIRE(::send(client, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));
  return client;
}

}  // namespace

TEST_CASE("a reader that does not keep up with a stream is let go, and what waits for it is bounded") {
  AsioLoop loop;
  Streams streams;
  auto server = HttpServer::listen(loop, "127.0.0.1:0", {}, streams);
  REQUIRE(server);
  const int client = silent_client((*server)->port());
  const std::string piece(64u << 10, 'x');
  std::size_t written = 0;
  streams.begun = [&] {
    while (streams.stream->write(piece)) written += piece.size();
    loop.stop();
  };
  loop.run();
  CHECK(streams.closed);
  CHECK(written <= HttpStream::unread_max);
  CHECK_FALSE(streams.stream->write("more"));
  ::close(client);
}

TEST_CASE("a stream learns that its client is gone") {
  AsioLoop loop;
  Streams streams;
  auto server = HttpServer::listen(loop, "127.0.0.1:0", {}, streams);
  REQUIRE(server);
  const int client = silent_client((*server)->port());
  streams.begun = [&] {
    CHECK(streams.stream->write("hello"));
    streams.stream->on_closed([&] { loop.stop(); });
    ::close(client);
  };
  loop.run();
  CHECK_FALSE(streams.stream->write("more"));
}
