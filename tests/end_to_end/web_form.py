"""The flow under test (form → shape → publish → notify), its real surroundings, and forms sent until they are accepted."""
import http.client
import json
import os
import queue
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path += [os.path.join(ROOT, "tests", "support"), os.path.join(ROOT, "examples", "web-form-to-cms")]

from ledger_target import LedgerTarget  # noqa: E402
from mail_server import MailServer  # noqa: E402
from processes import children, kill, owner_of_port  # noqa: E402,F401

MILLRACE = os.environ.get("MILLRACE", os.path.join(ROOT, "build/release/millrace"))

FLOW = """\
name: web-form-to-cms
steps:
  - id: form
    trigger: webhook.receive
    config: { path: register-interest }
  - id: shape
    action: jsonata.transform
    after: form
    config:
      expression: |
        { "title": "Interest: " & body.company, "number": body.number, "poison": body.poison }
  - id: publish
    action: http.request
    after: shape
    instances: 2
    config: { method: POST, url: "${CMS_URL}/posts", timeout: %(timeout)s }
    retry: { initial: 200ms, factor: 2, max: 2s, attempts: %(attempts)d }
  - id: notify
    action: email.send
    after: publish
    input: |
      { "to": "team@example.com", "subject": "New: " & body.number, "text": "Published as " & body.id }
    config: { smtp: "${SMTP_URL}", from: "millrace@example.com" }
    retry: { initial: 200ms, factor: 2, max: 2s, attempts: 100 }
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class World:
    """A platform that can be killed and started again on the same data folder and port, with target and mailbox."""

    def __init__(self, attempts=100, timeout="2s", on_request=None, flow=FLOW, **where):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-e2e-")
        self.flow = os.path.join(self.folder.name, "flow.yaml")
        with open(self.flow, "w", encoding="utf-8") as file:
            file.write(flow % {"attempts": attempts, "timeout": timeout})
        self.data = os.path.join(self.folder.name, "data")
        self.target = LedgerTarget(on_request, **where)
        self.mails = MailServer(**where)
        self.port = free_port()
        self.platform = None

    def run_command(self):
        """What is started, to stay in the foreground."""
        return [MILLRACE, "run", self.flow, "--data", self.data, "--http", f"127.0.0.1:{self.port}"]

    def start(self):
        """Returns when the platform says "ready"."""
        with open(os.path.join(self.folder.name, "platform.log"), "ab") as log:
            self.platform = subprocess.Popen(
                self.run_command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, "CMS_URL": self.target.url, "SMTP_URL": self.mails.url})
        for line in self.platform.stdout:
            if line.strip() == "ready":
                threading.Thread(target=self._drain, args=(self.platform.stdout,), daemon=True).start()
                return
        raise AssertionError("the platform did not start: " + self.log_end())

    @staticmethod
    def _drain(stream):
        with stream:
            for _ in stream:
                pass

    def log(self):
        with open(os.path.join(self.folder.name, "platform.log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def log_end(self):
        return "\n".join(self.log().splitlines()[-30:])

    def workers(self):
        return children(self.platform.pid)

    def kill_platform(self):
        kill(self.platform.pid)
        self.platform.wait()

    def command(self, *arguments):
        done = subprocess.run([MILLRACE, *arguments, "--data", self.data], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.platform.poll() is None:
            self.platform.terminate()
            try:
                self.platform.wait(30)
            except subprocess.TimeoutExpired:
                self.kill_platform()
        self.mails.close()
        self.target.__exit__()
        self.folder.cleanup()

    def send(self, number, poison=False):
        self.post({"company": f"Company {number}", "number": number, "poison": poison}, f"form-{number}")

    def post(self, form, key, seconds=60):
        """Sends one form until it is answered 2xx; the Idempotency-Key makes the tries one."""
        body = json.dumps(form)
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            try:
                connection.request("POST", "/register-interest", body, headers)
                status = connection.getresponse().status
                if 200 <= status < 300:
                    return
                assert status >= 500, f"form {key} was answered {status}"
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)  # the platform is being started again
            finally:
                connection.close()
        raise AssertionError(f"form {key} was not accepted within {seconds} s")

    def numbers_in_ledger(self):
        return [value["number"] for _, value in self.target.ledger]

    def numbers_in_mailbox(self):
        return [int(mail["Subject"].removeprefix("New: ")) for mail in self.mails.mails]


class Senders:
    """Threads that send the forms whose numbers are put in, each until it is accepted."""

    def __init__(self, world, count):
        self.accepted = []
        self._failures = []
        self._numbers = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._send, args=(world,)) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _send(self, world):
        try:
            while (number := self._numbers.get()) is not None:
                world.send(number)
                self.accepted.append(number)
        except BaseException as failure:  # told by finish()
            self._failures.append(failure)

    def put(self, numbers):
        for number in numbers:
            self._numbers.put(number)

    def are_at_work(self):
        return any(thread.is_alive() for thread in self._threads)

    def no_more(self):
        """They end when all that was put in is accepted."""
        for _ in self._threads:
            self._numbers.put(None)

    def finish(self):
        """Waits for their end; fails if a form was not accepted."""
        for thread in self._threads:
            thread.join()
        assert not self._failures, self._failures


def chance_of_run():
    """What a run chooses its victims with; MILLRACE_SEED repeats the choice."""
    seed = int(os.environ.get("MILLRACE_SEED", random.SystemRandom().randrange(1_000_000)))
    print(f"seed {seed} (MILLRACE_SEED={seed} repeats the choice of victims)", flush=True)
    return random.Random(seed)


def until(condition, seconds, what):
    """Polls a named condition; fails with what `what()` says."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)
