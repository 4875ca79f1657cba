#include "flow_tests/crashes.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "flow_tests/from_text.hpp"

using namespace millrace;
using flow_tests::CrashReport;
using flow_tests::SuiteOptions;
using flow_tests::from_text::run;
using flow_tests::from_text::wrong;

namespace {

const std::string mail_flow = R"(
name: mails
steps:
  - { id: form, trigger: webhook.receive, config: { path: mails } }
  - { id: look, action: http.request, after: form, config: { url: "http://crm.test/{{ body.id }}" } }
  - { id: store, action: http.request, after: look, config: { method: POST, url: http://store.test/, idempotency_key: false } }
  - { id: tell, action: email.send, after: store, input: '{ "to": "a@b.example", "subject": "s" }', config: { smtp: smtp://mail.test, from: c@d.example } }
)";

const std::string mail_test = R"(
stubs:
  - http: GET http://crm.test/*
    answers: [503, { body: { name: Ada } }]
  - http: POST http://store.test/
    answers: [{ status: 201, body: { n: 1 }, after: 2s }, { status: 201, body: { n: 2 }, after: 1s }]
  - smtp: "*"
cases:
  - name: two
    given: [{ webhook: { body: { id: 7 } }, times: 2 }]
    expect:
      answers: [{ status: 202 }, { status: 202 }]
      steps: { store: { requests: 2, outputs: [{ body: { n: 1 } }, { body: { n: 2 } }] }, tell: { mails: 2, outputs: 2 } }
)";

SuiteOptions everywhere() {
  SuiteOptions options;
  options.crash_everywhere = true;
  return options;
}

/// An action that passes a message on only when it sees it a second time, as one does that keeps what it has done in a
/// file of its own.
class Forgetful final : public component::Action {
 public:
  explicit Forgetful(std::map<std::string, int>& seen) : seen_(seen) {}
  void process(component::Work work, component::Finish finish) override {
    if (++seen_[work.message_id] > 1) return finish(component::Outcome::done({}));
    finish(component::Outcome::done({{.body = std::string(work.message.body())}}));
  }

 private:
  std::map<std::string, int>& seen_;
};

component::Catalogue with_forgetful(std::map<std::string, int>& seen) {
  auto functions = components::make_catalogue().all();
  component::Function function;
  function.descriptor.component = "test";
  function.descriptor.name = "forgetful";
  function.make = [&seen](const boost::json::object&,
                          component::Services&) -> Result<std::unique_ptr<component::Action>> {
    return std::unique_ptr<component::Action>(std::make_unique<Forgetful>(seen));
  };
  functions.push_back(std::move(function));
  return component::Catalogue(std::move(functions));
}

}  // namespace

TEST_CASE("killed anywhere the outcome is the same, and the effects that are repeated are named by step and key") {
  const auto result = run(mail_flow, mail_test, everywhere());
  CHECK(wrong(result) == "");
  const CrashReport& report = *result.cases.at(0).crashes;
  CHECK(report.calls == 7);
  CHECK(report.points == 2 * report.commits + report.calls);
  REQUIRE(report.repeats.size() == 2);
  CHECK(report.repeats[0].step == "store");
  CHECK(report.repeats[0].target == "POST http://store.test/");
  CHECK(report.repeats[0].key == "");
  CHECK(report.repeats[0].points > 0);
  CHECK(report.repeats[1].step == "tell");
  CHECK(report.repeats[1].function == "email.send");
  CHECK(report.repeats[1].mail);
  CHECK(report.repeats[1].key.starts_with("Message-ID <"));
}

TEST_CASE("of many points an even choice is killed") {
  auto options = everywhere();
  options.crash_points_max = 5;
  const auto result = run(mail_flow, mail_test, options);
  CHECK(wrong(result) == "");
  CHECK(result.cases.at(0).crashes->points == 5);
  CHECK(result.cases.at(0).crashes->points_left > 5);
}

TEST_CASE("a step whose outcome depends on its being the first try is found") {
  const std::string flow = R"(
name: f
steps:
  - { id: form, trigger: webhook.receive, config: { path: f } }
  - { id: once, action: test.forgetful, after: form }
  - { id: after, action: message.log, after: once }
)";
  const std::string test = R"(
cases:
  - name: one
    given: [{ webhook: { body: 1 } }]
    expect: {}
)";
  std::map<std::string, int> seen;
  // Each run begins with a clean file; the crash within a run does not clean it.
  const auto catalogue = with_forgetful(seen);
  CHECK(wrong(run(flow, test, {}, catalogue)) == "");
  seen.clear();
  const auto result = run(flow, test, everywhere(), catalogue);
  CHECK(wrong(result).find("without a crash it makes 1 outputs") != std::string::npos);
  CHECK_FALSE(result.cases.at(0).crashes->wrong.empty());
}

