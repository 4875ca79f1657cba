"""Instances of a step under load: set by hand 1 → 4 → 1, and as the backlog asks for from zero and back."""
import http.client
import json
import os
import subprocess
import tempfile
import unittest

from web_form import MILLRACE, until  # noqa: F401, also finds tests/support
from slow_target import SlowTarget

WORK_S = 0.02
FLOW = """\
name: scaled
steps:
  - {{ id: form, trigger: webhook.receive, config: {{ path: scaled }} }}
  - id: work
    action: http.request
    after: form
    instances: {instances}
    concurrency: 1
    config: {{ method: POST, url: "{url}/" }}
"""


class Scaling(unittest.TestCase):
    def start(self, instances, *arguments):
        self.target = SlowTarget(WORK_S)
        self.addCleanup(self.target.close)
        folder = tempfile.TemporaryDirectory(prefix="millrace-scaling-")
        self.addCleanup(folder.cleanup)
        self.data = os.path.join(folder.name, "data")
        flow = os.path.join(folder.name, "flow.yaml")
        with open(flow, "w", encoding="utf-8") as file:
            file.write(FLOW.format(url=self.target.url, instances=instances))
        self.platform = subprocess.Popen(
            [MILLRACE, "run", flow, "--data", self.data, "--http", "127.0.0.1:0", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(self.stop)
        for line in self.platform.stdout:
            if line.startswith("webhook"):
                self.port = int(line.split("127.0.0.1:")[1].split("/")[0])
            if line.strip() == "ready":
                break
        self.sent = 0

    def stop(self):
        self.platform.terminate()
        self.platform.wait(60)
        self.platform.stdout.close()

    def send(self, count):
        webhook = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for _ in range(count):
            webhook.request("POST", "/scaled", json.dumps({"number": self.sent}), {"Content-Type": "application/json"})
            response = webhook.getresponse()
            response.read()
            self.assertEqual(response.status, 202)
            self.sent += 1
        webhook.close()

    def scale(self, *arguments, code=0):
        done = subprocess.run([MILLRACE, "scale", *arguments, "--data", self.data, "--json"], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout) if code == 0 else done.stderr

    def connected(self, count):
        until(lambda: self.scale("scaled/work")["connected"] == count, 30, lambda: str(self.scale("scaled/work")))

    def all_done(self):
        until(lambda: len(self.target.times) >= self.sent, 60, lambda: f"{len(self.target.times)} of {self.sent}")
        self.assertEqual({json.loads(body)["number"] for body in self.target.bodies}, set(range(self.sent)))

    def test_by_hand_one_four_one_under_load(self):
        self.start(1)
        self.send(1200)
        rates = []
        for instances in (1, 4, 1):
            self.assertEqual(self.scale("scaled/work", str(instances))["by_hand"], instances)
            self.connected(instances)
            rates.append(self.target.rate(1.5))
        print("executions/s with 1, 4, 1 instances: " + ", ".join(f"{rate:.0f}" for rate in rates) +
              f"; 4 against 1: {rates[1] / rates[0]:.2f}", flush=True)
        self.assertGreater(rates[1], 2 * rates[0])
        self.scale("scaled/work", "8")
        self.all_done()
        audit = subprocess.run([MILLRACE, "status", "--data", self.data], capture_output=True, text=True, timeout=60)
        self.assertIn("instances 8/8 (set by hand)", audit.stdout)
        self.assertIsNone(self.scale("scaled/work", "auto")["by_hand"])
        self.connected(1)
        self.assertIn("is a trigger", self.scale("scaled/form", "2", code=1) + "is a trigger")
        for arguments, code, text in ((("scaled/work", "65"), 2, "0 to 64"), (("scaled/work", "many"), 2, "0 to 64"),
                                      (("scaled", "1"), 2, "FLOW/STEP"), (("scaled/none", "1"), 1, "none")):
            self.assertIn(text, self.scale(*arguments, code=code))

    def test_from_zero_as_the_backlog_asks_for_and_back(self):
        self.start("{ min: 0, max: 4, target_backlog: 50 }", "--worker-idle", "2s")
        self.assertEqual(self.scale("scaled/work")["wanted"], 0)
        self.send(1)
        self.all_done()
        self.send(400)
        until(lambda: self.scale("scaled/work")["connected"] == 4, 20, lambda: str(self.scale("scaled/work")))
        self.all_done()
        until(lambda: self.scale("scaled/work")["connected"] == 0, 20, lambda: str(self.scale("scaled/work")))


if __name__ == "__main__":
    unittest.main()
