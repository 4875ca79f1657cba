"""Installed components and containers: taken out of an image, and run in one."""
import base64
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path += [HERE, os.path.join(ROOT, "tests", "cli")]

from engine import Engine, contain  # noqa: E402
from registry import FakeRegistry  # noqa: E402
from running import MILLRACE, Platform, post, until  # noqa: E402

DEFINITION = {"title": "Shout", "version": "2.0.0", "protocol": "lines", "command": ["node", "main.js"],
              "credentials": {"fields": {"mark": {"viewClass": "PasswordFieldView", "required": True}}},
              "actions": {"shout": {"title": "Shout"}}}
PROGRAM = """
const say = (said) => console.log(JSON.stringify(said));
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { message, credential } = JSON.parse(line);
  say({ data: { text: message.body.text.toUpperCase() + credential.fields.mark + ' from ' + process.cwd() } });
  say({ end: true });
});
"""
FLOW = """name: shouting
steps:
  - { id: form, trigger: webhook.receive, config: { path: shout } }
  - { id: shout, action: shout.shout, after: form, driver: docker, credential: mark }
  - { id: show, action: message.log, after: shout }
"""


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Components(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = Engine()
        cls.addClassCleanup(cls.engine.close)
        made = tempfile.TemporaryDirectory(prefix="millrace-components-")
        cls.addClassCleanup(made.cleanup)
        cls.folder = made.name
        cls.component = os.path.join(cls.folder, "shout")
        os.mkdir(cls.component)
        write(os.path.join(cls.component, "component.json"), json.dumps(DEFINITION))
        write(os.path.join(cls.component, "main.js"), PROGRAM)
        write(os.path.join(cls.folder, "flow.yaml"), FLOW)

    def build(self, tag, base, *more):
        write(os.path.join(self.folder, "Dockerfile"), "\n".join([f"FROM {base}", "COPY shout/ /app/", *more]) + "\n")
        self.engine.docker("build", "--quiet", "--tag", tag, self.folder)

    def run_command(self, *arguments, code=0, **environment):
        done = subprocess.run([MILLRACE, *arguments], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "DOCKER_HOST": self.engine.address, **environment})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def shouts(self, data, image):
        """What comes out of the flow, and that its step ran in a container of that image, with its credential."""
        subprocess.run([MILLRACE, "credential", "set", "mark", "--type", "component", "--component", "shout", "--data", data],
                       input="!", text=True, check=True, timeout=60)
        with Platform(os.path.join(self.folder, "flow.yaml"), data=data,
                      environment={"DOCKER_HOST": self.engine.address}) as platform:
            self.assertEqual(post(platform.webhook, json.dumps({"text": "hello"})), 202)
            until(lambda: any("HELLO!" in line for line in platform.lines + platform.errors), 90,
                  lambda: f"nothing was shouted: {platform.lines} {platform.errors}")
            names = self.engine.containers("label=millrace.step=shout")
            self.assertEqual([one["Config"]["Image"] for one in self.engine.inspect(*names)], [image])
            self.assertEqual(platform.stop(), 0)
            return next(line for line in platform.lines + platform.errors if "HELLO!" in line)

    def test_a_component_is_taken_out_of_an_image_and_no_container_is_left(self):
        self.build("acme/shout-component:2", "scratch", "WORKDIR /app")
        data = os.path.join(self.folder, "taken")
        self.assertIn("shout  2.0.0", self.run_command("component", "add", "image:acme/shout-component:2", "--data", data))
        self.assertIn("mark  secret", self.run_command("component", "show", "shout.shout", "--data", data))
        self.assertEqual(sorted(os.listdir(os.path.join(data, "components/shout"))), [".millrace.json", "component.json", "main.js"])
        self.assertEqual(self.engine.docker("ps", "--all", "--quiet"), "")

    def test_what_is_wrong_with_an_image_is_told(self):
        self.build("acme/nowhere:1", "scratch")
        data = os.path.join(self.folder, "wrong")
        def refused(image):
            return self.run_command("component", "add", "image:" + image, "--data", data, "--name", "x", code=1)
        self.assertIn("has no working directory", refused("acme/nowhere:1"))
        self.assertIn("not-there", refused("not-there"))
        self.build("acme/empty:1", "scratch", "WORKDIR /elsewhere")
        self.assertIn("there is no component.json", refused("acme/empty:1"))
        self.assertEqual(os.listdir(os.path.join(data, "components")), [])

    def test_an_image_is_pulled_with_the_login_that_docker_login_has_left(self):
        registry = FakeRegistry("acme/shout", "2", {"component.json": json.dumps(DEFINITION), "main.js": PROGRAM}, "ada", "love:lace")
        self.addCleanup(registry.close)
        config = os.path.join(self.folder, "docker-config")
        os.mkdir(config)
        data = os.path.join(self.folder, "pulled")

        def add(code):
            return self.run_command("component", "add", "image:" + registry.image, "--data", data, code=code, DOCKER_CONFIG=config)
        refused = add(1)
        self.assertIn(f"without a login for {registry.host}: {config}/config.json", refused)
        self.assertIn("cannot be pulled", refused)
        for password, code in (("wrong", 1), ("love:lace", 0)):
            auth = base64.b64encode(f"ada:{password}".encode()).decode()
            write(os.path.join(config, "config.json"), json.dumps({"auths": {registry.host: {"auth": auth}}}))
            said = add(code)
        self.assertIn("shout  2.0.0", said)
        self.assertEqual(registry.logins, {None, "ada:wrong", "ada:love:lace"})

    def test_an_installed_component_runs_in_a_container_of_the_image_with_node_js(self):
        base, _ = self.engine.build_millrace(MILLRACE)
        script = os.path.join(ROOT, "packaging/docker/build_nodejs.sh")
        made = subprocess.run([script, base], capture_output=True, text=True, env={**os.environ, "DOCKER_HOST": self.engine.address})
        self.assertEqual(made.returncode, 0, made.stderr)
        tag, size, _ = made.stdout.split()
        self.assertEqual(tag, base.replace("millrace:", "millrace-nodejs:"))
        self.assertLess(int(size), 200)
        data = os.path.join(self.folder, "mounted")
        self.run_command("component", "add", self.component, "--data", data)
        self.assertIn(" from " + os.path.join(data, "components/shout"), self.shouts(data, tag))
        # An image of our own with the component in it is the image of its workers.
        self.build("acme/shout-worker:1", tag, "WORKDIR /app")
        data = os.path.join(self.folder, "inside")
        self.run_command("component", "add", "image:acme/shout-worker:1", "--name", "shout", "--data", data)
        self.assertIn(" from /app", self.shouts(data, "acme/shout-worker:1"))


if __name__ == "__main__":
    contain()
    unittest.main()
