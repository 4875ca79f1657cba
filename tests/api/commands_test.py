"""The command line over the API: by the control socket, and by a URL with a token."""
import json
import os
import tempfile
import unittest

from client import Serve
from running import millrace, post, until

FLOW = """name: hello
steps:
  - {{ id: form, trigger: webhook.receive, config: {{ path: hello }} }}
  - {{ id: write, action: message.log, after: form, config: {{ label: "{text}" }} }}
"""


class Commands(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(self.folder.cleanup)
        self.served = Serve(os.path.join(self.folder.name, "data"))
        self.addCleanup(self.served.__exit__)
        self.token_file = os.path.join(self.served.data, "admin.token")
        self.near = ("--data", self.served.data)
        self.far = ("--server", "http://" + self.served.api, "--token-file", self.token_file)

    def run_command(self, *arguments, code=0, **options):
        result = millrace(*arguments, **options)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout if code == 0 else result.stderr

    def file(self, text, name="hello.yaml"):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_a_flow_from_deployment_to_deletion_near_and_far(self):
        for where in (self.near, self.far):
            with self.subTest(where=where[0]):
                flow = self.file(FLOW.format(text="one"))
                self.assertIn("version 1", self.run_command("deploy", flow, "--comment", "the first", *where))
                self.assertIn("as it was", self.run_command("deploy", flow, *where))
                self.assertIn("version 2", self.run_command("deploy", self.file(FLOW.format(text="two")), *where))
                self.assertRegex(self.run_command("flow", "list", *where), r"hello +running +.*2.* /hello")
                self.assertIn('label: "two"', self.run_command("flow", "show", "hello", *where))
                self.assertIn("the first", self.run_command("flow", "history", "hello", *where))
                self.assertIn('-  - { id: write, action: message.log, after: form, config: { label: "one" } }',
                              self.run_command("flow", "diff", "hello", *where))
                self.assertIn("version 3", self.run_command("flow", "rollback", "hello", "1", *where))
                self.assertIn("execution ", self.run_command("flow", "run-now", "hello", "--body", '{"a": 1}', *where))
                for action, state in (("suspend", "suspended"), ("resume", "running"), ("stop", "stopped"), ("start", "running")):
                    shown = json.loads(self.run_command("flow", action, "hello", "--json", *where))
                    self.assertEqual(shown, {"name": "hello", "state": state})
                self.assertIn("hello", self.run_command("status", *where))
                self.run_command("flow", "delete", "hello", "--discard", *where)
                until(lambda: "hello" not in millrace("flow", "list", *where).stdout, 20, lambda: "it is still there")

    def test_what_is_wrong_with_a_flow_is_told_with_its_place(self):
        flow = self.file("name: bad\nsteps:\n  - { id: a, trigger: webhook.recieve }\n")
        error = self.run_command("deploy", flow, *self.near, code=2)
        self.assertIn("bad:3:", error)
        self.assertIn("webhook.receive", error)

    def test_a_token_is_made_used_and_ended(self):
        token = self.run_command("token", "create", "ci", "--scope", "flows:read", *self.far).strip()
        path = self.file(token + "\n", "ci.token")
        os.chmod(path, 0o600)
        far = (*self.far[:2], "--token-file", path)
        self.run_command("flow", "list", *far)
        self.assertIn("flows:write", self.run_command("deploy", self.file(FLOW.format(text="x")), *far, code=1))
        os.chmod(path, 0o644)
        self.assertIn("others may read", self.run_command("flow", "list", *far, code=1))
        os.chmod(path, 0o600)
        self.assertIn("ci", self.run_command("token", "list", *self.near))
        self.run_command("token", "delete", "ci", *self.near)
        self.run_command("flow", "list", *far, code=1)

    def test_settings_and_where_they_come_from(self):
        config = self.file("log_level: warning\nworker_idle: 5s\n", "millrace.yaml")
        shown = json.loads(self.run_command("config", "show", "--config", config, "--worker-idle", "6s", "--json",
                                            env={**os.environ, "MILLRACE_GRACE": "3s"}))
        self.assertEqual(shown["log_level"], {"value": "warning", "from": "file"})
        self.assertEqual(shown["worker_idle"], {"value": "6s", "from": "command line"})
        self.assertEqual(shown["grace"], {"value": "3s", "from": "environment"})
        self.assertEqual(shown["workers"], {"value": "on-demand", "from": "default"})
        wrong = self.file("log_level: warning\nworker_idel: 5s\n", "wrong.yaml")
        error = self.run_command("serve", "--config", wrong, code=2)
        self.assertIn("wrong.yaml:2:1", error)
        self.assertIn("worker_idle", error)


if __name__ == "__main__":
    unittest.main()
