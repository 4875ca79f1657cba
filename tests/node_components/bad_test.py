"""Components that misbehave, each in a flow of its own on one platform: each is shown on its step, and a flow beside them
goes on."""
import json
import os
import shutil
import tempfile
import unittest

from client import Serve
from running import millrace, post, until

HERE = os.path.dirname(os.path.abspath(__file__))
SLEEPER = {"title": "Sleeper", "command": ["sleep", "1000"], "actions": {"rest": {"title": "Never answers"}}}
FLOW = """name: %(name)s
steps:
  - { id: form, trigger: webhook.receive, config: { path: %(name)s } }
  - id: bad
    action: %(action)s
    after: form
    retry: { initial: 100ms, max: 100ms, attempts: 2 }
%(config)s  - { id: write, action: message.log, after: bad }
"""
WRONG = "a-wrong-key-4711"
CONFIG = "    config: { apiKey: key }\n"


class Bad(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="millrace-bad-")
        self.addCleanup(shutil.rmtree, folder)
        data = os.path.join(folder, "data")
        sleeper = os.path.join(folder, "sleeper")
        os.mkdir(sleeper)
        with open(os.path.join(sleeper, "component.json"), "w", encoding="utf-8") as file:
            json.dump(SLEEPER, file)
        mill = os.path.join(HERE, "mill")
        for source, name, *more in ((mill, "mill"), (sleeper, "sleeper"), (mill, "locked", "--env", f"ELASTICIO_API_KEY={WRONG}")):
            added = millrace("component", "add", source, "--name", name, "--data", data, "--env", "MILLRACE_MESSAGE_TIMEOUT=3", *more)
            self.assertEqual(added.returncode, 0, added.stderr)
        self.served = Serve(data)
        self.addCleanup(self.served.__exit__)
        self.http = next(line.split()[1] for line in self.served.lines if line.startswith("http "))

    def deploy(self, name, action, config=CONFIG):
        answer = self.served.client().deploy(name, FLOW % {"name": name, "action": action, "config": config})
        self.assertEqual(answer.status, 201, answer.body)

    def send(self, name, body):
        self.assertEqual(post(f"{self.http}/{name}", json.dumps(body)), 202)

    def failed(self, flow):
        """The dead letters' reasons, once there is one."""
        def reasons():
            letters = self.served.client().get(f"/v1/dead-letters?flow={flow}").json["items"]
            return [json.dumps(letter) for letter in letters]
        until(lambda: reasons(), 90, lambda: f"no dead letter of {flow}: {self.served.errors[-10:]}")
        return reasons()

    def said(self, words):
        until(lambda: any(words in line for line in self.served.errors), 60, lambda: f"not said: {words}: {self.served.errors[-10:]}")

    def test_each_is_shown_and_harms_no_other(self):
        for name, action, body in (("stuck", "mill.act", {"do": "never"}), ("dies", "mill.act", {"do": "die", "code": 0}),
                                   ("throws", "mill.broken", {}), ("locked", "locked.act", {}), ("good", "mill.act", {})):
            self.deploy(name, action)
            self.send(name, body)
        self.deploy("sleeps", "sleeper.rest", "")
        self.send("sleeps", {})
        for name, words in (("stuck", "the component has not ended message"), ("dies", "the component exited with code 0"),
                            ("throws", "is found, but can not be loaded"), ("sleeps", "nor emitted anything for it, within 3 s"),
                            ("locked", "the API refused GET /v1/tasks/locked/steps/bad to the user component")):
            with self.subTest(name):
                self.said(words)
        self.assertFalse([line for line in self.served.errors if WRONG in line])
        for name in ("stuck", "dies", "sleeps"):
            with self.subTest(name):
                self.assertEqual(len(self.failed(name)), 1)
        self.send("good", {"after": "all"})
        until(lambda: sum("flow=good step=write" in line and "message text" in line for line in self.served.errors) == 2, 30,
              lambda: f"the good one suffers: {self.served.errors[-10:]}")


if __name__ == "__main__":
    unittest.main()
