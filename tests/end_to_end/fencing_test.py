"""A worker is stopped (SIGSTOP) with a message in its hands, its message goes to another, and it wakes: nothing takes effect twice."""
import http.server
import os
import signal
import sys
import tempfile
import threading
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from running import Platform, post, until  # noqa: E402

FLOW = """
name: fenced
steps:
  - id: form
    trigger: webhook.receive
    config: { path: form }
  - id: work
    action: http.request
    after: form
    instances: 2
    config: { method: POST, url: "${WORK_URL}", timeout: 60s }
  - id: effect
    action: http.request
    after: work
    config: { method: POST, url: "${EFFECT_URL}" }
"""


class HeldTarget:
    """Answers `work` when it is told to, `effect` at once, and counts both."""

    def __init__(self):
        self.workers, self.effects = [], []  # the ports that `work` was asked from; the bodies that came as `effect`
        self.answers = threading.Semaphore(0)
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path == "/work":
                    target.workers.append(self.client_address[1])
                    target.answers.acquire()
                else:
                    target.effects.append(body)
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")
                except OSError:
                    pass  # nobody waits for it any more

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Fencing(unittest.TestCase):
    def test_a_worker_that_wakes_after_its_message_went_to_another_changes_nothing(self):
        target = HeldTarget()
        self.addCleanup(target.server.server_close)
        self.addCleanup(target.server.shutdown)
        with tempfile.TemporaryDirectory(prefix="millrace-fencing-") as folder:
            flow = os.path.join(folder, "flow.yaml")
            with open(flow, "w", encoding="utf-8") as file:
                file.write(FLOW)
            environment = {"WORK_URL": target.url + "/work", "EFFECT_URL": target.url + "/effect"}
            with Platform(flow, data=os.path.join(folder, "data"), environment=environment,
                          arguments=("--worker-silence", "2500ms", "--log-level", "debug")) as platform:
                self.play(platform, target)
                self.assertEqual(platform.stop(), 0, platform.errors)

    def play(self, platform, target):
        post(platform.webhook, '{"n": 1}')
        until(lambda: target.workers, 20, lambda: "nobody works")
        name, stopped = next((name, pid) for name, pid in platform.workers.items() if owns(pid, target.workers[0]))
        os.kill(stopped, signal.SIGSTOP)
        # It is silent for too long: its connection is closed, and the other instance gets the message.
        until(lambda: len(target.workers) == 2, 20, lambda: f"no other took it {platform.errors[-20:]}")
        self.assertFalse(owns(stopped, target.workers[1]))
        os.kill(stopped, signal.SIGCONT)
        for _ in range(2):
            target.answers.release()  # both have their answer, and both would commit
        until(lambda: platform.workers[name] != stopped, 20, lambda: f"it was not replaced {platform.errors[-20:]}")
        until(lambda: target.effects, 20, lambda: f"no effect {platform.errors[-20:]}")
        post(platform.webhook, '{"n": 2}')
        target.answers.release()
        until(lambda: len(target.effects) > 1, 20, lambda: f"the second form had none {platform.errors[-20:]}")
        self.assertEqual(len(target.effects), 2, "one form had two effects")
        self.assertEqual(len(target.workers), 3)


def owns(pid, port):
    """Whether the process has the socket that is bound to this port of 127.0.0.1."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if row[1] == f"0100007F:{port:04X}"}
    folder = f"/proc/{pid}/fd"
    return any(os.readlink(os.path.join(folder, name)) in inodes for name in os.listdir(folder))


if __name__ == "__main__":
    unittest.main(verbosity=2)
