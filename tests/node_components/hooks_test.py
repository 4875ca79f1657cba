"""Startup and shutdown hooks of a trigger on elastic.io's unmodified library: a service that it subscribes to when its flow
starts, and leaves when it stops, is replaced or deleted, also when the platform is killed in between."""
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import unittest

from client import Serve
from running import MILLRACE, millrace, post, until

HERE = os.path.dirname(os.path.abspath(__file__))
SHOWN = int(os.environ.get("SHOWN", "10"))
KEY = "the-key-of-the-service"
FLOW = """name: calls
steps:
  - id: calls
    trigger: mill.subscribe
    config: { path: %(path)s, service: "%(service)s" }
    credential: service
  - { id: write, action: message.log, after: calls }
"""


class Service:
    """Subscriptions that are made and deleted; `said` is what happened, in order."""

    def __init__(self):
        self.said = []
        self.made = 0
        self.refuses = 0  # how many deletions it still refuses
        self.holds = None  # deletions wait for this event
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body):
                text = json.dumps(body).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
                except OSError:
                    pass  # who asked was killed

            def refused(self):
                """Who does not show the key that the credential has."""
                if self.headers["X-Key"] == KEY:
                    return False
                service.said.append("wrong key")
                self.answer(403, {})
                return True

            def do_POST(self):
                if self.refused():
                    return
                service.made += 1
                service.said.append(f"made {service.made}")
                self.answer(201, {"id": service.made})

            def do_DELETE(self):
                if self.refused():
                    return
                number = self.path.rsplit("/", 1)[1]
                if service.holds:
                    service.said.append(f"holds {number}")
                    service.holds.wait(60)
                if service.refuses > 0:
                    service.refuses -= 1
                    service.said.append(f"refused {number}")
                    return self.answer(500, {})
                service.said.append(f"deleted {number}")
                return self.answer(200, {})

            def handle(self):
                try:
                    super().handle()
                except ConnectionResetError:
                    pass  # a hook that was killed

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Hooks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="millrace-hooks-")
        self.addCleanup(shutil.rmtree, folder)
        self.service = Service()
        self.addCleanup(self.service.close)
        data = os.path.join(folder, "data")
        added = millrace("component", "add", os.path.join(HERE, "mill"), "--name", "mill", "--data", data)
        self.assertEqual(added.returncode, 0, added.stderr)
        subprocess.run([MILLRACE, "credential", "set", "service", "--type", "component", "--component", "mill", "--data", data],
                       input=KEY, text=True, check=True, timeout=60, capture_output=True)
        self.served = Serve(data, arguments=["--log-level", os.environ.get("LEVEL", "info")])
        self.addCleanup(self.served.__exit__)

    def text(self, path="calls", service=None):
        return FLOW % {"path": path, "service": service or self.service.url}

    def deploy(self, path="calls", service=None):
        answer = self.served.client().deploy("calls", self.text(path, service))
        self.assertEqual(answer.status, 201, answer.body)

    def act(self, action):
        answer = self.served.client().post(f"/v1/flows/calls/{action}")
        self.assertLess(answer.status, 300, answer.body)

    def expect(self, *said, seconds=60):
        until(lambda: len(self.service.said) >= len(said), seconds,
              lambda: f"{self.service.said} instead of {said}: {self.served.errors[-SHOWN:]}")
        self.assertEqual(self.service.said, list(said))

    def test_a_subscription_lives_as_long_as_its_flow_runs(self):
        self.deploy()
        self.expect("made 1")  # before anybody has called
        self.assertEqual(post(f"http://{self.address()}/calls", '{"n": 1}'), 202)
        until(lambda: any('{"n":1}' in line.replace("\\", "") for line in self.served.lines + self.served.errors), 30,
              lambda: f"no message: {self.served.errors}")

        self.served.kill()
        self.served.start()
        self.act("stop")
        self.expect("made 1", "deleted 1")
        until(lambda: any("unsubscribed 1" in line for line in self.served.lines + self.served.errors), 10,
              lambda: f"the hook's own words are missing: {self.served.errors}")

        self.act("start")
        self.expect("made 1", "deleted 1", "made 2")
        self.act("suspend")
        self.act("resume")
        self.deploy(path="other")  # the one before first ends its own
        self.expect("made 1", "deleted 1", "made 2", "deleted 2", "made 3")

        self.assertEqual(self.served.client().ask("DELETE", "/v1/flows/calls", If_Match="*").status, 202)
        self.expect("made 1", "deleted 1", "made 2", "deleted 2", "made 3", "deleted 3")
        until(lambda: self.served.client().get("/v1/flows/calls").status == 404, 30, lambda: "the flow is still there")

    def test_a_hook_that_fails_or_is_killed_runs_again_and_is_given_up_in_the_end(self):
        self.deploy()
        self.expect("made 1")
        self.service.holds = threading.Event()
        self.act("stop")
        self.expect("made 1", "holds 1")
        self.served.kill()
        self.service.holds.set()
        self.service.holds = None
        until(lambda: self.service.said[-1] == "deleted 1", 10, lambda: f"{self.service.said}")
        self.service.refuses = 1
        self.served.start()
        self.expect("made 1", "holds 1", "deleted 1", "refused 1", "deleted 1")

        self.service.refuses = 99
        self.act("start")
        until(lambda: self.service.said[-1] == "made 2", 30, lambda: f"{self.service.said}")
        self.act("stop")
        until(lambda: any("given up" in line and '{"id":2}' in line.replace("\\", "") for line in self.served.errors), 60,
              lambda: f"it is never given up: {self.service.said} {self.served.errors[-SHOWN:]}")
        self.assertEqual(self.service.said.count("refused 2"), 5)

    def test_a_startup_that_fails_is_shown_on_the_step_and_tried_again(self):
        self.deploy(service="http://127.0.0.1:1")
        until(lambda: any("fetch failed" in line for line in self.served.errors), 30, lambda: f"{self.served.errors}")
        workers = self.served.client().get("/v1/workers").json["items"]
        self.assertIn("calls", [worker["step"] for worker in workers])
        self.deploy()  # nothing was started, so nothing is to be shut down
        self.expect("made 1")

    def address(self):
        return next(line.split()[1].removeprefix("http://") for line in self.served.lines if line.startswith("http "))


if __name__ == "__main__":
    unittest.main()
