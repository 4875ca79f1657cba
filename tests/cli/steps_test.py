"""How messages go from step to step: fan-out, join, when, input, filter, split, log and instances, on the real binary."""
import json
import os
import sys
import tempfile
import unittest

from running import Platform, millrace, post, until

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from ledger_target import LedgerTarget  # noqa: E402
from processes import owner_of_port  # noqa: E402

GRAPH = """
name: graph
steps:
  - id: form
    trigger: webhook.receive
    config: { path: graph }
  - id: left
    action: jsonata.transform
    after: form
    config: { expression: '{ "n": body.n, "by": "left" }' }
  - id: right
    action: jsonata.transform
    after: form
    when: body.n > 1
    input: '{ "doubled": body.n * 2 }'
    config: { expression: '{ "n": body.doubled, "by": "right" }' }
  - id: joined
    action: http.request
    after: [left, right]
    config: { method: POST, url: "${TARGET}/joined" }
  - id: odd
    action: message.filter
    after: form
    config: { condition: body.n % 2 = 1 }
  - id: lines
    action: message.split
    after: odd
    config: { items: 'body.lines.{ "line": $ }' }
  - id: note
    action: message.log
    after: lines
    config: { label: noted, expression: body.line }
  - id: each
    action: http.request
    after: note
    config: { method: POST, url: "${TARGET}/lines" }
"""
SHARED = """
name: shared
steps:
  - id: form
    trigger: webhook.receive
    config: { path: shared }
  - id: publish
    action: http.request
    after: form
    instances: 3
    concurrency: 2
    config: { method: POST, url: "${TARGET}/shared" }
"""


class Steps(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-steps-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "data")

    def platform(self, text, target):
        path = os.path.join(self.folder.name, "flow.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return Platform(path, data=self.data, environment={"TARGET": target.url})

    def status(self):
        return json.loads(millrace("status", "--json", "--data", self.data).stdout)

    def test_each_message_goes_every_way_that_is_open_to_it_and_no_other(self):
        with LedgerTarget() as target, self.platform(GRAPH, target) as platform:
            for n in (1, 2, 3):
                self.assertEqual(post(platform.webhook, json.dumps({"n": n, "lines": [f"{n}{letter}" for letter in "abc"]})), 202)
            wanted = [{"n": 1, "by": "left"}, {"n": 2, "by": "left"}, {"n": 3, "by": "left"}, {"n": 4, "by": "right"},
                      {"n": 6, "by": "right"}, *({"line": f"{n}{letter}"} for n in (1, 3) for letter in "abc")]

            def came():
                return sorted(json.dumps(value, sort_keys=True) for _, value in target.ledger)
            until(lambda: len(target.ledger) >= len(wanted), 20, lambda: f"{came()} {platform.errors}")
            until(lambda: self.status()["in_flight"] == 0, 20, self.status)
            self.assertEqual(came(), sorted(json.dumps(value, sort_keys=True) for value in wanted))
            self.assertEqual(len({key for key, _ in target.ledger}), len(wanted), "each message has a key of its own")
            noted = [line for line in platform.errors if "noted" in line]
            self.assertEqual((len(noted), sum('"3c"' in line.replace("\\", "") for line in noted)), (6, 1))
            self.assertEqual(platform.stop(), 0)

    def test_instances_share_a_queue_each_message_once(self):
        workers = set()
        with LedgerTarget(lambda _, port: workers.add(owner_of_port(port, pids))) as target:
            with self.platform(SHARED, target) as platform:
                until(lambda: len(platform.workers) == 3, 20, lambda: platform.lines)
                pids = set(platform.workers.values())
                until(lambda: all(worker["phase"] == "running" for worker in self.status()["workers"]), 20, self.status)
                for n in range(60):
                    self.assertEqual(post(platform.webhook, json.dumps({"n": n})), 202)
                until(lambda: len(target.ledger) >= 60, 20, lambda: f"{target.ledger} {platform.errors}")
                self.assertEqual(platform.stop(), 0)
            self.assertEqual(sorted(value["n"] for _, value in target.ledger), list(range(60)))
            self.assertEqual(workers, pids)


if __name__ == "__main__":
    unittest.main()
