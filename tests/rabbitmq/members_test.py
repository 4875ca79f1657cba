"""Two platforms on one RabbitMQ and one PostgreSQL: who is there and who leads, what one changes and the other follows, and what becomes of
one that is stopped, killed or ended in order. And each in a network namespace of its own: the link of the one that leads is cut for a
while, then its process is killed; no schedule fires twice, no message is lost. MILLRACE_CUT: for how many seconds."""
import http.client
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

from client import Client, Serve
from ledger_target import LedgerTarget
from networks import Networks
from running import MILLRACE, until
from server import Rabbitmq
from surroundings import KEY, postgresql

CUT = int(os.environ.get("MILLRACE_CUT", "20"))
ORDERS = """name: orders
steps:
  - id: form
    trigger: webhook.receive
    config: {{ path: orders }}
  - id: shape
    action: jsonata.transform
    after: form
    config: {{ expression: '{{ "number": body.number }}' }}
  - id: send
    action: http.request
    after: shape
    instances: 4
    config: {{ method: POST, url: "{url}" }}
"""
CLOCK = """name: clock
steps:
  - id: tick
    trigger: timer.tick
    config: {{ every: 1s }}
  - id: send
    action: http.request
    after: tick
    config: {{ method: POST, url: "{url}" }}
"""
LOG_CLOCK = """name: clock
steps:
  - id: tick
    trigger: timer.tick
    config: { every: 1s }
  - id: write
    action: message.log
    after: tick
"""


