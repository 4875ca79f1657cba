#include "api/worker_api.hpp"

#include <doctest/doctest.h>

#include "component/base64.hpp"
#include "component/step_settings.hpp"
#include "support/credential_site.hpp"
#include "support/disk_broker.hpp"

using namespace millrace;
using io::posix::HttpRequest;
using io::posix::HttpResponse;
using tests::DiskBroker;
namespace names = flow::names;

namespace {

flow::Plan plan_of(const std::string& flow, const std::vector<std::string>& steps) {
  flow::Plan plan;
  plan.flow = flow;
  for (const auto& step : steps) {
    flow::WorkerPlan worker;
    worker.flow = flow;
    worker.step = step;
    worker.settings.id = step;
    worker.component = worker.settings.component = "http";
    worker.settings.function = "poll";
    plan.workers.push_back(std::move(worker));
  }
  return plan;
}

struct Counter {
  explicit Counter(const std::string& named = "", api::WorkerReports reports = {})
      : api({*broker, users, deployed, *site.logins, *site.keys, startups, nullptr, {}, std::move(reports)}) {
    auto plan = plan_of("a", {"poll", "next"});
    plan.workers.front().settings.credential = named;
    deployed.add(deployed.add("a"), {.number = 1, .plan = std::move(plan)});
    users.add("worker-1", "secret", {.configure = "", .write = "flow.a@1", .read = names::step_queue("a", 1, "poll")});
  }

  HttpResponse ask(const std::string& path, const std::string& credentials, std::string method = "GET",
                   std::string body = "") {
    HttpRequest request;
    request.method = std::move(method);
    request.body = std::move(body);
    request.path = path;
    if (!credentials.empty()) {
      request.headers.emplace_back("authorization", "Basic " + component::base64_encoded(credentials));
    }
    HttpResponse response;
    api.handle(std::move(request), [&](HttpResponse given) { response = std::move(given); });
    return response;
  }

  DiskBroker broker;
  broker::Users users;
  deployment::Deployed deployed;
  tests::CredentialSite site;
  deployment::Startups startups{*site.store, deployed};
  api::WorkerApi api;
};

constexpr const char* own = "/v1/tasks/a/steps/poll";

}  // namespace

TEST_CASE("a worker gets its own step's settings, not to be stored on the way") {
  Counter counter;
  const auto response = counter.ask(own, "worker-1:secret");
  REQUIRE(response.status == 200);
  const auto settings = component::StepSettings::from_json(response.body);
  REQUIRE(settings);
  CHECK(settings->id == "poll");
  CHECK(settings->snapshot == "{}");
  CHECK(response.headers.at(0) == std::pair<std::string, std::string>("Cache-Control", "no-store"));
}

TEST_CASE("settings come with the snapshot that was saved last") {
  Counter counter;
  auto& broker = counter.broker;
  amqp::FieldTable one;
  one.set("x-max-length", std::int64_t{1});
  REQUIRE(broker->declare_exchange(broker.session, {.name = "flow.a@1", .arguments = {}}, nullptr));
  REQUIRE(
      broker->declare_queue(broker.session, {.name = names::snapshot_queue("a", "poll"), .arguments = one}, nullptr));
  REQUIRE(broker->bind_queue(broker.session, names::snapshot_queue("a", "poll"), "flow.a@1",
                             names::snapshot_key("poll"), {}, nullptr));
  broker.publish("flow.a@1", names::snapshot_key("poll"), R"({"cursor":1})");
  broker.publish("flow.a@1", names::snapshot_key("poll"), R"({"cursor":2})");
  const auto settings = component::StepSettings::from_json(counter.ask(own, "worker-1:secret").body);
  REQUIRE(settings);
  CHECK(settings->snapshot == R"({"cursor":2})");
}

TEST_CASE("who has no valid user gets nothing, also not what exists") {
  Counter counter;
  CHECK(counter.ask(own, "").status == 401);
  CHECK(counter.ask(own, "worker-1:wrong").status == 401);
  CHECK(counter.ask(own, "nobody:secret").status == 401);
  CHECK(counter.ask(own, "no colon").status == 401);
  CHECK(counter.ask("/v1/tasks/gone/steps/gone", "").status == 401);
  counter.users.retire("worker-1");
  CHECK(counter.ask(own, "worker-1:secret").status == 401);
}

TEST_CASE("a worker gets no other step's settings, and none that are not there") {
  Counter counter;
  CHECK(counter.ask("/v1/tasks/a/steps/next", "worker-1:secret").status == 403);
  CHECK(counter.ask("/v1/tasks/a/steps/gone", "worker-1:secret").status == 404);
  CHECK(counter.ask(own, "worker-1:secret", "PUT").status == 405);
}

