"""Flow files that change between two starts on the same data folder."""
import json
import os
import pty
import re
import subprocess
import tempfile
import threading
import unittest

from running import MILLRACE, Platform, Target, millrace, post, until

FORM = """
name: orders
steps:
  - id: form
    trigger: webhook.receive
    config: { path: orders }
"""
FIRST = """
  - id: first
    action: jsonata.transform
    after: form
    config: { expression: '{ "n": body.n, "by": "first" }' }
"""


def publish(after, attempts=100):
    return f"""
  - id: publish
    action: http.request
    after: {after}
    config: {{ method: POST, url: "${{TARGET}}/posts" }}
    retry: {{ initial: 60s, attempts: {attempts} }}
"""


class Edit(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-edit-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "data")

    def flow(self, text, name="flow.yaml"):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def platform(self, target, text):
        return Platform(self.flow(text), data=self.data, environment={"TARGET": target.url})

    def status(self):
        return json.loads(millrace("status", "--json", "--data", self.data).stdout)

    def test_a_step_whose_after_has_changed_gets_messages_by_the_new_way_only(self):
        with Target() as target:
            with self.platform(target, FORM + publish("form")) as platform:
                post(platform.webhook, '{"n": 1}')
                until(lambda: len(target.ledger) == 1, 10, lambda: target.ledger)
                self.assertEqual(platform.stop(), 0)
            with self.platform(target, FORM + FIRST + publish("first")) as platform:
                post(platform.webhook, '{"n": 2}')
                until(lambda: len(target.ledger) >= 2, 10, lambda: target.ledger)
                until(lambda: self.status()["in_flight"] == 0, 10, self.status)
                self.assertEqual([json.loads(body) for _, body in target.ledger], [{"n": 1}, {"n": 2, "by": "first"}])
                self.assertEqual(platform.stop(), 0)

    def test_what_is_in_flight_finishes_on_its_version_beside_the_new_one(self):
        def states():
            return [(version["version"], version["state"]) for version in self.status()["flows"][0]["versions"]]
        with Target(status=503) as target:
            with self.platform(target, FORM + publish("form")) as platform:
                post(platform.webhook, '{"n": 1}')
                until(lambda: self.status()["retrying"] == 1, 10, self.status)
                self.assertEqual(platform.stop(), 0)
            without = FORM + "  - { id: note, action: message.log, after: form }\n"
            with self.platform(target, without) as platform:
                self.assertEqual(states(), [(1, "draining"), (2, "current")])
                self.assertEqual(self.status()["retrying"], 1)
                post(platform.webhook, '{"n": 2}')
                until(lambda: self.status()["done"] == 1, 10, self.status)
                self.assertEqual(platform.stop(), 0)
            with self.platform(target, FORM + publish("form")) as platform:
                until(lambda: states() == [(1, "draining"), (3, "current")], 10, self.status)
                self.assertEqual(self.status()["retrying"], 1)
                self.assertEqual(platform.stop(), 0)

    def test_other_settings_of_a_step_take_effect_on_its_queue(self):
        with Target() as target:
            for attempts in (100, 5):
                with self.platform(target, FORM + publish("form", attempts)) as platform:
                    post(platform.webhook, json.dumps({"n": attempts}))
                    until(lambda: json.loads(target.ledger[-1][1])["n"] == attempts if target.ledger else False, 10,
                          lambda: f"{target.ledger} {platform.errors}")
                    self.assertEqual(platform.stop(), 0)
                    self.assertEqual(platform.errors, [])


class Terminal(unittest.TestCase):
    def test_a_terminal_shows_one_status_line_that_is_redrawn(self):
        with tempfile.TemporaryDirectory(prefix="millrace-tty-") as folder:
            flow = os.path.join(folder, "flow.yaml")
            with open(flow, "w", encoding="utf-8") as file:
                file.write(FORM + "  - { id: note, action: message.log, after: form }\n")
            ours, theirs = pty.openpty()
            process = subprocess.Popen([MILLRACE, "run", flow, "--data", folder + "/data", "--http", "127.0.0.1:0"],
                                       stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                                       env={**os.environ, "TERM": "xterm"})
            os.close(theirs)
            seen = []

            def read():
                try:
                    while chunk := os.read(ours, 65536):
                        seen.append(chunk.decode())
                except OSError:
                    pass

            reader = threading.Thread(target=read)
            reader.start()
            text = lambda: "".join(seen)
            until(lambda: "accepted 0" in text(), 10, text)
            webhook = re.search(r"http://\S+", text()).group()
            self.assertEqual(post(webhook, "{}"), 202)
            until(lambda: "accepted 1  in flight 0  done 1  retrying 0  dead 0\r" in text(), 10, text)
            process.terminate()
            self.assertEqual(process.wait(20), 0)
            reader.join(10)
            os.close(ours)
            self.assertTrue(text().endswith("\x1b[K"), text()[-200:])


if __name__ == "__main__":
    unittest.main()
