"""packaging/compose with Debian's docker-compose on a real Docker Engine: the platform comes up healthy, keeps what it has through a
kill, and gives its steps containers of their own where the second file says so."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

import yaml

from engine import Engine, contain
from running import MILLRACE, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILES = [os.path.join(ROOT, "packaging/compose", name) for name in ("compose.yaml", "containers.yaml")]
FLOW = """\
name: greeting
steps:
  - id: in
    trigger: webhook.receive
    config: { path: greet }
  - id: answer
    action: http.reply
    after: in
    input: '"Hello, " & body.name'
"""


def greet(name):
    request = urllib.request.Request("http://127.0.0.1:8080/greet", data=json.dumps({"name": name}).encode(),
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


class ComposeFiles(unittest.TestCase):
    def setUp(self):
        self.engine = Engine()
        self.addCleanup(self.engine.close)
        self.engine.build_millrace(MILLRACE)
        self.folder = tempfile.mkdtemp(prefix="millrace-compose-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(self.compose, 2, "down", "--volumes")

    def compose(self, files, *arguments):
        """docker-compose with the first file or both."""
        named = [word for file in FILES[:files] for word in ("-f", file)]
        done = subprocess.run(["/usr/bin/docker-compose", "-p", "trial", *named, *arguments], capture_output=True, text=True,
                              timeout=120, check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ, "DOCKER_HOST": self.engine.address, "DOCKER_SOCKET": self.engine.socket,
                                   "DOCKER_GROUP": str(os.stat(self.engine.socket).st_gid)})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def wait_until_healthy(self):
        until(lambda: self.engine.docker("inspect", "--format", "{{.State.Health.Status}}", "trial_millrace_1") == "healthy", 60,
              lambda: self.engine.output("logs", "trial_millrace_1"))

    def workers(self):
        return self.engine.containers("label=millrace.flow=greeting")

    def deploy(self):
        """From outside, over the published API, with a token that is made inside."""
        token = os.path.join(self.folder, "token")
        made = self.compose(1, "exec", "-T", "millrace", "millrace", "token", "create", "trial", "--scope", "flows:write",
                            "--scope", "flows:read", "--data", "/data")
        with open(token, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(made.split()[-1])
        flow = os.path.join(self.folder, "flow.yaml")
        with open(flow, "w", encoding="utf-8") as file:
            file.write(FLOW)
        done = subprocess.run([MILLRACE, "deploy", flow, "--server", "http://127.0.0.1:8081", "--token-file", token],
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_platform_comes_up_outlives_a_kill_and_may_give_each_worker_a_container(self):
        self.compose(1, "up", "-d")
        self.wait_until_healthy()
        self.deploy()
        self.assertIn("Hello, Grace", greet("Grace"))
        self.assertEqual(self.workers(), [])

        self.compose(1, "kill")
        self.compose(1, "up", "-d")
        self.wait_until_healthy()
        self.assertIn("Hello, Ada", greet("Ada"))

        self.compose(2, "up", "-d")
        self.wait_until_healthy()
        self.assertIn("Hello, Joan", greet("Joan"))
        self.assertEqual(len(self.workers()), 1)

        self.compose(2, "stop")
        self.assertEqual(self.workers(), [])


class SeveralPlatforms(unittest.TestCase):
    """RabbitMQ's and PostgreSQL's images cannot be had here: docker-compose reads the file, and Millrace its settings. What two platforms do
    on a real RabbitMQ and PostgreSQL is shown by tests/rabbitmq."""

    def test_the_file_is_one_and_its_settings_are_millraces(self):
        file = os.path.join(ROOT, "packaging/compose/several.yaml")
        given = {**os.environ, "MILLRACE_PASSWORD": "ripe", "MILLRACE_KEY": base64.b64encode(bytes(32)).decode()}
        read = subprocess.run(["/usr/bin/docker-compose", "-f", file, "config"], capture_output=True, text=True, timeout=60, check=False,
                              env=given)
        self.assertEqual(read.returncode, 0, read.stderr)
        services = yaml.safe_load(read.stdout)["services"]
        for name in ("east", "west"):
            shown = subprocess.run([MILLRACE, "config", "show", "--json"], capture_output=True, text=True, timeout=60, check=False,
                                   env={"PATH": os.environ["PATH"], **services[name]["environment"]})
            self.assertEqual(shown.returncode, 0, shown.stderr)
            settings = {setting: entry["value"] for setting, entry in json.loads(shown.stdout).items()}
            self.assertEqual((settings["member"], settings["amqp"], settings["store"]),
                             (name, "amqp://millrace:***@rabbitmq/", "postgresql://millrace:***@postgresql/millrace"))
        unset = subprocess.run(["/usr/bin/docker-compose", "-f", file, "config"], capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("MILLRACE_PASSWORD", unset.stderr)


if __name__ == "__main__":
    if not os.path.exists("/usr/bin/docker-compose"):
        raise SystemExit("the compose files are run with Debian's docker-compose (apt-get install docker-compose)")
    contain()
    unittest.main()
