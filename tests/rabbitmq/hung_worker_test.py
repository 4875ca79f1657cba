"""A worker on RabbitMQ that hangs (SIGSTOP) with a message in its hands: the platform hears nothing of it, kills it and starts another,
which gets the message."""
import http.server
import os
import re
import signal
import tempfile
import threading
import unittest

from running import Platform, post, until
from server import Rabbitmq

FLOW = """
name: hung
steps:
  - id: form
    trigger: webhook.receive
    config: { path: form }
  - id: work
    action: http.request
    after: form
    config: { method: POST, url: "${WORK_URL}", timeout: 60s }
"""


class Target:
    """Holds the first request for ever, and answers the others."""

    def __init__(self):
        self.bodies, self.held = [], threading.Event()
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                target.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                if len(target.bodies) == 1:
                    target.held.wait(60)
                    return
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.held.set()
        self.server.shutdown()
        self.server.server_close()


class HungWorker(unittest.TestCase):
    def test_a_worker_that_is_silent_is_replaced_and_its_message_is_worked_on(self):
        rabbitmq, target, folder = Rabbitmq(), Target(), tempfile.TemporaryDirectory(prefix="millrace-hung-")
        for cleanup in (rabbitmq.close, target.close, folder.cleanup):
            self.addCleanup(cleanup)
        flow = os.path.join(folder.name, "flow.yaml")
        with open(flow, "w", encoding="utf-8") as file:
            file.write(FLOW)
        with Platform(flow, data=os.path.join(folder.name, "data"), arguments=("--worker-silence", "2s"),
                      environment={"WORK_URL": target.url, "MILLRACE_AMQP": rabbitmq.url}) as platform:
            def workers():
                return [int(found.group(1)) for line in platform.lines if (found := re.match(r"worker .*work.1 .*pid (\d+)", line))]

            def told():
                return f"{platform.lines} {platform.errors}"
            self.assertEqual(post(platform.webhook, '{"n": 1}'), 202)
            until(lambda: target.bodies, 30, told)
            first = workers()[-1]
            os.kill(first, signal.SIGSTOP)
            until(lambda: len(target.bodies) == 2, 30, told)
            self.assertEqual(target.bodies[0], target.bodies[1])
            self.assertNotEqual(workers()[-1], first)
            self.assertFalse(os.path.exists(f"/proc/{first}"))
            self.assertTrue(any("had lost its connection to the broker" in line for line in platform.errors), told())


if __name__ == "__main__":
    unittest.main()
