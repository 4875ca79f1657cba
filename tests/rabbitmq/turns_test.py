"""Two platforms on a real RabbitMQ and a real PostgreSQL, three flows, messages all the while: a platform, RabbitMQ and PostgreSQL are killed
with SIGKILL in turn. What was accepted arrives; repeats are counted, and how long it takes until messages arrive again is printed.
MILLRACE_MESSAGES: how many."""
import http.client
import json
import os
import tempfile
import threading
import time
import unittest
import urllib.parse

from client import Serve
from ledger_target import LedgerTarget
from running import until
from server import Rabbitmq
from surroundings import KEY, postgresql

MESSAGES = int(os.environ.get("MILLRACE_MESSAGES", "20000"))
SENDERS = 8
FLOW = """name: {name}
steps:
  - id: form
    trigger: webhook.receive
    config: {{ path: {name} }}
  - id: shape
    action: jsonata.transform
    after: form
    config: {{ expression: '{{ "number": body.number }}' }}
  - id: send
    action: http.request
    after: shape
    instances: 2
    config: {{ method: POST, url: "{url}" }}
"""
FLOWS = ("alpha", "beta", "gamma")


class KilledInTurn(unittest.TestCase):
    def setUp(self):
        self.rabbitmq = Rabbitmq()
        self.addCleanup(self.rabbitmq.close)
        self.database = postgresql()
        self.addCleanup(self.database.close)
        folder = tempfile.TemporaryDirectory(prefix="millrace-turns-")
        self.addCleanup(folder.cleanup)
        url = self.database.database("mill")
        self.platforms = []
        for name in ("east", "west"):
            served = Serve(os.path.join(folder.name, name), {"MILLRACE_AMQP": self.rabbitmq.url, "MILLRACE_STORE": url,
                                                             "MILLRACE_KEY": KEY, "MILLRACE_MEMBER": name})
            self.addCleanup(served.__exit__)
            self.platforms.append(served)
        self.target = LedgerTarget()
        self.accepted = {flow: set() for flow in FLOWS}

    def arrived(self):
        return len({body["number"] for _, body in self.target.ledger})

    def send(self, numbers):
        """Each to either platform until one has accepted it."""
        connections = {}
        while True:
            try:
                number = numbers.pop()
            except IndexError:
                return
            flow = FLOWS[number % len(FLOWS)]
            turn = number
            while True:
                turn += 1
                served = self.platforms[turn % 2]
                try:
                    address = next(line for line in served.lines if line.startswith("http ")).split()[1]
                    if address not in connections:
                        url = urllib.parse.urlsplit(address)
                        connections[address] = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
                    connections[address].request("POST", "/" + flow, json.dumps({"number": number}), {"Content-Type": "application/json"})
                    answer = connections[address].getresponse()
                    answer.read()
                    if answer.status == 202:
                        self.accepted[flow].add(number)
                        break
                except (OSError, http.client.HTTPException, StopIteration):
                    connections.pop(address, None) if "address" in locals() else None
                time.sleep(0.05)

    def complaint(self):
        east = self.platforms[0]
        states = []
        for served in self.platforms:
            try:
                states.append(served.client(east.token).get("/v1/status").body)
            except OSError as error:
                states.append(error)
        return "\n".join(map(str, (self.arrived(), sum(map(len, self.accepted.values())), *states,
                                   self.rabbitmq.control("list_queues", "name", "messages_ready", "messages_unacknowledged", "consumers"),
                                   *(line for served in self.platforms for line in served.errors[-15:]))))

    def recover(self, what, kill, start):
        """Kills it, starts it again, and prints how long nothing new has arrived."""
        kill()
        began = time.monotonic()
        start()
        before = self.arrived()
        until(lambda: self.arrived() > min(before + 20, MESSAGES - 1), 60, self.complaint)
        print(f"{what} killed: messages arrive again after {time.monotonic() - began:.1f} s", flush=True)

    def test_nothing_is_lost(self):
        east, west = self.platforms
        for name in FLOWS:
            deployed = east.client().deploy(name, FLOW.format(name=name, url=self.target.url))
            self.assertEqual(deployed.status, 201, deployed.body)
        until(lambda: all(west.client(east.token).get(f"/v1/flows/{name}").json["state"] == "running" for name in FLOWS), 30, lambda: west.errors)
        began = time.monotonic()
        numbers = list(range(MESSAGES))
        senders = [threading.Thread(target=self.send, args=(numbers,), daemon=True) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        for turn, (what, kill, start) in enumerate((("a platform", west.kill, west.start),
                                                    ("RabbitMQ", self.rabbitmq.kill, self.rabbitmq.start),
                                                    ("PostgreSQL", self.database.kill, self.database.start),
                                                    ("the other platform", east.kill, east.start))):
            until(lambda share=turn: self.arrived() >= MESSAGES * (share + 1) // 6, 300,
                  lambda: (self.arrived(), [served.errors[-10:] for served in self.platforms]))
            self.recover(what, kill, start)
        for sender in senders:
            sender.join(300)
        self.assertEqual(sum(len(numbers) for numbers in self.accepted.values()), MESSAGES)
        until(lambda: self.arrived() == MESSAGES, 120,
              lambda: (self.arrived(), [served.client(east.token).get("/v1/status").body for served in self.platforms],
                       [served.errors[-10:] for served in self.platforms]))
        spent = time.monotonic() - began
        sent_again = len({key for key, _ in self.target.ledger}) - MESSAGES  # by the sender, who had no answer
        repeats = len(self.target.ledger) - MESSAGES - sent_again
        print(f"{MESSAGES} messages over three flows and two platforms in {spent:.0f} s, 0 lost, repeats: {repeats} with the first one's "
              f"Idempotency-Key, and {sent_again} that the sender sent again", flush=True)
        self.assertLess(sent_again, 4 * SENDERS + 1)


if __name__ == "__main__":
    unittest.main()
