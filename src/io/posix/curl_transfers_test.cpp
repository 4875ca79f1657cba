#include "io/posix/curl_transfers.hpp"

#include <doctest/doctest.h>

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
