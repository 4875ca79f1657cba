"""A `millrace run` under test, and an HTTP target that writes down what it gets."""
import http.server
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request
from urllib.parse import urlsplit

MILLRACE = os.environ.get("MILLRACE", "build/release/millrace")


def millrace(*arguments, **options):
    """Runs a command to its end."""
    return subprocess.run([MILLRACE, *arguments], capture_output=True, text=True, timeout=60, **options)


class Platform:
    """`millrace run` in the background, from "ready" on."""

    def __init__(self, *flows, data, environment=None, arguments=(), wait="ready", user=None):
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [MILLRACE, "run", *flows, "--data", data, "--http", "127.0.0.1:0", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, user=user,
            env={**os.environ, **(environment or {})})
        self.lines = []
        self.errors = []
        self._threads = [threading.Thread(target=self._read, args=pair, daemon=True)
                         for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        for thread in self._threads:
            thread.start()
        self.wait_for_line(wait)

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def wait_for_line(self, text, seconds=30):
        """Waits until stdout or stderr has a line with `text`."""
        def seen():
            return any(text in line for line in self.lines + self.errors)
        until(seen, seconds, lambda: f"no line with {text!r} in {self.lines} {self.errors}",
              give_up=lambda: self.process.poll() is not None and not seen())

    @property
    def webhook(self):
        return next(re.search(r"http://\S+", line).group() for line in self.lines if line.startswith("webhook"))

    @property
    def address(self):
        """Host and port of its webhooks."""
        url = urlsplit(self.webhook)
        return url.hostname, url.port

    @property
    def workers(self):
        """{name: pid}, the latest of each."""
        found = {}
        for line in self.lines:
            match = re.match(r"worker +(\S+) +pid (\d+)", line)
            if match:
                found[match.group(1)] = int(match.group(2))
        return found

    def stop(self, number=signal.SIGTERM, seconds=30):
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        for thread in self._threads:
            thread.join(10)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Kills it if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for thread in self._threads:
            thread.join(10)
        self.process.stdout.close()
        self.process.stderr.close()


class OnePlatform(unittest.TestCase):
    """Tests that share one platform, which must stop in order after them."""

    @classmethod
    def flows(cls):
        """The flows by name, and the environment: {name: text}, {name: value}. Makes what they need, in `folder`."""
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="millrace-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.data = os.path.join(cls.folder, "data")
        flows, environment = cls.flows()
        cls.files = []
        for name, text in flows.items():
            cls.files.append(os.path.join(cls.folder, name + ".yaml"))
            with open(cls.files[-1], "w", encoding="utf-8") as file:
                file.write(text)
        cls.platform = Platform(*cls.files, data=cls.data, environment=environment)
        cls.addClassCleanup(cls.platform.__exit__)
        cls.address = cls.platform.address

    @classmethod
    def tearDownClass(cls):
        assert cls.platform.stop() == 0, cls.platform.errors


class Target:
    """An HTTP server that keeps a ledger: (Idempotency-Key, body) of each request it has answered with 2xx."""

    def __init__(self, delay=0.0, status=201):
        self.ledger = []
        self.begun = 0  # requests that have come in
        self.delay = delay
        self.status = status
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                target.begun += 1
                if target.delay:
                    time.sleep(target.delay)
                if 200 <= target.status < 300:
                    target.ledger.append((self.headers.get("Idempotency-Key"), body.decode()))
                answer = b'{"id": "42"}'
                try:
                    self.send_response(target.status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    pass  # the worker was killed meanwhile

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # a worker that was killed, with its connection

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def post(url, body, headers=None):
    """Status of a POST of JSON text."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def until(condition, seconds, complaint, give_up=lambda: False):
    """Polls for a named condition."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end or give_up():
            raise AssertionError(complaint())
        time.sleep(0.01)
