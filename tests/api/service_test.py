"""What systemd, a load balancer and an operator want of the service: the unit file, readiness, notifications, another log level."""
import os
import signal
import socket
import subprocess
import tempfile
import unittest

from client import Serve
from running import MILLRACE, Target, post, until

UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packaging/systemd/millrace.service")
FLOW = """name: orders
steps:
  - { id: form, trigger: webhook.receive, config: { path: orders } }
  - { id: publish, action: http.request, after: form, config: { method: POST, url: "${TARGET}/posts" } }
"""


class Service(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "data")

    def verify(self, text):
        """What systemd has to say about a unit."""
        unit = os.path.join(self.folder.name, "millrace.service")
        with open(unit, "w", encoding="utf-8") as file:
            file.write(text)
        try:
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=60)
        except FileNotFoundError:
            self.fail("systemd-analyze is not there: apt-get install systemd")
        return f"exited with {done.returncode}\n" * (done.returncode != 0) + done.stdout + done.stderr

    def test_systemd_takes_the_unit_file(self):
        with open(UNIT, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("ExecStart=/usr/bin/millrace serve", text)
        text = text.replace("/usr/bin/millrace", os.path.abspath(MILLRACE))
        self.assertEqual(self.verify(text), "")
        self.assertIn("ProtectSystm", self.verify(text.replace("ProtectSystem", "ProtectSystm")), "this test can fail")

    def test_it_says_when_it_is_ready_and_when_it_stops(self):
        notices = os.path.join(self.folder.name, "notify")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(notices)
        listener.settimeout(20)
        target = Target(delay=2.0)
        self.addCleanup(target.__exit__)
        with Serve(self.data, {"NOTIFY_SOCKET": notices, "TARGET": target.url}) as served:
            self.assertEqual(listener.recv(100), b"READY=1")
            client = served.client("")
            self.assertEqual(client.get("/readyz").json, {"status": "ready"})
            self.assertEqual(served.client().deploy("orders", FLOW).status, 201)
            webhook = next(line.split()[1] for line in served.lines if line.startswith("http ")) + "/orders"
            self.assertEqual(post(webhook, "{}"), 202)
            until(lambda: target.begun == 1, 20, lambda: served.errors)
            served.process.send_signal(signal.SIGTERM)
            self.assertEqual(listener.recv(100), b"STOPPING=1")
            # The worker finishes what it has in work meanwhile.
            self.assertEqual(client.get("/readyz").status, 503)
            self.assertEqual(client.get("/healthz").json, {"status": "ok"})
            self.assertEqual(served.process.wait(30), 0)
            self.assertEqual(len(target.ledger), 1)

    def test_another_log_level_is_taken_over_on_sighup_and_a_bad_one_is_not(self):
        file = os.path.join(self.folder.name, "millrace.yaml")

        def set_level(level):
            with open(file, "w", encoding="utf-8") as out:
                out.write(f"log_level: {level}\n")

        set_level("error")
        with Serve(self.data, arguments=("--config", file)) as served:
            said = lambda text: [line for line in served.errors if text in line]
            self.assertEqual(said(" info "), [])
            set_level("info")
            served.process.send_signal(signal.SIGHUP)
            until(lambda: said("the configuration was read again log_level=info"), 20, lambda: served.errors)
            set_level("loud")
            served.process.send_signal(signal.SIGHUP)
            until(lambda: said("the configuration cannot be read again"), 20, lambda: served.errors)
            self.assertIn("millrace.yaml:1", said("the configuration cannot be read again")[0])
            self.assertIn("must be debug, info, warning or error", said("the configuration cannot be read again")[0])
            self.assertEqual(served.client().get("/readyz").status, 200, "it goes on")
            self.assertEqual(served.stop(), 0)


if __name__ == "__main__":
    unittest.main()
