#include <set>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "component/config.hpp"
#include "component/worker_outside.hpp"
#include "components/catalogue.hpp"
#include "conformance/http_target.hpp"
#include "io/posix/loop.hpp"

using namespace millrace;
using component::Message;
using component::Outcome;
using component::Work;
using tests::GivenResponse;
using tests::HttpTarget;
using tests::SeenRequest;
using Kind = Outcome::Kind;

namespace {

/// One action made from its config as text, handling one message at a time.
class Bench {
 public:
  Bench(const char* name, const std::string& config) : services_{loop_, outside_, "a-flow", "a-step"} {
    const auto* function = catalogue_.find(name);
    REQUIRE(function != nullptr);
    auto made = function->make(boost::json::parse(config).as_object(), services_);
    if (!made) FAIL(made.error().message);
    action_ = std::move(*made);
  }

  Outcome operator()(const std::string& body, const std::string& snapshot = "{}", const std::string& reply_to = {}) {
    std::optional<Outcome> outcome;
    Work work{Message::make("m-1", body), "m-1", "e-1", reply_to, 1, snapshot};
    action_->process(std::move(work), [&](Outcome given) {
      CHECK_FALSE(outcome);
      outcome = std::move(given);
      loop_.stop();
    });
    if (!outcome) loop_.run();
    return *outcome;
  }

 private:
  io::posix::AsioLoop loop_;
  component::WorkerOutside outside_{loop_, "worker test"};
  component::Services services_;
  component::Catalogue catalogue_ = components::make_catalogue();
  std::unique_ptr<component::Action> action_;
};

}  // namespace

TEST_CASE("jsonata.transform makes a new body, passes by what yields nothing, and keeps a fault's code") {
  CHECK(Bench("jsonata.transform", R"({"expression":"{\"t\": body.a & $flow}"})")(R"({"a":"x"})").emissions[0].body ==
        R"({"t":"xa-flow"})");
  CHECK(Bench("jsonata.transform", R"({"expression":"body.none"})")("{}").filtered);
  const auto dead = Bench("jsonata.transform", R"({"expression":"1 + body.a"})")(R"({"a":"x"})");
  CHECK(dead.kind == Kind::failed);
  CHECK(dead.failure.code.substr(0, 9) == "jsonata.T");
}

TEST_CASE("message.split makes one message an item, within its limit") {
  Bench split("message.split", R"({"items":"body.lines","limit":3})");
  const auto three = split(R"({"lines":[1,{"x":[2]},"c"]})");
  REQUIRE(three.emissions.size() == 3);
  CHECK(three.emissions[1].body == R"({"x":[2]})");
  CHECK(split(R"({"lines":[]})").filtered);
  CHECK(split(R"({"lines":[1,2,3,4]})").failure.code == "split.limit");
}

TEST_CASE("message.filter passes the message on or ends it") {
  Bench filter("message.filter", R"({"condition":"body.a > 1"})");
  CHECK(filter(R"({"a":2})").emissions.at(0).body == R"({"a":2})");
  CHECK(filter(R"({"a":1})").filtered);
}

TEST_CASE("http.reply answers who waits and nobody else") {
  Bench reply("http.reply", R"({"status":201,"headers":{"x-id":"{{ body.id }}"},"body":"{\"ok\":true}"})");
  const auto answered = reply(R"({"id":7})", "{}", "reply.key");
  REQUIRE(answered.emissions.size() == 2);
  CHECK(answered.emissions[1].routing_key == "reply.key");
  CHECK(answered.emissions[1].body == R"({"status":201,"headers":{"x-id":"7"},"body":{"ok":true}})");
  CHECK(reply("{}").emissions.size() == 1);
}

TEST_CASE("http.request sends the message and passes on the response") {
  HttpTarget target([](const SeenRequest&) {
    return GivenResponse{.headers = {{"Content-Type", "application/json"}}, .body = R"({"id":5})"};
  });
  Bench request("http.request", R"({"method":"POST","url":")" + target.url() +
                                    R"(/p/{{ body.n }}","query":{"q":"{{ body.n }}","none":"{{ body.none }}"},
                                    "auth":"bearer","token":"t0k"})");
  const auto outcome = request(R"({"n":"a b"})");
  REQUIRE(outcome.kind == Kind::ok);
  CHECK(outcome.emissions.at(0).body == R"({"id":5})");
  CHECK(outcome.emissions.at(0).headers.find("\"statusCode\":200") != std::string::npos);
  const auto seen = target.seen().at(0);
  CHECK(seen.target == "/p/a%20b?q=a%20b");
  CHECK(seen.body == R"({"n":"a b"})");
  CHECK(seen.header("idempotency-key") == "m-1");
  CHECK(seen.header("authorization") == "Bearer t0k");
  CHECK(seen.header("content-type") == "application/json");
}

