#include "io/posix/curl_transfers.hpp"

#include <array>
#include <atomic>
#include <thread>

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/http_target.hpp"

using namespace millrace;
using namespace std::chrono_literals;
using io::HttpAnswer;
using io::HttpCall;
using io::TransferFault;
using io::posix::AsioLoop;
using io::posix::CurlTransfers;
using tests::GivenResponse;
using tests::HttpTarget;
using tests::SeenRequest;

namespace {

Result<HttpAnswer, TransferFault> get(HttpCall call) {
  AsioLoop loop;
  auto transfers = CurlTransfers::make(loop);
  REQUIRE(transfers);
  std::optional<Result<HttpAnswer, TransferFault>> result;
  (*transfers)->http(std::move(call), [&](auto answer) {
    result.emplace(std::move(answer));
    loop.stop();
  });
  CHECK_FALSE(result);  // never from inside the call
  loop.run();
  return *result;
}

/// A stand-in for an SMTP server that asks for one mail's text (354) and then only reads until the client goes.
class AskingServer {
 public:
  AskingServer() {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof(address);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = "smtp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~AskingServer() { ::close(listener_); }

  const std::string& url() const { return url_; }
  bool has_asked() const { return asked_; }
  /// All that came after the server had asked, once the client is gone.
  const std::string& text() {
    thread_.join();
    return text_;
  }

 private:
  void serve() {
    const int client = ::accept(listener_, nullptr, nullptr);
    const auto say = [&](std::string_view line) { (void)::send(client, line.data(), line.size(), MSG_NOSIGNAL); };
    std::array<char, 4096> piece;
    say("220 ready\r\n");
    for (ssize_t size = 1; size > 0 && !asked_;) {
      size = ::read(client, piece.data(), piece.size());
      asked_ = std::string_view(piece.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))).starts_with("DATA");
      say(asked_ ? "" : "250 OK\r\n");
    }
    ssize_t size = 0;
    while ((size = ::read(client, piece.data(), piece.size())) > 0)
      text_.append(piece.data(), static_cast<std::size_t>(size));
    ::close(client);
  }

  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string url_;
  std::atomic<bool> asked_ = false;
  std::string text_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a request goes out as told and its response comes back whole") {
  HttpTarget target([](const SeenRequest&) {
    return GivenResponse{.status = 201, .headers = {{"X-One", " a "}, {"x-one", "b"}}, .body = "made"};
  });
  HttpCall call;
  call.method = "PUT";
  call.url = target.url() + "/things?x=1";
  call.headers = {"X-Asked: yes"};
  call.body = "payload";
  const auto answer = get(std::move(call));
  REQUIRE(answer);
  CHECK(answer->status == 201);
  CHECK(answer->body == "made");
  CHECK(answer->header("X-ONE") == "b");
  CHECK(answer->header("absent").empty());
  const auto seen = target.seen();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].method == "PUT");
  CHECK(seen[0].target == "/things?x=1");
  CHECK(seen[0].header("x-asked") == "yes");
  CHECK(seen[0].header("expect").empty());
  CHECK(seen[0].body == "payload");
}

TEST_CASE("a thousand requests, sixteen at once, use sixteen connections") {
  HttpTarget target([](const SeenRequest&) { return GivenResponse{.status = 204}; });
  AsioLoop loop;
  auto transfers = CurlTransfers::make(loop);
  REQUIRE(transfers);
  int started = 0;
  int done = 0;
  std::function<void()> next = [&] {
    if (started == 1000) return;
    ++started;
    HttpCall call;
    call.method = "POST";
    call.url = target.url();
    call.body = std::to_string(started);
    (*transfers)->http(std::move(call), [&](auto answer) {
      CHECK(answer);
      if (++done == 1000) loop.stop();
      next();
    });
  };
  for (int i = 0; i < 16; ++i) next();
  loop.run();
  CHECK(target.seen().size() == 1000);
  CHECK(target.connections() <= 16);
}

TEST_CASE("redirects are followed as far as allowed") {
  HttpTarget target([](const SeenRequest& request) {
    if (request.target == "/end") return GivenResponse{.body = "here"};
    return GivenResponse{.status = 302, .headers = {{"Location", "/end"}}, .body = "gone"};
  });
  HttpCall call;
  call.url = target.url() + "/start";
  call.redirects_max = 2;
  const auto followed = get(call);
  REQUIRE(followed);
  CHECK(followed->body == "here");
  CHECK(followed->url == target.url() + "/end");
  call.redirects_max = 0;
  CHECK(get(call)->status == 302);
}

TEST_CASE("failures are told apart") {
  using Kind = TransferFault::Kind;
  HttpTarget target([](const SeenRequest& request) {
    if (request.target == "/loop") return GivenResponse{.status = 302, .headers = {{"Location", "/loop"}}};
    if (request.target == "/large") return GivenResponse{.body = std::string(5000, 'x')};
    return GivenResponse{.hang = request.target == "/hang", .reset = request.target == "/reset"};
  });
  const auto kind_of = [&](const std::string& url) {
    HttpCall call;
    call.url = url;
    call.timeout = 300ms;
    call.redirects_max = 3;
    call.response_max = 4999;
    const auto answer = get(std::move(call));
    REQUIRE_FALSE(answer);
    CHECK_FALSE(answer.error().message.empty());
    return answer.error().kind;
  };
  CHECK(kind_of(target.url() + "/hang") == Kind::timeout);
  CHECK(kind_of(target.url() + "/reset") == Kind::unavailable);
  CHECK(kind_of(target.url() + "/loop") == Kind::redirects);
  CHECK(kind_of(target.url() + "/large") == Kind::too_large);
  CHECK(kind_of("ftp://127.0.0.1/") == Kind::invalid);
  CHECK(kind_of("http://127.0.0.1:1/") == Kind::unavailable);
}

TEST_CASE("what is under way is dropped with its transfers") {
  HttpTarget target([](const SeenRequest&) { return GivenResponse{.hang = true}; });
  AsioLoop loop;
  bool called = false;
  {
    auto transfers = CurlTransfers::make(loop);
    REQUIRE(transfers);
    HttpCall call;
    call.url = target.url();
    (*transfers)->http(std::move(call), [&](auto) { called = true; });
    std::function<void()> until_seen = [&] {
      if (!target.seen().empty()) return loop.stop();
      loop.after(1ms, until_seen);
    };
    until_seen();
    loop.run();
  }
  loop.after(1ms, [&] { loop.stop(); });
  loop.run();
  CHECK_FALSE(called);
}

TEST_CASE("a mail that is dropped under way is not finished without its text") {
  AskingServer server;
  AsioLoop loop;
  {
    auto transfers = CurlTransfers::make(loop);
    REQUIRE(transfers);
    io::MailCall mail;
    mail.url = server.url();
    mail.sender = "a@example.com";
    mail.recipients = {"b@example.com"};
    mail.bodies = {{"text/plain", "the text"}};
    (*transfers)->mail(std::move(mail), [&](auto) { CHECK(false); });
    std::function<void()> until_asked = [&] {
      if (server.has_asked()) return loop.stop();
      loop.after(1ms, until_asked);
    };
    until_asked();
    loop.run();
  }
  CHECK(server.text().find(".\r\n") == std::string::npos);
}
