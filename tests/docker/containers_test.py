"""What a container gets and does not get, how its end is told, and an engine or an image that is not as it should be: each a
clear state, tried again, while everything else goes on."""
import http.server
import json
import os
import re
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path += [HERE, os.path.join(ROOT, "tests", "cli")]

from engine import Engine, contain  # noqa: E402
from running import MILLRACE, Platform, post, until  # noqa: E402

FLOW = """\
name: {name}
steps:
  - id: in
    trigger: webhook.receive
    config: {{ path: {name} }}
  - id: work
    action: {action}
    after: in
    config: {config}
    {running}
"""
IDENTITY = '{ expression: "body" }'
HUNGRY = """{ expression: "$length($pad('x', 150000000))" }"""


def flow(name, running, action="jsonata.transform", config=IDENTITY):
    return FLOW.format(name=name, running=running, action=action, config=config)


class FakeOldEngine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A fake: it says that it is from the year 2014. There is no such old engine to be had."""
    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"ApiVersion": "1.15", "MinAPIVersion": "1.12"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self):
            return "engine"

        def log_message(self, *_):
            pass

    def __init__(self, path):
        super().__init__(path, self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Containers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = Engine(tls=True)
        cls.addClassCleanup(cls.engine.close)
        cls.image, _ = cls.engine.build_millrace(MILLRACE)
        cls.engine.derive("tests/never-ready:1", cls.image, "/usr/bin/millrace", "broker", "--listen", "127.0.0.1:0", "--data", "/tmp/b")
        cls.engine.derive("quits", cls.image, "/usr/bin/millrace", "eval", "$error('nothing to do here')")
        cls.engine.derive("no-program", cls.image, "/no/such/program")

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="millrace-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.data = os.path.join(self.folder, "data")

    def platform(self, *flows, options=(), **more):
        files = []
        for text in flows:
            files.append(os.path.join(self.folder, re.match(r"name: (\S+)", text).group(1) + ".yaml"))
            with open(files[-1], "w", encoding="utf-8") as file:
                file.write(text)
        return Platform(*files, data=self.data, arguments=options or ("--docker", self.engine.address), **more)

    def status(self):
        done = subprocess.run([MILLRACE, "status", "--json", "--data", self.data], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def worker(self, name):
        return next((one for one in self.status()["workers"] if one["name"] == name), {})

    def reason(self, name):
        return self.worker(name).get("last_end", {}).get("reason", "")

    @staticmethod
    def send(platform, path, body="{}"):
        host, port = platform.address
        return post(f"http://{host}:{port}/{path}", body)

    def knock(self, door, network):
        """What a worker that nobody knows says when it asks for its settings there."""
        names = ("FLOW_ID", "STEP_ID", "EXEC_ID", "CONTAINER_ID", "COMP_ID", "FUNCTION", "API_USERNAME", "API_KEY", "AMQP_URI",
                 "LISTEN_MESSAGES_ON", "PUBLISH_MESSAGES_TO", "DATA_ROUTING_KEY", "ERROR_ROUTING_KEY", "REBOUND_ROUTING_KEY",
                 "SNAPSHOT_ROUTING_KEY")
        variables = [word for name in names for word in ("-e", f"ELASTICIO_{name}=x")]
        return self.engine.output("run", "--rm", "--network", network, *variables, "-e", door, self.image)

    def until_reason(self, name, wanted):
        until(lambda: wanted in self.reason(name), 60, lambda: f"{name}: {self.worker(name)}")

    def until_running(self, *names):
        until(lambda: all(self.worker(name).get("phase") == "running" for name in names), 60, self.status)

    def test_a_container_gets_what_it_needs_and_no_more(self):
        limits = "limits: { memory: 64MB, cpu: 0.5, pids: 32 }"
        with self.platform(flow("one", "driver: docker\n    " + limits), flow("two", "driver: process")) as platform:
            self.until_running("one/work.1", "two/work.1")
            self.assertGreater(self.worker("two/work.1")["pid"], 0)
            container, = self.engine.inspect(self.worker("one/work.1")["container"])
            host, config = container["HostConfig"], container["Config"]
            self.assertEqual((host["Memory"], host["MemorySwap"], host["NanoCpus"], host["PidsLimit"]),
                             (64_000_000, 64_000_000, 500_000_000, 32))
            self.assertEqual((host["ReadonlyRootfs"], host["CapDrop"], host["SecurityOpt"], host["Privileged"]),
                             (True, ["ALL"], ["no-new-privileges"], False))
            self.assertEqual((config["User"], host["Binds"], host["PortBindings"]), ("65532:65532", None, None))
            with open(f"/proc/{container['State']['Pid']}/status", encoding="utf-8") as file:
                process = file.read()
            self.assertRegex(process, r"CapEff:\s+0000000000000000")
            self.assertRegex(process, r"NoNewPrivs:\s+1")
            self.assertRegex(process, r"Uid:\s+65532")

            door = next(entry for entry in config["Env"] if entry.startswith("ELASTICIO_API_URI="))
            self.assertIn("the platform answered 401", self.knock(door, host["NetworkMode"]))
            self.engine.docker("network", "create", "other")
            self.assertIn("Connection refused", self.knock(door, "other"), "the doors are open on their own bridge alone")
            self.engine.docker("network", "rm", "other")
            self.assertEqual(self.send(platform, "one", '{"n": 1}'), 202)
            until(lambda: self.status()["done"] == 1, 20, self.status)
            self.assertEqual(platform.stop(), 0)
        self.assertEqual(self.engine.docker("ps", "--all", "--format", "{{.Names}} {{.Status}}"), "")
        self.assertNotIn("millrace-", self.engine.docker("network", "ls"))

    def test_how_a_container_ended_is_told(self):
        flows = [flow("hungry", "driver: docker\n    limits: { memory: 32MB }\n    retry: { attempts: 1 }", config=HUNGRY),
                 flow("late", "image: tests/never-ready:1"),
                 flow("quits", "image: quits", action="crm.upsert", config="{ of: nobody }"),
                 flow("no-program", "image: no-program"),
                 flow("no-image", "image: registry.invalid/nothing:1"),
                 flow("not-made", "image: not-made:1"),
                 flow("fine", "driver: process", action="message.log", config="{}")]
        with self.platform(*flows, options=("--docker", self.engine.address, "--start-timeout", "2s")) as platform:
            self.until_reason("late/work.1", "had not connected 2 s after its start, so it was killed")
            self.until_reason("quits/work.1", "exited with 1")
            self.assertIn("nothing to do here", self.worker("quits/work.1")["last_end"]["last_output"])
            self.until_reason("no-program/work.1", "could not be started: ")
            self.assertIn("/no/such/program", self.reason("no-program/work.1"))
            self.until_reason("no-image/work.1", "image registry.invalid/nothing:1 is not on the engine and cannot be pulled: ")
            self.until_reason("not-made/work.1", "image not-made:1 is not on the engine, and is not pulled")
            self.until_running("hungry/work.1", "fine/work.1")
            self.assertEqual(self.send(platform, "hungry"), 202)
            self.until_reason("hungry/work.1", "over its memory limit of 32 MB (OOM)")
            until(lambda: self.status()["dead"] == 1, 60, self.status)
            self.assertEqual(self.send(platform, "fine", '{"all": "is well"}'), 202)
            platform.wait_for_line("is well")
            self.assertEqual(platform.stop(), 0)
        self.assertEqual(self.engine.docker("ps", "--all", "--format", "{{.Names}} {{.Status}}"), "")

    def test_leftovers_with_our_label_go_and_others_stay(self):
        one = flow("one", "driver: docker")
        with self.platform(one):
            self.until_running("one/work.1")
        with open(os.path.join(self.data, "containers.json"), encoding="utf-8") as record:
            label = "millrace.platform=" + json.load(record)["platform"]
        run = ("run", "--detach", "--tmpfs", "/tmp:mode=1777", "--network", "none")
        self.engine.docker(*run, "--name", "orphan", "--label", label, "tests/never-ready:1")
        self.engine.docker(*run, "--name", "somebodys", "--label", "millrace.platform=000000000000", "tests/never-ready:1")
        with self.platform(one.replace('"body"', '"body.other"')) as platform:
            until(lambda: "orphan" not in self.engine.containers(), 60, self.engine.containers)
            self.until_running("one/work.1")
            self.assertIn("somebodys", self.engine.containers())
            self.assertEqual(platform.stop(), 0)
        self.engine.docker("rm", "--force", "somebodys")

    def test_an_engine_over_tls(self):
        options = ("--driver", "docker", "--docker", self.engine.tls_address, "--docker-certs", self.engine.certificates)
        with self.platform(flow("one", ""), options=options) as platform:
            self.until_running("one/work.1")
            self.assertEqual(platform.stop(), 0)
        stranger = os.path.join(self.folder, "stranger")
        os.mkdir(stranger)
        shutil.copy(os.path.join(self.engine.certificates, "ca.pem"), stranger)
        with self.platform(flow("one", ""), options=(*options[:-1], stranger)) as platform:
            self.until_reason("one/work.1", "cannot be reached")
            self.assertEqual(platform.stop(), 0)

    def assert_engine_told(self, address, words, **more):
        """The flow's step in a container says why it does not run; its other step does."""
        two = flow("one", "driver: docker") + "  - { id: plain, action: message.log, after: in }\n"
        with self.platform(two, options=("--docker", address), **more) as platform:
            self.until_reason("one/work.1", words)
            self.until_running("one/plain.1")
            self.assertEqual(self.send(platform, "one"), 202)
            until(lambda: next(s for s in self.status()["flows"][0]["steps"] if s["id"] == "work")["waiting"] == 1, 20, self.status)
            self.assertEqual(platform.stop(), 0)
        shutil.rmtree(self.data)

    def test_an_engine_that_cannot_be_asked(self):
        missing = os.path.join(self.folder, "missing.sock")
        self.assert_engine_told("unix://" + missing, f"there is no Docker Engine at unix://{missing}")
        FakeOldEngine(os.path.join(self.folder, "old.sock"))
        self.assert_engine_told(os.path.join(self.folder, "old.sock"), "it speaks version 1.15 of the Engine API; 1.41 or later")
        shutil.chown(self.folder, 65534)
        self.assert_engine_told(self.engine.address, "permission denied", user=65534)

    def test_what_cannot_be_meant_is_refused_at_the_start(self):
        contained = flow("one", "driver: docker")
        for address, text, words in (("ssh://somewhere", contained, "is not the address of a Docker Engine"),
                                     ("tcp://192.0.2.1:2375", contained, "--docker-certs"),
                                     (self.engine.address, flow("one", "limits: { cpu: 1 }"), "only for containers"),
                                     (self.engine.address, flow("one", "limits: { memory: 1MB }"), "16000000")):
            path = os.path.join(self.folder, "one.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run([MILLRACE, "run", path, "--data", self.data, "--http", "127.0.0.1:0", "--docker", address],
                                  capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    contain()
    unittest.main()
