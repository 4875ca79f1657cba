#include "api/control_api.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "support/disk_broker.hpp"

using namespace millrace;
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using tests::DiskBroker;

namespace {

struct Door {
  Door() : api(api::DeadLetters(*broker, broker.session), [] { return boost::json::object{{"accepted", 7}}; }) {
    REQUIRE(broker->declare_exchange(broker.session, {.name = "flow.a", .arguments = {}}, nullptr));
    for (const auto& [queue, key] : {std::pair("a.b", "b:input"), std::pair("a.dead-letters", "b:error")}) {
      REQUIRE(broker->declare_queue(broker.session, {.name = queue, .arguments = {}}, nullptr));
      REQUIRE(broker->bind_queue(broker.session, queue, "flow.a", key, {}, nullptr));
    }
    for (const auto* id : {"m-1", "m-2"}) {
      amqp::FieldTable headers;
      headers.set("messageId", id);
      broker.publish("flow.a", "b:error", R"({"body":{"n":1}})", std::move(headers));
    }
  }

  HttpResponse ask(std::string method, std::string path, std::string query = {}) {
    HttpRequest request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.query = std::move(query);
    std::optional<HttpResponse> response;
    api.handle(std::move(request), [&](HttpResponse given) { response = std::move(given); });
    broker.run_until("an answer", [&] { return response.has_value(); });
    return *response;
  }
  std::size_t listed(std::string query = {}) {
    const auto response = ask("GET", "/v1/dead-letters", std::move(query));
    CHECK(response.status == 200);
    return boost::json::parse(response.body).at("dead_letters").as_array().size();
  }

  DiskBroker broker;
  api::ControlApi api;
};

}  // namespace

TEST_CASE("the status is what the platform says") {
  Door door;
  const auto response = door.ask("GET", "/v1/status");
  CHECK(response.status == 200);
  CHECK(response.body == R"({"accepted":7})");
}

TEST_CASE("dead letters are listed without and shown with their messages") {
  Door door;
  CHECK(door.listed() == 2);
  CHECK(door.listed("flow=a") == 2);
  CHECK(door.listed("flow=other") == 0);
  CHECK(door.ask("GET", "/v1/dead-letters").body.find("\"message\"") == std::string::npos);
  const auto shown = door.ask("GET", "/v1/dead-letters/m-2");
  CHECK(shown.status == 200);
  CHECK(boost::json::parse(shown.body).at("message").at("body").at("n") == 1);
}

TEST_CASE("retry and drop are answered when they are durable") {
  Door door;
  CHECK(door.ask("POST", "/v1/dead-letters/m-1/retry").status == 200);
  CHECK(door.ask("DELETE", "/v1/dead-letters/m-2").status == 200);
  door.broker.settle();
  CHECK(door.listed() == 0);
  CHECK(door.broker.ready("a.b") == 1);
}

TEST_CASE("an id may hold what a path may not") {
  Door door;
  amqp::FieldTable headers;
  headers.set("messageId", "shop/17 of 20%");
  door.broker.publish("flow.a", "b:error", "{}", std::move(headers));
  CHECK(door.ask("GET", "/v1/dead-letters/shop%2F17%20of%2020%25").status == 200);
  CHECK(door.ask("GET", "/v1/dead-letters/shop%2").status == 400);
  CHECK(door.ask("POST", "/v1/dead-letters//retry").status == 400);
}

TEST_CASE("what is not there, ambiguous or not meant is a problem with its status") {
  Door door;
  CHECK(door.ask("GET", "/v1/dead-letters/none").status == 404);
  CHECK(door.ask("DELETE", "/v1/dead-letters/m-").status == 400);
  CHECK(door.ask("DELETE", "/v1/dead-letters").status == 405);
  CHECK(door.ask("PUT", "/v1/dead-letters/m-1").status == 405);
  CHECK(door.ask("GET", "/v1/dead-letters-of-others").status == 404);
  CHECK(door.ask("GET", "/").status == 404);
  const auto problem = door.ask("GET", "/v1/dead-letters/none");
  CHECK(problem.content_type == "application/problem+json");
  CHECK(boost::json::parse(problem.body).at("detail").as_string().find("none") != std::string::npos);
  CHECK(door.listed() == 2);
}