class Members(unittest.TestCase):
    def setUp(self):
        store, queues = postgresql(), Rabbitmq()
        self.addCleanup(store.close)
        self.addCleanup(queues.close)
        self.environment = {"MILLRACE_STORE": store.database("mill"), "MILLRACE_AMQP": queues.url, "MILLRACE_KEY": KEY}
        folder = tempfile.TemporaryDirectory(prefix="millrace-members-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.token = None

    def serve(self, name):
        served = Serve(os.path.join(self.folder, name), self.environment, ("--member", name, "--worker-idle", "2s"))
        self.addCleanup(served.__exit__)
        self.token = self.token or served.token
        return served

    def api(self, served):
        return Client("http://" + served.api, self.token)

    def members(self, served):
        return {one["name"]: one for one in self.api(served).get("/v1/members").json["items"]}

    def leader(self, served):
        return [name for name, one in self.members(served).items() if one["leads"]]

    def schedule(self, served):
        return self.api(served).get("/v1/flows/clock").json["schedule"]

    def until(self, what, condition, seconds=60):
        until(condition, seconds, lambda: what)

    def test_members_follow_each_other_and_one_leads(self):
        east, west = self.serve("east"), self.serve("west")
        self.until("both alive", lambda: all(len([m for m in self.members(one).values() if m["alive"]]) == 2 for one in (east, west)))
        self.until("addresses", lambda: self.members(west)["east"]["address"] == "http://" + east.api)
        self.assertEqual(self.leader(east), ["east"])
        self.assertEqual(self.leader(west), ["east"])

        # What is published on the one is so on the other.
        self.assertEqual(self.api(west).deploy("clock", LOG_CLOCK).status, 201)
        self.until("east ticks", lambda: self.schedule(east))
        self.assertIsNone(self.schedule(west))  # it does not lead
        self.assertEqual(self.api(east).deploy("clock", LOG_CLOCK + "# 2\n").status, 201)
        self.until("the first version is gone from both", lambda: all(
            [v["version"] for v in self.api(one).get("/v1/flows/clock").json["versions_in_use"]] == [2] for one in (east, west)))

        # A stopped leader is followed by the other one, and is none when it goes on.
        os.kill(east.process.pid, signal.SIGSTOP)
        self.until("west leads", lambda: self.leader(west) == ["west"])
        self.until("east is gone", lambda: not self.members(west)["east"]["alive"])
        self.until("west ticks", lambda: self.schedule(west))
        os.kill(east.process.pid, signal.SIGCONT)
        self.until("east is back", lambda: self.members(west)["east"]["alive"])
        self.assertEqual(self.leader(east), ["west"])
        self.until("east ticks no more", lambda: self.schedule(east) is None)

        # One that ends in order is gone at once, and lets go of the lead.
        west.stop()
        self.until("east leads at once", lambda: self.leader(east) == ["east"], 5)
        self.assertNotIn("west", self.members(east))
        self.assertEqual(self.api(east).ask("DELETE", "/v1/flows/clock?discard=true").status, 202)
        self.until("it is gone", lambda: self.api(east).get("/v1/flows/clock").status == 404)

        # One that is killed and comes back at once is the same member.
        east.kill()
        east.start()
        self.until("it leads again", lambda: self.leader(east) == ["east"], 20)
        self.assertEqual(list(self.members(east)), ["east"])


class Member:
    """`millrace serve` in a namespace."""

    def __init__(self, networks, name, folder, environment):
        self.networks, self.name, self.data = networks, name, os.path.join(folder, name)
        self.environment = {**os.environ, **environment, "MILLRACE_KEY": KEY}
        self.address = networks.addresses[name]
        self.http = self.api = f"{self.address}:0"
        self.errors = []
        self.start()

    def start(self):
        lines = []
        self.process = subprocess.Popen(
            self.networks.within(self.name, MILLRACE, "serve", "--data", self.data, "--http", self.http, "--api", self.api, "--member",
                                 self.name, "--worker-silence", "10s", "--worker-idle", "20s"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment)
        for stream, into in ((self.process.stdout, lines), (self.process.stderr, self.errors)):
            threading.Thread(target=self._read, args=(stream, into), daemon=True).start()
        until(lambda: "ready" in lines, 60, lambda: f"{self.name}: {lines} {self.errors[-20:]}")
        self.http, self.api = (next(line for line in lines if line.startswith(what)).split()[1].removeprefix("http://")
                               for what in ("http ", "api "))

    @staticmethod
    def _read(stream, into):
        for line in stream:
            into.append(line.rstrip("\n"))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def members(self):
        """Over the data folder's socket, which needs no network."""
        done = subprocess.run([MILLRACE, "members", "--data", self.data, "--json"], capture_output=True, text=True, timeout=60, check=False)
        return {one["name"]: one for one in json.loads(done.stdout)["members"]} if done.returncode == 0 else {}


class TwoMembers(unittest.TestCase):
    def setUp(self):
        self.networks = Networks("east", "west")
        self.addCleanup(self.networks.close)
        store, queues = postgresql(), Rabbitmq()
        self.addCleanup(store.close)
        self.addCleanup(queues.close)
        self.target = LedgerTarget(listen_on=self.networks.hub, called=self.networks.hub)
        self.addCleanup(self.target.__exit__)
        folder = tempfile.TemporaryDirectory(prefix="millrace-members-")
        self.addCleanup(folder.cleanup)
        hub = self.networks.hub
        environment = {
            "MILLRACE_STORE": store.database("mill").replace(f"127.0.0.1:{store.port}", f"{hub}:{self.networks.relay(store.port)}"),
            "MILLRACE_AMQP": queues.url.replace(f"127.0.0.1:{queues.port}", f"{hub}:{self.networks.relay(queues.port)}")}
        self.members = {}
        for name in ("east", "west"):
            self.members[name] = Member(self.networks, name, folder.name, environment)
            self.addCleanup(self.members[name].kill)
        with open(os.path.join(self.members["east"].data, "admin.token"), encoding="utf-8") as file:
            self.token = file.read().strip()
        self.accepted, self.stopping = set(), threading.Event()

    def send(self, name, first):
        """Each form to this member or, if it does not take it, to the other one, until one has."""
        number, names = first, [name, *(other for other in self.members if other != name)]
        while not self.stopping.is_set():
            for one in names:
                address = urllib.parse.urlsplit("http://" + self.members[one].http)
                connection = http.client.HTTPConnection(address.hostname, address.port, timeout=3)
                try:
                    connection.request("POST", "/orders", json.dumps({"number": number}), {"Content-Type": "application/json"})
                    if connection.getresponse().status == 202:
                        self.accepted.add(number)
                        number += 2
                        break
                except (OSError, http.client.HTTPException):
                    pass
                finally:
                    connection.close()
            time.sleep(0.02)

    def arrived(self):
        return {body["number"] for _, body in list(self.target.ledger) if "number" in body}

    def ticks(self):
        """{scheduled_at: when it was fired, all that there are}"""
        ticks = {}
        for _, body in list(self.target.ledger):
            if "scheduled_at" in body:
                ticks.setdefault(body["scheduled_at"], set()).add(body["fired_at"])
        return ticks

    def log(self):
        return {name: member.errors[-15:] for name, member in self.members.items()}

    def until(self, what, condition, seconds=60):
        began = time.monotonic()
        until(condition, seconds, lambda: f"{what}: {self.log()}")
        return time.monotonic() - began

    def leader(self, asked):
        return next((name for name, one in self.members[asked].members().items() if one["leads"]), None)

    def test_a_link_that_is_cut_and_a_leader_that_is_killed(self):
        api = Client("http://" + self.members["east"].api, self.token)
        for name, text in (("orders", ORDERS), ("clock", CLOCK)):
            deployed = api.deploy(name, text.format(url=self.target.url))
            self.assertEqual(deployed.status, 201, deployed.body)
        senders = [threading.Thread(target=self.send, args=(name, first), daemon=True) for first, name in enumerate(self.members)]
        self.addCleanup(self.stopping.set)
        for sender in senders:
            sender.start()
        self.until("forms and ticks arrive", lambda: len(self.arrived()) > 100 and len(self.ticks()) > 3)
        workers = {name: {worker["name"] for worker in Client("http://" + member.api, self.token).get("/v1/workers").json["items"]}
                   for name, member in self.members.items()}
        self.assertFalse(workers["east"] & workers["west"], workers)
        self.assertTrue(workers["east"] and workers["west"], workers)

        led = self.leader("east")
        other = "west" if led == "east" else "east"
        self.networks.cut(led)
        cut_at = time.monotonic()
        taken = self.until("the other one leads", lambda: self.leader(other) == other)
        self.assertIsNot(self.members[led].members().get(led, {}).get("leads"), True)
        before = len(self.ticks())
        self.until("it ticks", lambda: len(self.ticks()) > before)
        forms = len(self.arrived())
        went_on = self.until("forms arrive without the cut one", lambda: len(self.arrived()) > forms + 20)
        self.until("the link was cut for long enough", lambda: time.monotonic() - cut_at >= CUT, CUT + 10)
        self.networks.mend(led)
        self.until("the cut one is back", lambda: all(one["alive"] for one in self.members[other].members().values()))
        self.assertEqual(self.leader(led), other)
        print(f"link cut for {time.monotonic() - cut_at:.0f} s: the other one led after {taken:.1f} s, forms went on {went_on:.1f} s later",
              flush=True)

        # The new leader is killed: the one that was cut leads again.
        self.members[other].process.send_signal(signal.SIGKILL)
        taken = self.until("the first one leads again", lambda: self.leader(led) == led)
        before = len(self.ticks())
        self.until("it ticks", lambda: len(self.ticks()) > before)
        print(f"leader killed: another one led after {taken:.1f} s", flush=True)
        self.members[other].process.wait()
        self.members[other].start()
        self.stopping.set()
        for sender in senders:
            sender.join(30)
        self.until("all that was accepted has arrived", lambda: self.accepted <= self.arrived(), 90)
        twice = {at: fired for at, fired in self.ticks().items() if len(fired) > 1}
        self.assertEqual(twice, {})
        numbers = [body["number"] for _, body in self.target.ledger if "number" in body]
        print(f"{len(self.accepted)} forms, none lost, {len(numbers) - len(set(numbers))} repeats; {len(self.ticks())} ticks, none twice",
              flush=True)


if __name__ == "__main__":
    unittest.main()
