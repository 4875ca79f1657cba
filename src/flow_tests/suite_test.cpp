#include "flow_tests/suite.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "flow_tests/from_text.hpp"

using namespace millrace;
using flow_tests::from_text::run;
using flow_tests::from_text::wrong;

namespace {

const std::string orders = R"(
name: orders
steps:
  - { id: form, trigger: webhook.receive, config: { path: orders, auth: hmac, secret: whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ= } }
  - { id: lines, action: message.split, after: form, config: { items: body.lines } }
  - { id: big, action: message.filter, after: lines, config: { condition: body.amount > 10 } }
  - id: book
    action: http.request
    after: big
    when: body.amount < 1000
    input: '{ "amount": body.amount, "at": $now() }'
    config: { method: PUT, url: "http://books.test/lines/{{ body.amount }}?dry=no" }
    retry: { initial: 1m, factor: 1, attempts: 3 }
  - { id: answer, action: http.reply, after: form, config: { status: 201, body: "{ 'lines': $count(body.lines) }" } }
)";

const std::string clock_flow = R"(
name: clock
steps:
  - { id: night, trigger: timer.tick, config: { cron: "30 2 * * *", time_zone: Europe/Berlin } }
  - { id: stamp, action: jsonata.transform, after: night, config: { expression: '{ "at": body.scheduled_at, "now": $now() }' } }
)";

const std::string poll_flow = R"(
name: contacts
steps:
  - id: contacts
    trigger: http.poll
    config: { every: 1m, url: http://crm.test/contacts, query: { since: "{{ $cursor }}" }, items: body.data, id: id, cursor: '$max($append($items.at, $cursor))',
                  next : body.next
}
  - { id: keep, action: message.log, after: contacts, config: { label: contact } }
)";

}  // namespace

TEST_CASE("a request goes through all steps: signed, answered, split, filtered, with retries in virtual time") {
  const auto result = run(orders, R"(
starts_at: 2026-05-01T12:00:00Z
stubs:
  - http: PUT http://books.test/lines/*
    headers: { content-type: application/json }
    answers: [503, { fault: timeout }, { status: 200, body: { ok: true } }]
cases:
  - name: one
    given:
      - webhook: { body: { lines: [{ amount: 5 }, { amount: 50 }, { amount: 5000 }] } }
    expect:
      answers: [{ status: 201, body: { lines: 3 } }]
      steps:
        lines: { outputs: [{ body: { amount: 5 } }, { body: { amount: 50 } }, { body_contains: {} }] }
        big: { filtered: 1, outputs: 2 }
        book:
          filtered: 1
          attempts: 3
          inputs: [{ body: { amount: 50, at: "2026-05-01T12:00:00.000Z" } }]
          requests:
            - { answered: 503, query: { dry: "no" } }
            - { answered: timeout }
            - { answered: 200, body_contains: { amount: 50 }, that: '$contains(body.at, "12:02:30")' }
          outputs: [{ body: { ok: true }, headers: { statusCode: 200 } }]
      elapsed: 2m30s
  - name: a caller without the secret
    given:
      - webhook: { body: {}, authorized: false }
    expect:
      answers: [{ status: 401, headers: { content-type: application/problem+json } }]
      steps: { lines: { inputs: 0 } }
)");
  CHECK(wrong(result) == "");
}

