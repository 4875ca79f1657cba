"""`millrace component new`: each language's component passes its own test, is installed, and does its work in a flow."""
import json
import os
import subprocess
import tempfile
import unittest

from running import MILLRACE, Platform, post, until

TESTS = {"python": ["python3", "-m", "unittest"], "node": ["npm", "test"], "cpp": ["make", "test"]}


class New(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-new-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def run_command(self, *command, cwd=None, code=0):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=cwd or self.folder)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_each_language_passes_its_own_test_and_works_in_a_flow(self):
        for language, test in TESTS.items():
            with self.subTest(language=language):
                component = os.path.join(self.folder, language)
                self.run_command(MILLRACE, "component", "new", "shout", "--lang", language, "--folder", component)
                self.run_command(*test, cwd=component)
                data = os.path.join(self.folder, "data-" + language)
                self.assertIn("shout  1.0.0", self.run_command(MILLRACE, "component", "add", component, "--data", data,
                                                               "--name", "shout"))
                with Platform(os.path.join(component, "flow.yaml"), data=data) as platform:
                    status = post(platform.webhook, json.dumps({"text": "hello"}))
                    self.assertEqual(status, 202)
                    until(lambda: any("HELLO!" in line for line in platform.lines + platform.errors), 60,
                          lambda: f"nothing was shouted: {platform.lines} {platform.errors}")

    def test_what_cannot_be_made_is_told(self):
        self.assertIn("cpp, node and python", self.run_command(MILLRACE, "component", "new", "x", "--lang", "cobol", code=2))
        self.assertIn("cannot be a component's name", self.run_command(MILLRACE, "component", "new", "A B", "--lang", "cpp", code=2))
        self.run_command(MILLRACE, "component", "new", "x", "--lang", "cpp")
        self.assertIn("is there already", self.run_command(MILLRACE, "component", "new", "x", "--lang", "cpp", code=1))


if __name__ == "__main__":
    unittest.main()