TEST_CASE("a worker gets the login of the credential that its step names, and of no other") {
  Counter counter("crm");
  CHECK(counter.ask(std::string(own) + "/credential", "worker-1:secret").status == 404);
  counter.site.put("crm", R"({"type":"basic","username":"ada","password":"lovelace"})");
  const auto response = counter.ask(std::string(own) + "/credential", "worker-1:secret");
  REQUIRE(response.status == 200);
  CHECK(response.headers.at(0) == std::pair<std::string, std::string>("Cache-Control", "no-store"));
  const auto login = component::Login::from_json(response.body);
  REQUIRE(login);
  CHECK(login->username == "ada");
  CHECK(login->secret == "lovelace");
  CHECK(counter.ask("/v1/tasks/a/steps/next/credential", "worker-1:secret").status == 403);
  CHECK(counter.ask(std::string(own) + "/credential", "").status == 401);
  CHECK(Counter().ask(std::string(own) + "/credential", "worker-1:secret").status == 404);
}

TEST_CASE("where the broker is RabbitMQ workers tell their presence and their snapshot, each of its own step only") {
  const auto presence = std::string(own) + "/presence";
  const auto snapshot = std::string(own) + "/snapshot";
  const std::string told = R"({"connected":true,"in_work":3,"done":5,"filtered":1,"dead":0,"rebounds":2})";
  std::vector<std::string> seen;
  Status kept = Done{};
  api::WorkerReports reports;
  reports.presence = [&](const std::string& user, const flow::WorkerPlan& worker, const component::Presence& it) {
    seen.push_back(user + " " + worker.step + " " + it.to_json());
  };
  reports.save_snapshot = [&](const flow::WorkerPlan& worker, const std::string& text,
                              const std::function<void(Status)>& done) {
    seen.push_back(worker.step + " " + text);
    done(kept);
  };
  reports.asked = [&](const std::string& user, const flow::WorkerPlan&) { seen.push_back(user + " asked"); };
  Counter counter("", std::move(reports));
  CHECK(counter.ask(presence, "worker-1:secret", "POST", told).status == 204);
  CHECK(counter.ask(snapshot, "worker-1:secret", "PUT", R"({"page":2})").status == 204);
  CHECK(counter.ask(own, "worker-1:secret").status == 200);
  CHECK(seen == std::vector<std::string>{"worker-1 poll " + told, R"(poll {"page":2})", "worker-1 asked"});

  kept = Error{Error::Kind::unavailable, "the store is away"};
  CHECK(counter.ask(snapshot, "worker-1:secret", "PUT", "{}").status == 503);
  CHECK(counter.ask(snapshot, "worker-1:secret", "PUT").status == 400);
  CHECK(counter.ask(presence, "worker-1:secret", "POST", R"({"connected":"yes"})").status == 400);
  CHECK(counter.ask(presence, "worker-1:secret", "POST", R"({"connected":true,"in_work":-1})").status == 400);
  CHECK(counter.ask(presence, "worker-1:secret").status == 405);
  CHECK(counter.ask(presence, "", "POST", told).status == 401);
  CHECK(counter.ask("/v1/tasks/a/steps/next/presence", "worker-1:secret", "POST", told).status == 403);
}

TEST_CASE("where the broker is the platform's own there are no doors for what it knows by itself") {
  Counter counter;
  CHECK(counter.ask(std::string(own) + "/presence", "worker-1:secret", "POST", R"({"connected":true})").status == 404);
  CHECK(counter.ask(std::string(own) + "/snapshot", "worker-1:secret", "PUT", "{}").status == 404);
}

TEST_CASE("a worker puts new keys into its own step's credential only, and they are checked") {
  Counter counter("shop");
  component::Function function;
  function.descriptor.component = "http";  // the component of the worker that is asked for here
  auto& form = function.descriptor.credential_form.emplace();
  form.fields = {{.name = "key", .type = component::Field::Type::secret, .summary = "The key.", .required = true}};
  counter.site.catalogue = component::Catalogue({function});
  counter.site.put("shop", R"({"type":"component","component":"http","fields":{"key":"first"}})");
  const auto path = std::string(own) + "/credential";
  const auto key = [&] { return counter.site.shelf->find("shop")->fields().at("key"); };
  const char* keys = R"({"keys":{"key":"second"}})";
  CHECK(counter.ask(path, "worker-1:wrong", "PUT", keys).status == 401);
  CHECK(counter.ask("/v1/tasks/a/steps/next/credential", "worker-1:secret", "PUT", keys).status == 403);
  CHECK(counter.ask(path, "worker-1:secret", "PUT", R"({"key":"second"})").status == 400);
  CHECK(counter.ask(path, "worker-1:secret", "PUT", R"({"keys":{"pin":"second"}})").status == 400);
  CHECK(counter.ask(path, "worker-1:secret", "DELETE").status == 405);
  CHECK(key() == "first");
  CHECK(counter.ask(path, "worker-1:secret", "PUT", keys).status == 204);
  CHECK(key() == "second");
}

TEST_CASE("what a startup hook leaves may be as deep as messages are") {
  const auto status_of = [](std::size_t depth) {
    const auto text = std::string(depth, '[') + std::string(depth, ']');
    return Counter().ask(std::string(own) + "/startup", "worker-1:secret", "POST", text).status;
  };
  const auto taken = status_of(1);
  CHECK(taken != 400);
  CHECK(status_of(400) == taken);
  CHECK(status_of(600) == 400);
}
