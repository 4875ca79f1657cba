"""Metrics of flows: the books of each step balance, also while messages fail, wait for another try, and are dropped."""
import json
import os
import tempfile
import unittest

from prometheus_client.parser import text_string_to_metric_families

from client import Serve
from running import Target, post, until

FLOW = """name: orders
steps:
  - { id: form, trigger: webhook.receive, config: { path: orders } }
  - { id: check, action: jsonata.transform, after: form, config: { expression: "body.n < 0 ? $error('less than nothing') : body" } }
  - { id: even, action: message.filter, after: check, config: { condition: "body.n % 2 = 0" } }
  - { id: publish, action: http.request, after: even, config: { method: POST, url: "${TARGET}/posts" }, retry: { initial: 100ms, factor: 1, attempts: 1000 }, park: false }
"""
PARTS = ("finished_total", "removed_total", "waiting", "in_work", "retrying")


class Metrics(unittest.TestCase):
    def test_what_a_step_has_taken_in_is_somewhere(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(folder.cleanup)
        target = Target(status=503)
        self.addCleanup(target.__exit__)
        served = Serve(os.path.join(folder.name, "data"), {"TARGET": target.url})
        self.addCleanup(served.__exit__)
        client = served.client()
        self.assertEqual(client.deploy("orders", FLOW).status, 201)
        webhook = next(line.split()[1] for line in served.lines if line.startswith("http ")) + "/orders"

        def samples():
            text = client.get("/metrics").body.decode()
            found = {}
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    found[(sample.name, sample.labels.get("step"))] = sample.value
            return found

        def balanced():
            """What each step has taken in, each time that the books were looked at found balanced."""
            now = samples()
            for step in ("check", "even", "publish"):
                parts = {part: now[(f"millrace_step_messages_{part}", step)] for part in PARTS}
                self.assertEqual(now[("millrace_step_messages_taken_total", step)], sum(parts.values()), (step, parts))
            return now

        for n in [*range(20), -1, -2, -3]:
            self.assertEqual(post(webhook, json.dumps({"n": n})), 202)
            balanced()
        part = lambda name, step: balanced()[(f"millrace_step_messages_{name}", step)]
        until(lambda: part("taken_total", "publish") == 10, 20, balanced)
        self.assertEqual(part("taken_total", "check"), 23)
        self.assertEqual(part("finished_total", "check"), 23)
        self.assertEqual(part("finished_total", "even"), 20)
        until(lambda: balanced()[("millrace_step_rebounds_total", "publish")] > 20, 20, balanced)
        self.assertEqual(part("finished_total", "publish"), 0, "what is tried again is not finished")
        now = balanced()
        self.assertEqual(now[("millrace_flow_dead_letters", None)], 3)
        self.assertEqual(now[("millrace_executions_accepted_total", None)], 23)
        self.assertGreaterEqual(now[("millrace_step_oldest_message_age_seconds", "publish")], 0)
        target.status = 201
        until(lambda: part("finished_total", "publish") == 10, 20, balanced)
        self.assertEqual((part("retrying", "publish"), part("removed_total", "publish")), (0, 0))
        self.assertEqual(client.post("/v1/dead-letters/drop", {"all": True}).json["count"], 3)
        now = balanced()
        self.assertEqual((now[("millrace_flow_dead_letters", None)], now[("millrace_flow_dead_letters_total", None)]), (0, 3))
        self.assertEqual(served.stop(), 0)


if __name__ == "__main__":
    unittest.main()