TEST_CASE("a cron trigger ticks over days, also across a change of clocks") {
  CHECK(wrong(run(clock_flow, R"(
cases:
  - name: the night of the change
    starts_at: 2026-03-27T12:00:00Z
    given: [{ ticks: { for: 3d } }]
    expect:
      steps:
        stamp:
          inputs: 3
          outputs:
            - body: { at: "2026-03-28T01:30:00Z", now: "2026-03-28T01:30:00.000Z" }
            - body_contains: { at: "2026-03-29T01:00:00Z" }
            - body_contains: { at: "2026-03-30T00:30:00Z" }
  - name: so many ticks
    given: [{ ticks: 2 }]
    expect: { steps: { stamp: { that: $count(outputs) = 2 } }, that: elapsed_ms < 48 * 3600000 }
  - name: two spans, between them a missed tick that is caught up
    given: [{ ticks: 1 }, { ticks: { for: 1d }, at: 3d }]
    expect: { steps: { stamp: { inputs: 3 } } }
)")) == "");
}

TEST_CASE("a polling trigger gets its pages from stubs, and keeps its position") {
  CHECK(wrong(run(poll_flow, R"(
cases:
  - name: two ticks
    given: [{ ticks: { count: 2 } }]
    stubs:
      - http: GET http://crm.test/contacts
        query: { page: "2" }
        answer: { body: { data: [{ id: 2, at: 20 }] } }
      - http: GET http://crm.test/contacts
        answers:
          - { body: { data: [{ id: 1, at: 10 }], next: "/contacts?page=2" } }
          - { body: { data: [{ id: 2, at: 20 }, { id: 3, at: 30 }] } }
    expect:
      steps:
        contacts:
          requests: [{ query: {} }, { query: { page: "2" } }, { query: { since: "20" } }]
          outputs: [{ body: { id: 1, at: 10 } }, { body: { id: 2, at: 20 } }, { body: { id: 3, at: 30 } }]
          snapshot: { cursor: 30 }
        keep: { inputs: 3 }
      elapsed: 1m
)")) == "");
}

namespace {

const std::string ordered = R"(
name: ordered
steps:
  - { id: form, trigger: webhook.receive, config: { path: ordered } }
  - id: book
    action: http.request
    after: form
    ordered_by: body.customer + 0
    config: { method: POST, url: "http://books.test/{{ body.customer }}/{{ body.n }}" }
    retry: { initial: 1m, factor: 1, attempts: 3 }
)";

}  // namespace

TEST_CASE("what is tried again keeps its place before the others of its key, which wait for it; other keys go on") {
  CHECK(wrong(run(ordered, R"(
cases:
  - name: the first of customer 1 needs three tries
    given:
      - webhook: { body: { customer: 1, n: 1 } }
      - webhook: { body: { customer: 1, n: 2 } }
      - webhook: { body: { customer: 2, n: 1 } }
      - webhook: { body: { n: 3 } }
    stubs:
      - { http: POST http://books.test/1/1, answers: [503, 503, 200] }
      - { http: POST *, answer: 200 }
    expect:
      steps:
        book:
          requests:
            - { url: "http://books.test/1/1", answered: 503 }
            - { url: "http://books.test/2/1" }
            - { url: "http://books.test//3" }
            - { url: "http://books.test/1/1", answered: 503 }
            - { url: "http://books.test/1/1", answered: 200 }
            - { url: "http://books.test/1/2" }
      elapsed: 2m
  - name: a dead letter frees its key
    given:
      - webhook: { body: { customer: 1, n: 1 } }
      - webhook: { body: { customer: 1, n: 2 } }
    stubs:
      - { http: POST http://books.test/1/1, answer: 400 }
      - { http: POST *, answer: 200 }
    expect:
      dead_letters: [{ body: { customer: 1, n: 1 } }]
      steps: { book: { requests: [{ answered: 400 }, { url: "http://books.test/1/2" }] } }
  - name: a key that cannot be found out
    given: [{ webhook: { body: { customer: x, n: 1 } } }]
    expect:
      steps: { book: { requests: 0 } }
      dead_letters: [{ code: jsonata.T2001, message: "ordered_by: *", attempts: 1 }]
)")) == "");
}

TEST_CASE("a message comes straight to a step") {
  CHECK(wrong(run(orders, R"(
cases:
  - name: only book
    given:
      - message: { step: book, id: m-1, execution: e-1, body: { amount: 70 }, headers: { a: 1 } }
    stubs: [{ http: "*", step: book, answer: 204 }]
    expect:
      steps:
        lines: { inputs: 0 }
        book:
          inputs: [{ headers: { a: 1 } }]
          requests: [{ method: PUT, url: "http://books.test/lines/70*", headers: { Idempotency-Key: m-1 } }]
)")) == "");
}

TEST_CASE("what is not as expected is told with its path, at its place in the file") {
  const auto result = run(orders, R"(
cases:
  - name: wrong
    given:
      - message: { step: big, body: { amount: 70, tags: [a, b] } }
    stubs: [{ http: PUT *, answer: 409 }]
    expect:
      answers: 1
      steps:
        big:
          outputs:
            - body:
                amount: 71
                tags: [a, c]
                extra: true
        book:
          requests:
            - body_contains: { amount: 70, currency: EUR }
              that: body.amount > 100
      elapsed: 1s
)");
  const auto lines = wrong(result);
  for (const auto* line : {
           "t.yaml:8:16: cases[0].expect.answers: expected 1 answer, got 0\n",
           "t.yaml:13:25: cases[0].expect.steps.big.outputs[0].body.amount: expected 71, got 70\n",
           "t.yaml:14:27: cases[0].expect.steps.big.outputs[0].body.tags[1]: expected \"c\", got \"b\"\n",
           "t.yaml:15:24: cases[0].expect.steps.big.outputs[0].body.extra: expected true, but it is not there\n",
           "t.yaml:18:54: cases[0].expect.steps.book.requests[0].body_contains.currency: expected \"EUR\", but it is "
           "not "
           "there\n",
           "t.yaml:19:21: cases[0].expect.steps.book.requests[0].that: is not true, but false, of {\"method\":\"PUT\"",
           "t.yaml:20:16: cases[0].expect.elapsed: expected 1s, but it took 0s\n",
           "t.yaml:3:5: cases[0].expect.dead_letters: a dead letter that is not expected: {\"step\":\"book\"",
       }) {
    CHECK_MESSAGE(lines.find(line) != std::string::npos, lines);
  }
  CHECK(std::ranges::count(lines, '\n') == 8);
}

TEST_CASE("a call that no stub answers fails the case and is named") {
  const auto result = run(orders, R"(
cases:
  - name: no stub
    given: [{ message: { step: book, body: { amount: 70 } } }]
    expect: {}
)");
  CHECK(
      wrong(result).starts_with("t.yaml:3:5: cases[0]: step book makes a call that no stub answers: PUT "
                                "http://books.test/lines/70?dry=no with {"));
}

TEST_CASE("the same case gives the same run") {
  const std::string test = R"(
cases:
  - name: two
    given: [{ webhook: { body: { lines: [{ amount: 11 }, { amount: 12 }] } }, times: 3 }]
    stubs: [{ http: PUT *, answers: [503, { status: 200, after: 3s }] }]
    expect: {}
)";
  const auto lines = [&] {
    std::string all;
    const auto result = run(orders, test);
    for (const auto& line : result.cases.front().trace.lines) all += line.text + "\n";
    return all;
  };
  const auto first = lines();
  CHECK(first.find("try 2") != std::string::npos);
  CHECK(first == lines());
}

TEST_CASE("a stub stands in for a step, as one whose action only its image knows needs it") {
  const std::string flow = R"(
name: enriched
steps:
  - { id: form, trigger: webhook.receive, config: { path: e } }
  - { id: enrich, action: crm.enrich, after: form, image: "example.com/crm:1", config: { any: thing } }
  - { id: tell, action: http.request, after: enrich, config: { method: POST, url: http://a.test/ } }
)";
  CHECK(wrong(run(flow, R"(
stubs: [{ http: POST * }]
cases:
  - name: a stand-in
    stubs: [{ step: enrich, output: '{ "name": body.id & "!" }' }]
    given: [{ webhook: { body: { id: a } } }]
    expect: { steps: { tell: { requests: [{ body: { name: "a!" } }] } } }
)")) == "");
  CHECK(flow_tests::from_text::problems("cases: [{ name: none, given: [], expect: {} }]", flow) ==
        "t.yaml:1:9: cases[0].stubs: the step enrich needs a stand-in: crm.enrich is known to its image alone (add - "
        "step: enrich, with output: JSONata over the message)\n");
}

TEST_CASE("what comes late, and bytes that are no text, are no trouble") {
  CHECK(wrong(run(orders, R"(
cases:
  - name: late
    given: [{ webhook: { base64: /w== , headers: { content-type: application/octet-stream } }, at: 900d }]
    expect: { answers: [{ status: 201 }], elapsed: 900d }
)")) == "");
}

TEST_CASE("the last step's response is shown where it can be read, and fails nothing where it cannot") {
  const std::string flow = R"(
name: last
steps:
  - { id: form, trigger: webhook.receive, config: { path: l } }
  - { id: send, action: http.request, after: form, config: { method: POST, url: http://a.test/, response: json } }
)";
  CHECK(wrong(run(flow, R"(
cases:
  - name: both
    given: [{ webhook: { body: 1 }, times: 2 }]
    stubs: [{ http: POST *, answers: [{ text: no JSON }, { body: [1] }] }]
    expect: { steps: { send: { attempts: 2, outputs: [{ body: [1] }] } } }
)")) == "");
}
