"""OpenTelemetry traces end to end: a caller's trace goes through webhook, steps, retries and dead letters to the targets, and a
collector gets all of it as one tree."""
import collections
import http.server
import json
import os
import tempfile
import threading
import unittest

from client import Serve
from collector import Collector
from running import millrace, post, until

FLOW = """name: orders
history: none
steps:
  - { id: form, trigger: webhook.receive, config: { path: orders } }
  - { id: shape, action: shout.tell, after: form }
  - { id: keep, action: message.filter, after: shape, config: { condition: "false" } }
  - { id: lines, action: message.split, after: shape, config: { items: body.lines } }
  - { id: publish, action: http.request, after: lines, config: { method: POST, url: "${TARGET}/posts?secret=1" },
      retry: { initial: 50ms, factor: 1, attempts: 2 }, park: false }
"""
TICK = """name: clock
steps:
  - { id: tick, trigger: timer.tick, config: { every: 1h } }
  - { id: publish, action: http.request, after: tick, config: { method: POST, url: "${TARGET}/posts" } }
"""
SHOP = """name: shop
steps:
  - { id: look, trigger: http.poll, config: { every: 1h, url: "${TARGET}/items", items: body, id: id } }
  - { id: publish, action: http.request, after: look, config: { method: POST, url: "${TARGET}/posts" } }
"""
ASK = """name: ask
steps:
  - { id: form, trigger: webhook.receive, config: { path: ask, wait_for_reply: true } }
  - { id: publish, action: http.request, after: form, config: { method: POST, url: "${TARGET}/posts" }, retry: { initial: 50ms, factor: 1, attempts: 1000 }, park: false }
  - { id: answer, action: http.reply, after: publish, config: { body: "'done'" } }
"""
MILL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../node_components/mill")
GRIND = """name: grind
steps:
  - { id: form, trigger: webhook.receive, config: { path: grind } }
  - { id: grind, action: mill.act, after: form, input: '{ "do": "echo", "n": body.n }', config: { apiKey: key } }
  - { id: publish, action: http.request, after: grind, config: { method: POST, url: "${TARGET}/posts" } }
"""
# A component in another language: it passes on what it was given, with the trace that it was told of.
TELL = """import json, sys
for line in sys.stdin:
    given = json.loads(line)
    told = [given.get("traceparent"), given.get("tracestate")]
    lines = [{**one, "told": told} for one in given["message"]["body"]["lines"]]
    print(json.dumps({"data": {"lines": lines}}), flush=True)
    print(json.dumps({"end": True}), flush=True)
"""
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
STATE = "congo=t61rcWkgMzE"


