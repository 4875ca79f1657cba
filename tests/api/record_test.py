"""`millrace record`: a flow test made of what happened, which `millrace test` then passes."""
import json
import os
import subprocess
import tempfile
import unittest
import urllib.request

from client import Serve
from running import MILLRACE, Target, until

FLOW = """name: orders
steps:
  - id: form
    trigger: webhook.receive
    config: { path: orders }
  - id: each
    action: message.split
    after: form
    config: { items: body.items }
  - id: small
    action: message.filter
    after: each
    config: { condition: body.n < 10 }
  - id: publish
    action: http.request
    after: small
    input: '{ "sent": body.n }'
    config: { method: POST, url: "${TARGET}/posts" }
    retry: { initial: 100ms, factor: 1, attempts: 3 }
  - id: note
    action: jsonata.transform
    after: publish
    config: { expression: '{ "created": body.id, "status": headers.statusCode }' }
"""


class Record(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-record-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.target = Target()
        self.addCleanup(self.target.__exit__)
        self.served = Serve(os.path.join(self.folder, "data"), {"TARGET": self.target.url})
        self.addCleanup(self.served.__exit__)
        self.client = self.served.client()
        self.http = next(line.split()[1] for line in self.served.lines if line.startswith("http "))
        self.assertEqual(self.client.deploy("orders", FLOW).status, 201)

    def execution(self, body, state):
        request = urllib.request.Request(f"{self.http}/orders", body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            id = json.loads(response.read())["execution"]

        def arrived():
            answer = self.client.get(f"/v1/executions/{id}", check=False)
            return answer.status == 200 and answer.json["state"] == state
        until(arrived, 30, lambda: self.client.get(f"/v1/executions/{id}").body)
        return id

    def test_recorded_executions_are_cases_that_pass_and_fail_when_the_flow_does_another_thing(self):
        done = self.execution('{"items":[{"n":1},{"n":20},{"n":3}]}', "done")
        self.target.status = 503
        refused = self.execution('{"items":[{"n":4}]}', "failed")
        self.target.status = 400
        rejected = self.execution('{"items":[{"n":5}]}', "failed")
        flow = os.path.join(self.folder, "orders.yaml")
        with open(flow, "w", encoding="utf-8") as file:
            file.write(FLOW)
        test = os.path.join(self.folder, "orders.test.json")
        made = subprocess.run([MILLRACE, "record", done, refused, rejected, "--output", test, "--data", self.served.data],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(made.returncode, 0, made.stderr)
        passed = subprocess.run([MILLRACE, "test", flow], capture_output=True, text=True, timeout=60)
        with open(test, encoding="utf-8") as file:
            self.assertEqual(passed.returncode, 0, passed.stdout + passed.stderr + file.read())
        self.assertIn("3 ", passed.stdout)
        with open(flow, "w", encoding="utf-8") as file:
            file.write(FLOW.replace('"sent": body.n', '"sent": body.n + 1').replace("body.n < 10", "body.n < 2"))
        failed = subprocess.run([MILLRACE, "test", flow], capture_output=True, text=True, timeout=60)
        self.assertEqual(failed.returncode, 1, failed.stdout)

    def test_what_is_not_recorded_is_told(self):
        made = subprocess.run([MILLRACE, "record", "none", "--data", self.served.data], capture_output=True, text=True, timeout=60)
        self.assertEqual(made.returncode, 1)
        self.assertIn("nothing is recorded of an execution none", made.stderr)


if __name__ == "__main__":
    unittest.main()