TEST_CASE("schedules, snapshots and replies come through a crash anywhere") {
  const auto clock = run(R"(
name: clock
steps:
  - { id: each, trigger: timer.tick, config: { every: 1h } }
  - { id: note, action: message.log, after: each }
)",
                         R"(
cases:
  - name: ticks
    given: [{ ticks: { for: 5h } }]
    expect: { steps: { note: { inputs: 5 } } }
)",
                         everywhere());
  CHECK(wrong(clock) == "");
  CHECK(clock.cases.at(0).crashes->repeats.empty());

  const auto poll = run(R"(
name: poll
steps:
  - { id: ask, trigger: http.poll, config: { every: 1m, url: http://crm.test/, items: body.data, id: id, next: body.next } }
  - { id: note, action: message.log, after: ask }
)",
                        R"(
stubs:
  - http: GET http://crm.test/2
    answer: { body: { data: [{ id: 3 }] } }
  - http: GET http://crm.test/
    answers: [{ body: { data: [{ id: 1 }, { id: 2 }], next: /2 } }, 503, { body: { data: [{ id: 1 }, { id: 4 }] } }]
cases:
  - name: pages
    given: [{ ticks: 2 }]
    expect: { steps: { note: { inputs: [{ body: { id: 1 } }, { body: { id: 2 } }, { body: { id: 3 } }, { body: { id: 4 } }] } } }
)",
                        everywhere());
  CHECK(wrong(poll) == "");
  CHECK(poll.cases.at(0).crashes->repeats.empty());

  const auto reply = run(R"(
name: reply
steps:
  - { id: form, trigger: webhook.receive, config: { path: f } }
  - { id: answer, action: http.reply, after: form, config: { body: body.n } }
)",
                         R"(
cases:
  - name: callers
    given: [{ webhook: { body: { n: 1 } } }, { webhook: { body: { n: 2 }, headers: { Idempotency-Key: k } } }]
    expect: { answers: [{ status: 200, body: 1 }, { status: 200, body: 2 }], steps: { answer: { inputs: 2 } } }
)",
                         everywhere());
  CHECK(wrong(reply) == "");
  CHECK(reply.cases.at(0).crashes->lost_answers > 0);
}

TEST_CASE("a log that says durable and is not is found") {
  const auto catalogue = components::make_catalogue();
  const auto flows = flow::load_text(mail_flow, "f.yaml", catalogue, flow_tests::from_text::no_variable);
  const auto file = flow_tests::read_test_file(mail_test, "t.yaml", catalogue, flow_tests::from_text::no_variable);
  REQUIRE(flows);
  REQUIRE(file);
  const auto plan = flow::make_plan(flows->front(), 1, catalogue);
  const flow_tests::TestedFlow tested{flows->front(), plan, catalogue};
  const auto& one = file->cases.front();
  const auto whole = run_case(tested, one);
  using flow_tests::Kill;
  const auto honest = run_case(tested, one, Kill{Kill::At::before_commit, 2});
  CHECK(changed_by_crash(tested, one, whole, honest.trace).empty());
  // The callers have been told 202 when their commit is lost.
  const auto broken = run_case(tested, one, Kill{Kill::At::before_commit, 2, 1});
  const auto changed = changed_by_crash(tested, one, whole, broken.trace);
  REQUIRE_FALSE(changed.empty());
  const auto is_loss = [](const flow_tests::Mismatch& wrong) {
    return wrong.message.find("is lost") != std::string::npos;
  };
  CHECK(std::ranges::any_of(changed, is_loss));
}