class Target:
    """Answers as the body's "answers" say, one after another, and writes down what headers came: {n: [(traceparent, tracestate)]},
    and what the component before was told."""

    def __init__(self):
        self.told_before = []
        self.status = 201
        self.told = collections.defaultdict(list)
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer(200, b'[{"id": 1, "n": 11}, {"id": 2, "n": 12}]')

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                target.told_before.append(body.get("told"))
                told = target.told[body.get("n")]
                told.append((self.headers.get("traceparent"), self.headers.get("tracestate")))
                answers = body.get("answers", [])
                self.answer(answers[len(told) - 1] if len(told) <= len(answers) else target.status, b"{}")

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Traces(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(self.folder.cleanup)
        self.target = Target()
        self.addCleanup(self.target.close)
        self.collector = Collector()
        self.addCleanup(self.collector.close)

    def serve(self, environment=None, arguments=()):
        data = os.path.join(self.folder.name, "data")
        component = os.path.join(self.folder.name, "shout")
        os.mkdir(component)
        for name, text in (("tell.py", TELL), ("component.json", json.dumps(
                {"title": "Shout", "command": ["python3", "-u", "tell.py"], "actions": {"tell": {"title": "Tells it"}}}))):
            with open(os.path.join(component, name), "w", encoding="utf-8") as file:
                file.write(text)
        served = Serve(data, {"TARGET": self.target.url, **(environment or {})}, arguments)
        self.addCleanup(served.__exit__)
        added = millrace("component", "add", component, "--data", data)
        self.assertEqual(added.returncode, 0, added.stderr)
        return served

    def deploy(self, served, name, text):
        published = served.client().deploy(name, text)
        self.assertEqual(published.status, 201, published.body)
        return next(line.split()[1] for line in served.lines if line.startswith("http ")) + "/" + name

    def spans(self, trace, count):
        until(lambda: len(self.collector.of(trace)) >= count or self.collector.faults, 30,
              lambda: f"{len(self.collector.of(trace))} of {count} spans: {self.collector.of(trace)}")
        self.assertEqual(self.collector.faults, [])
        self.assertEqual(len(self.collector.of(trace)), count, self.collector.of(trace))
        return self.collector.of(trace)

    def test_one_tree_from_the_caller_to_the_targets(self):
        served = self.serve({"OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url, "OTEL_SERVICE_NAME": "mill",
                             "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20secret"})
        webhook = self.deploy(served, "orders", FLOW)
        order = {"lines": [{"n": 1}, {"n": 2, "answers": [503, 201]}, {"n": 3, "answers": [422]}]}
        self.assertEqual(post(webhook, json.dumps(order), {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": STATE}), 202)
        # SERVER; shape, keep, lines; of the three lines 4 attempts with a request each.
        spans = self.spans(TRACE, 4 + 4 + 4)
        by_step = collections.defaultdict(list)
        for span in spans:
            by_step[span.step, span.kind].append(span)
            self.assertEqual(span.state, STATE)
            self.assertEqual((span.attributes["millrace.flow"], span.attributes["millrace.flow.version"]), ("orders", 1))
        one = lambda step, kind: by_step[step, kind][0]
        form, shape, keep, lines = one("form", "SERVER"), *(one(step, "CONSUMER") for step in ("shape", "keep", "lines"))
        self.assertEqual([form.parent, shape.parent, keep.parent, lines.parent], [CALLER, form.id, shape.id, shape.id])
        self.assertEqual((form.name, form.attributes["http.response.status_code"]), ("POST /orders", 202))
        self.assertEqual([keep.attributes["millrace.outcome"], lines.attributes["millrace.outcome"]], ["filtered", "done"])
        self.assertEqual({span.attributes["millrace.execution.id"] for span in spans if span.kind != "CLIENT"},
                         {form.attributes["millrace.execution.id"]})

        attempts, calls = by_step["publish", "CONSUMER"], by_step["publish", "CLIENT"]
        self.assertEqual([span.parent for span in attempts], [lines.id] * 4)
        tries = collections.defaultdict(list)
        for span in sorted(attempts, key=lambda span: span.attributes["millrace.message.attempt"]):
            tries[span.attributes["messaging.message.id"]].append((span.attributes["millrace.outcome"], span.status.get("code")))
        self.assertCountEqual(tries.values(), [[("done", None)], [("rebound", 2), ("done", None)], [("failed", 2)]])
        self.assertCountEqual([span.parent for span in calls], [span.id for span in attempts])
        failed = next(span for span in attempts if span.attributes["millrace.outcome"] == "failed")
        self.assertEqual(failed.attributes["error.type"], "http.status")
        self.assertIn("422", failed.status["message"])
        self.assertEqual(sorted(span.attributes["http.response.status_code"] for span in calls), [201, 201, 422, 503])
        self.assertEqual({span.attributes["url.full"] for span in calls}, {self.target.url + "/posts"}, "without the query")
        # The targets were told of the calls' own spans.
        told = [pair for pairs in self.target.told.values() for pair in pairs]
        self.assertCountEqual(told, [(f"00-{TRACE}-{span.id}-01", STATE) for span in calls])
        for span in spans:
            above = next((other for other in spans if other.id == span.parent), None)
            self.assertTrue(above is None or above.begin <= span.begin, (above, span))
        self.assertEqual(self.collector.requests[0]["x-key"], "a secret")
        self.assertEqual(self.collector.resources[0]["service.name"], "mill")

        # What is taken back from the dead letters goes on in its trace.
        self.assertEqual(served.client().post("/v1/dead-letters/retry", {"all": True}).json["count"], 1)
        again = self.spans(TRACE, 14)[12:]
        self.assertEqual({span.kind for span in again}, {"CONSUMER", "CLIENT"})
        self.assertEqual([span.parent for span in again if span.kind == "CONSUMER"], [lines.id])

        # A program is told by its worker where it stands.
        self.assertEqual(self.target.told_before, [[f"00-{TRACE}-{shape.id}-01", STATE]] * 5)
        self.assertEqual(served.stop(), 0)

    def test_triggers_of_the_platform_begin_traces_and_a_ratio_says_how_many(self):
        served = self.serve(arguments=("--otlp-endpoint", self.collector.url))
        self.deploy(served, "shop", SHOP)
        self.deploy(served, "clock", TICK)
        self.assertEqual(served.client().post("/v1/flows/clock/run", {}).status, 202)
        roots = lambda: [span for span in self.collector.spans if span.kind == "PRODUCER"]
        until(lambda: len(roots()) == 3 or self.collector.faults, 30, lambda: f"{self.collector.spans}")
        self.assertEqual(len({span.trace for span in roots()}), 3, "each execution has a trace of its own")
        for root in roots():
            self.assertIsNone(root.parent)
            spans = self.spans(root.trace, 3)
            attempt = next(span for span in spans if span.kind == "CONSUMER")
            self.assertEqual(attempt.parent, root.id)
        self.assertCountEqual([span.attributes["millrace.execution.via"] for span in roots()], ["poll", "poll", "run-now"])
        self.assertEqual(served.stop(), 0)

    def test_a_replay_begins_a_trace_of_its_own(self):
        served = self.serve(arguments=("--otlp-endpoint", self.collector.url))
        self.deploy(served, "clock", TICK)
        execution = served.client().post("/v1/flows/clock/run", {}).json["execution"]
        done = lambda: served.client().get(f"/v1/executions/{execution}", check=False)
        until(lambda: done().status == 200 and done().json["state"] == "done", 20, lambda: done().body)
        self.assertEqual(served.client().post("/v1/replays", {"execution": execution, "step": "publish"}).status, 201)
        root = lambda: [span for span in self.collector.spans if span.attributes.get("millrace.execution.via") == "replay"]
        until(root, 20, lambda: self.collector.spans)
        spans = self.spans(root()[0].trace, 3)
        self.assertEqual({span.kind: span.step for span in spans}, {"PRODUCER": "tick", "CONSUMER": "publish", "CLIENT": "publish"})
        self.assertEqual(next(span.parent for span in spans if span.kind == "CONSUMER"), root()[0].id)
        self.assertEqual(served.stop(), 0)

    def test_a_caller_who_waits_is_waited_with_and_a_kill_does_not_break_the_trace(self):
        served = self.serve(arguments=("--otlp-endpoint", self.collector.url))
        webhook = self.deploy(served, "ask", ASK)
        header = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        self.assertEqual(post(webhook, '{"n": 1, "answers": [503, 201]}', header), 200)
        spans = {(span.step, span.attributes.get("millrace.message.attempt")): span for span in self.spans(TRACE, 6) if span.kind != "CLIENT"}
        form, first, second, answer = (spans[key] for key in (("form", None), ("publish", 1), ("publish", 2), ("answer", 1)))
        self.assertEqual([first.parent, second.parent, answer.parent], [form.id, form.id, second.id])
        a_millisecond = 1_000_000  # each span begins by a clock of milliseconds
        self.assertGreater(form.end + a_millisecond, answer.begin)

        self.target.status = 503
        caller = threading.Thread(target=lambda: self.assertRaises(OSError, post, webhook, '{"n": 2}', header))
        caller.start()
        until(lambda: len(self.target.told[2]) >= 2, 20, lambda: self.target.told)
        served.kill()
        caller.join(20)
        before = len(self.target.told[2])
        self.target.status = 201
        served.http = webhook.removeprefix("http://").removesuffix("/ask")
        served.start()
        until(lambda: len(self.target.told[2]) > before, 20, lambda: served.errors)
        self.assertEqual({parent.split("-")[1] for parent, _ in self.target.told[2]}, {TRACE})
        last = lambda: [span for span in self.collector.of(TRACE) if self.target.told[2][-1][0].split("-")[2] == span.id]
        until(last, 20, lambda: self.collector.of(TRACE))
        self.assertEqual(served.stop(), 0)

    def test_a_component_on_the_library_of_elastic_io_carries_the_trace_on(self):
        served = self.serve(arguments=("--otlp-endpoint", self.collector.url))
        added = millrace("component", "add", MILL, "--name", "mill", "--data", served.data)
        self.assertEqual(added.returncode, 0, added.stderr)
        webhook = self.deploy(served, "grind", GRIND)
        self.assertEqual(post(webhook, '{"n": 1}', {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": STATE}), 202)
        spans = {(span.step, span.kind): span for span in self.spans(TRACE, 4)}
        self.assertEqual(spans["grind", "CONSUMER"].parent, spans["form", "SERVER"].id)
        self.assertEqual(spans["grind", "CONSUMER"].attributes["millrace.component"], "mill.act")
        self.assertEqual(spans["publish", "CONSUMER"].parent, spans["grind", "CONSUMER"].id)
        self.assertEqual(dict(self.target.told), {1: [(f"00-{TRACE}-{spans['publish', 'CLIENT'].id}-01", STATE)]})
        self.assertEqual(served.stop(), 0)

    def test_what_is_not_sampled_is_not_recorded_and_goes_on_all_the_same(self):
        served = self.serve(arguments=("--otlp-endpoint", self.collector.url, "--otlp-sample-ratio", "0"))
        webhook = self.deploy(served, "orders", FLOW)
        self.assertEqual(post(webhook, '{"lines": [{"n": 1}]}', {"traceparent": f"00-{TRACE}-{CALLER}-00"}), 202)
        self.assertEqual(post(webhook, '{"lines": [{"n": 2}]}'), 202)
        self.assertEqual(post(webhook, '{"lines": [{"n": 3}]}', {"traceparent": f"00-{TRACE}-{CALLER}-01"}), 202)
        until(lambda: len(self.target.told) == 3, 20, lambda: self.target.told)
        self.spans(TRACE, 6)
        self.assertEqual({span.trace for span in self.collector.spans}, {TRACE})
        self.assertRegex(self.target.told[1][0][0], f"^00-{TRACE}-[0-9a-f]{{16}}-00$")
        self.assertRegex(self.target.told[2][0][0], "^00-[0-9a-f]{32}-[0-9a-f]{16}-00$")
        self.assertEqual(served.stop(), 0)

    def test_without_a_collector_a_trace_passes_through_untouched(self):
        served = self.serve()
        webhook = self.deploy(served, "orders", FLOW)
        header = f"00-{TRACE}-{CALLER}-01"
        self.assertEqual(post(webhook, '{"lines": [{"n": 1}]}', {"traceparent": header, "tracestate": STATE}), 202)
        self.assertEqual(post(webhook, '{"lines": [{"n": 2}]}', {"traceparent": header.upper()}), 202)
        until(lambda: len(self.target.told) == 2, 20, lambda: self.target.told)
        self.assertEqual(dict(self.target.told), {1: [(header, STATE)], 2: [(None, None)]})
        self.assertNotIn("millrace_trace", served.client().get("/metrics").body.decode())
        self.assertEqual(served.stop(), 0)

    def test_a_collector_that_is_away_harms_nobody_and_gets_what_it_missed(self):
        port = self.collector.port
        self.collector.close()
        served = self.serve(arguments=("--otlp-endpoint", f"http://127.0.0.1:{port}"))
        webhook = self.deploy(served, "orders", FLOW)
        self.assertEqual(post(webhook, '{"lines": [{"n": 1}]}', {"traceparent": f"00-{TRACE}-{CALLER}-01"}), 202)
        until(lambda: len(self.target.told) == 1, 20, lambda: self.target.told)
        lines = lambda text: [line for line in served.errors if text in line]
        metric = lambda name: next(float(line.split()[1]) for line in served.client().get("/metrics").body.decode().splitlines()
                                   if line.startswith(f"millrace_trace_{name} "))
        until(lambda: metric("export_failures_total") >= 2, 20, lambda: served.errors)
        self.assertEqual(len(lines("traces do not reach the collector")), 1, served.errors)
        self.collector = Collector(port)
        self.addCleanup(self.collector.close)
        self.spans(TRACE, 6)
        until(lambda: lines("traces reach the collector again"), 20, lambda: served.errors)
        until(lambda: metric("spans_exported_total") == 6, 20, lambda: served.errors)
        self.assertEqual(metric("spans_dropped_total"), 0)
        self.assertEqual(served.stop(), 0)

    def test_settings_are_checked_and_keys_are_not_shown(self):
        shown = millrace("config", "show", "--otlp-headers", "x-key=secret", "--otlp-endpoint", "http://127.0.0.1:4318")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("[not shown]", shown.stdout)
        self.assertNotIn("secret", shown.stdout)
        for flag, value, words in (("--otlp-endpoint", "127.0.0.1:4318", "http:// or https://"), ("--otlp-sample-ratio", "2", "from 0 to 1"),
                                   ("--otlp-headers", "secret", "name=value")):
            refused = millrace("config", "show", flag, value)
            self.assertEqual(refused.returncode, 2, refused.stdout)
            self.assertIn(words, refused.stderr)
            self.assertNotIn('"secret"', refused.stderr)


if __name__ == "__main__":
    unittest.main()