TEST_CASE("http.request tries again later what may pass and buries what cannot") {
  HttpTarget target([](const SeenRequest& request) {
    if (request.target == "/hang") return GivenResponse{.hang = true};
    if (request.target == "/reset") return GivenResponse{.reset = true};
    return GivenResponse{
        .status = std::stoi(request.target.substr(1)), .headers = {{"Retry-After", "7"}}, .body = R"({"why":1})"};
  });
  Bench request("http.request", R"({"method":"POST","timeout":"200ms","url":")" + target.url() + R"(/{{ body }}"})");
  for (const auto* status : {"429", "500", "502", "503", "504"}) {
    const auto later = request(status);
    CHECK(later.kind == Kind::rebound);
    CHECK(later.retry_after == std::chrono::seconds(7));
  }
  CHECK(request("\"hang\"").failure.code == "http.timeout");
  CHECK(request("\"reset\"").kind == Kind::rebound);
  const auto dead = request("404");
  CHECK(dead.kind == Kind::failed);
  CHECK(dead.failure.details.find(R"("body":{"why":1})") != std::string::npos);
  const auto empty = request("204");
  CHECK(empty.emissions.at(0).body == "{}");
  CHECK(Bench("http.request", R"({"url":"http://127.0.0.1:1/"})")("{}").kind == Kind::rebound);
}

TEST_CASE("http.poll goes page by page and lets only new and changed items pass") {
  std::string version = "1";
  HttpTarget target([&](const SeenRequest& request) {
    const bool second = request.target.find("page=2") != std::string::npos;
    return GivenResponse{.headers = {{"Content-Type", "application/json"}},
                         .body = second ? R"({"items":[{"id":3,"at":30}]})"
                                        : R"({"items":[{"id":1,"at":10,"v":)" + version +
                                              R"(},{"id":2,"at":20}],"next":"/list?page=2"})"};
  });
  Bench poll("http.poll", R"-({"every":"1m","url":")-" + target.url() +
                              R"-(/list","query":{"since":"{{ $cursor }}"},"items":"body.items","id":"id",
                              "cursor":"$max($append($items.at, $cursor))","next":"body.next"})-");
  const auto first = poll("{}");
  REQUIRE(first.kind == Kind::ok);
  CHECK(first.more);
  CHECK(first.emissions.size() == 2);
  const auto second = poll("{}", *first.snapshot);
  REQUIRE(second.emissions.size() == 1);
  CHECK_FALSE(second.more);
  CHECK(second.emissions[0].body == R"({"id":3,"at":30})");

  version = "2";
  const auto changed = poll("{}", *second.snapshot);
  REQUIRE(changed.emissions.size() == 1);
  CHECK(changed.emissions[0].identity != first.emissions[0].identity);
  CHECK(target.seen().back().target == "/list?since=30");
  CHECK(poll("{}", *first.snapshot).emissions.at(0).identity == second.emissions[0].identity);
}

TEST_CASE("email.send refuses a mail that cannot be, before it is sent") {
  Bench send("email.send", R"({"smtp":"smtp://127.0.0.1:1","from":"a@example.com"})");
  CHECK(send(R"({"to":"b@example.com","subject":"x\r\nBcc: c@example.com"})").failure.code == "email.subject");
  CHECK(send(R"({"to":"b@example.com\r\nX: y"})").failure.code == "email.to");
  CHECK(send(R"({"subject":"x"})").failure.code == "email.to");
  CHECK(send(R"({"to":"b@example.com","subject":"x"})").kind == Kind::rebound);
}

TEST_CASE("every descriptor is complete and says what is wrong with a config by the field's name") {
  std::set<std::string> names;
  const auto catalogue = components::make_catalogue();
  for (const auto& function : catalogue.all()) {
    const auto& it = function.descriptor;
    CAPTURE(it.full_name());
    CHECK(names.insert(it.full_name()).second);
    CHECK_FALSE(it.title.empty());
    CHECK_FALSE(it.summary.empty());
    CHECK_FALSE(it.emits.empty());
    REQUIRE_FALSE(it.examples.empty());
    CHECK(it.examples[0].flow_yaml.find(it.full_name()) != std::string::npos);
    CHECK(it.has_worker() == static_cast<bool>(function.make));
    for (const auto& field : it.fields) {
      CHECK_FALSE(field.summary.empty());
      CHECK((field.default_json.empty() || !field.required));
    }
    const auto unknown = component::Config::read(it, {{"no_such_field", 1}});
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().message.find("no_such_field") != std::string::npos);
  }
}
