"""The books of a flow: accepted = done + filtered + dead + dropped + in flight, each time that one looks, while messages are filtered, split, given up,
tried again, purged, dropped and sent twice, while a version drains, through a kill, and until the flow is deleted."""
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import unittest

from prometheus_client.parser import text_string_to_metric_families

from client import Serve
from running import MILLRACE, Target, post, until

FLOW = """name: orders
history: none
steps:
  - { id: form, trigger: webhook.receive, config: { path: orders } }
  - { id: check, action: jsonata.transform, after: form, config: { expression: "body.bad ? $error('bad') : body" } }
  - { id: each, action: message.split, after: check, config: { items: body.lines } }
  - { id: odd, action: message.filter, after: each, config: { condition: "body.n % 2 = 1" } }
  - { id: publish, action: http.request, after: odd, config: { method: POST, url: "${TARGET}/posts" }, retry: { initial: 200ms, factor: 1, attempts: 1000 }, park: false }
  - { id: note, action: message.log, after: each, when: "body.n > 8", config: { label: VERSION } }
"""
PARTS = ("done", "filtered", "dead", "dropped", "in_flight")


class Books(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(folder.cleanup)
        self.target = Target(status=503)
        self.addCleanup(self.target.__exit__)
        self.served = Serve(os.path.join(folder.name, "data"), {"TARGET": self.target.url})
        self.addCleanup(self.served.__exit__)
        self.client = self.served.client()

    def balance(self):
        """As status and metrics tell it; that it balances, and that nothing in it is negative, is checked each time."""
        status = self.client.get("/v1/status").json
        flow = next(flow for flow in status["flows"] if flow["name"] == "orders")
        balance = flow["balance"]
        self.assertEqual(balance["accepted"], sum(balance[part] for part in PARTS), balance)
        self.assertTrue(all(value >= 0 for value in balance.values()), balance)
        self.assertEqual(status["balance"], balance, "there is one flow")
        text = self.client.get("/metrics").body.decode()
        metrics = {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples
                   if sample.name.startswith("millrace_flow_messages_") and sample.labels == {"flow": "orders"}}
        counted = {name.removeprefix("millrace_flow_messages_").removesuffix("_total"): value for name, value in metrics.items()}
        self.assertEqual(counted["accepted"], sum(counted[part] for part in PARTS), counted)
        for growing in ("accepted", "done", "filtered", "dropped"):
            self.assertGreaterEqual(counted[growing], self.before.get(growing, 0), "a counter does not go back")
        self.before = counted
        return balance

    def expect(self, **parts):
        """Until these are the parts; all that are not named are 0."""
        wanted = {"accepted": sum(parts.values()), **dict.fromkeys(PARTS, 0), **parts}
        until(lambda: self.balance() == wanted, 20, lambda: f"wanted {wanted}, is {self.balance()}")

    def send(self, body, **headers):
        webhook = next(line.split()[1] for line in self.served.lines if line.startswith("http ")) + "/orders"
        self.assertEqual(post(webhook, json.dumps(body), headers), 202)

    def test_accepted_is_somewhere_whatever_happens(self):
        self.before = {}
        self.assertEqual(self.client.deploy("orders", FLOW.replace("VERSION", "one")).status, 201)
        self.expect()
        # Ten lines to two branches: twenty messages. Five are even and two are noted; the target takes none.
        self.send({"lines": [{"n": n} for n in range(1, 11)]})
        self.expect(filtered=5 + 8, done=2, in_flight=5)
        # An empty list goes no further, a bad one is a dead letter, and what comes twice comes once.
        self.send({"lines": []})
        self.send({"bad": True})
        for _ in range(3):
            self.send({"lines": [{"n": 2}]}, **{"Idempotency-Key": "same"})
        self.expect(filtered=13 + 1 + 2, done=2, dead=1, in_flight=5)
        # A dead letter that is retried fails again; one that is dropped is dropped.
        letters = lambda: len(self.client.get("/v1/dead-letters").json["items"])  # a moment later than the books: once synced
        until(lambda: letters() == 1, 20, letters)
        self.assertEqual(self.client.post("/v1/dead-letters/retry", {"all": True}).json["count"], 1)
        self.expect(filtered=16, done=2, dead=1, in_flight=5)
        until(lambda: letters() == 1, 20, letters)
        self.assertEqual(self.client.post("/v1/dead-letters/drop", {"all": True}).json["count"], 1)
        self.expect(filtered=16, done=2, dropped=1, in_flight=5)
        # A new version; the old one drains, once its target takes messages, and its queues go.
        self.assertEqual(self.client.deploy("orders", FLOW.replace("VERSION", "two")).status, 201)
        self.send({"lines": [{"n": 10}]})
        self.expect(filtered=17, done=3, dropped=1, in_flight=5)
        self.target.status = 201
        self.expect(filtered=17, done=8, dropped=1)
        versions = lambda: next(flow for flow in self.client.get("/v1/status").json["flows"])["versions"]
        until(lambda: len(versions()) == 1, 20, versions)
        self.expect(filtered=17, done=8, dropped=1)
        # What waits is purged: three that have been tried, two that came while nobody worked.
        self.target.status = 503
        self.send({"lines": [{"n": n} for n in (1, 3, 5)]})
        self.expect(filtered=20, done=8, dropped=1, in_flight=3)
        self.assertEqual(self.client.post("/v1/flows/orders/suspend").status, 200)
        at_work = lambda: [worker["name"] for worker in self.client.get("/v1/workers").json["items"] if worker["pid"]]
        until(lambda: not at_work(), 20, at_work)
        self.send({"bad": True})
        self.send({"lines": []})
        at_rest = lambda: {queue["name"]: (queue["ready"], queue["unsettled"]) for queue in self.client.get("/v1/broker/queues").json["queues"]}
        until(lambda: (at_rest()["orders@2.publish"], at_rest()["orders@2.check"]) == ((3, 0), (2, 0)), 20, at_rest)
        for step in ("publish", "check"):
            self.assertEqual(self.client.post(f"/v1/broker/purge?queue=orders@2.{step}").status, 200)
        self.expect(filtered=20, done=8, dropped=6)
        # Killed with messages in flight and a dead letter there: the books begin anew with these.
        self.assertEqual(self.client.post("/v1/flows/orders/resume").status, 200)
        self.send({"bad": True})
        self.send({"lines": [{"n": 7}, {"n": 11}]})
        self.expect(filtered=21, done=9, dead=1, dropped=6, in_flight=2)
        # What the books say is what was handled, a moment before it is synced; this is answered when it is.
        self.assertEqual(self.client.post("/v1/broker/purge?queue=orders@2.check").status, 200)
        self.served.kill()
        self.before = {}
        self.served.start()
        self.client = self.served.client()
        self.expect(dead=1, in_flight=2)
        shown = subprocess.run([MILLRACE, "status", "--data", self.served.data], capture_output=True, text=True, check=True).stdout
        self.assertIn("messages accepted 3 = done 0 + filtered 0 + dead 1 + dropped 0 + in flight 2", shown)
        self.target.status = 201
        self.expect(dead=1, done=2)
        # A deleted flow has no books.
        self.assertEqual(self.client.ask("DELETE", "/v1/flows/orders?discard=true").status, 202)
        flows = lambda: self.client.get("/v1/status").json["flows"]
        until(lambda: flows() == [], 20, flows)
        self.assertEqual(set(self.client.get("/v1/status").json["balance"].values()), {0})
        self.assertNotIn('{flow="orders"', self.client.get("/metrics").body.decode())
        self.assertEqual(self.served.stop(), 0)

    def test_they_balance_while_workers_are_killed(self):
        self.before = {}
        self.target.status = 201
        self.assertEqual(self.client.deploy("orders", FLOW.replace("VERSION", "one")).status, 201)
        for n in range(60):
            self.send({"lines": [{"n": line} for line in range(1, 11)]})
            workers = [worker["pid"] for worker in self.client.get("/v1/workers").json["items"] if worker["pid"]]
            if n % 3 == 0 and workers:
                with contextlib.suppress(ProcessLookupError):  # it is dead already, and not replaced yet
                    os.kill(workers[n // 3 % len(workers)], signal.SIGKILL)
            self.balance()
        # Of each ten lines five are odd and published, two are noted; the rest is filtered. Nothing is counted twice.
        self.expect(filtered=60 * 13, done=60 * 7)
        self.assertEqual(self.served.stop(), 0)


if __name__ == "__main__":
    unittest.main()
