"""Replays over the API: dry run, version, edited bodies, rate and stop; and 100,000 messages through a kill -9, each put in once."""
import asyncio
import collections
import json
import os
import re
import tempfile
import threading
import unittest
import urllib.request

from client import Serve
from running import until

EXECUTIONS = 100
ITEMS = 1_000

LINE = """name: orders
steps:
  - id: form
    trigger: webhook.receive
    config: {{ path: orders }}
  - id: each
    action: message.split
    after: form
    config: {{ items: body.items }}
  - id: out
    after: each
{out}
"""
NOWHERE = LINE.format(out="""    action: jsonata.transform
    config: { expression: '{ "n": body.n }' }""")
TO_TARGET = LINE.format(out="""    action: http.request
    instances: 2
    config: { method: POST, url: "${TARGET}/count" }
    retry: { initial: 100ms, factor: 1, attempts: 100 }""")


class Counter(threading.Thread):
    """A sink that counts: for each body's n, the keys that it came with. One thread, for it has to be quick."""

    def __init__(self):
        super().__init__(daemon=True)
        self.keys = collections.defaultdict(set)
        self.requests = 0
        self.loop = asyncio.new_event_loop()
        self.url = None
        self.start()
        until(lambda: self.url, 10, lambda: "the sink does not listen")

    def run(self):
        counter = self
        key = re.compile(rb"(?i)idempotency-key: *(\S+)")
        length = re.compile(rb"(?i)content-length: *(\d+)")
        number = re.compile(rb'"n": ?(\d+)')

        class Connection(asyncio.Protocol):
            def connection_made(self, transport):
                self.transport, self.got = transport, b""

            def data_received(self, data):
                self.got += data
                while (end := self.got.find(b"\r\n\r\n")) >= 0:
                    head = self.got[:end]
                    size = end + 4 + int(length.search(head)[1])
                    if len(self.got) < size:
                        return
                    counter.keys[int(number.search(self.got, end)[1])].add(key.search(head)[1])
                    counter.requests += 1
                    self.got = self.got[size:]
                    self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")

        async def serve():
            server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            await server.serve_forever()
        self.loop.run_until_complete(serve())


class Replays(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-replays-")
        self.addCleanup(folder.cleanup)
        self.sink = Counter()
        self.served = Serve(os.path.join(folder.name, "data"), {"TARGET": self.sink.url})
        self.addCleanup(self.served.__exit__)
        self.client = self.served.client()

    def post(self, items):
        http = next(line.split()[1] for line in self.served.lines if line.startswith("http "))
        request = urllib.request.Request(f"{http}/orders", json.dumps({"items": items}).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read())["execution"]

    def recorded(self, execution):
        def state():
            answer = self.client.get(f"/v1/executions/{execution}", check=False)
            return answer.json["state"] if answer.status == 200 else "unknown"
        until(lambda: state() == "done", 60, lambda: f"{execution} is {state()}")

    def ended(self, replay, seconds=120):
        def show():
            return self.client.get(f"/v1/replays/{replay}").json
        until(lambda: show()["state"] != "running", seconds, lambda: str(show()))
        return show()

    def start(self, **order):
        answer = self.client.post("/v1/replays", order)
        self.assertEqual(answer.status, 201, answer.body)
        self.assertEqual(answer.headers["location"], "/v1/replays/" + answer.json["id"])
        return answer.json["id"]

    def test_a_replay_of_100_000_messages_goes_on_after_a_kill_and_each_is_put_in_once(self):
        self.assertEqual(self.client.deploy("orders", NOWHERE).status, 201)
        executions = [self.post([{"n": i * ITEMS + k} for k in range(ITEMS)]) for i in range(EXECUTIONS)]
        for execution in executions[-3:]:
            self.recorded(execution)
        self.assertEqual(self.client.deploy("orders", TO_TARGET).status, 201)
        order = {"flow": "orders", "step": "out", "version": "current"}
        total = EXECUTIONS * ITEMS

        def would_send():
            return self.client.post("/v1/replays", {**order, "dry_run": True}).json["would_send"]
        until(lambda: would_send() == total, 60, lambda: f"{would_send()} are recorded")
        self.assertEqual(self.sink.requests, 0)
        replay = self.start(**order)
        for part in (0.1, 0.5):
            until(lambda: self.sink.requests > total * part, 120, lambda: f"{self.sink.requests} requests")
            self.served.kill()
            self.served.start()
            self.client = self.served.client()
        shown = self.ended(replay, 240)
        self.assertEqual((shown["state"], shown["sent"], shown["skipped"]), ("done", total, 0), shown)
        until(lambda: len(self.sink.keys) == total, 240, lambda: f"{len(self.sink.keys)} of {total} came")
        until(lambda: self.client.get("/v1/status").json["in_flight"] == 0, 120, lambda: "still in flight")
        twice = {n: keys for n, keys in self.sink.keys.items() if len(keys) != 1}
        self.assertEqual(twice, {})
        self.assertEqual(len({key for keys in self.sink.keys.values() for key in keys}), total)

    def test_one_execution_is_replayed_from_a_step_with_another_body_and_nothing_else_is(self):
        self.assertEqual(self.client.deploy("orders", TO_TARGET).status, 201)
        first = self.post([{"n": 1}, {"n": 2}])
        self.recorded(first)
        dry = self.client.post("/v1/replays", {"execution": first, "step": "out", "dry_run": True}).json
        self.assertEqual((dry["would_send"], dry["would_skip"], len(dry["examples"])), (2, 0, 2))
        message = dry["examples"][0]["message"]
        replay = self.start(execution=first, step="out", message=message, body={"n": 77}, rate=100)
        self.assertEqual(self.ended(replay)["sent"], 1)
        until(lambda: 77 in self.sink.keys, 20, lambda: "the replayed message does not come")
        again = self.client.get("/v1/executions?limit=1").json["items"]
        until(lambda: self.client.get("/v1/executions?limit=1").json["items"][0]["via"] == "replay", 20, lambda: str(again))
        again = self.client.get("/v1/executions?limit=1").json["items"][0]
        self.assertEqual(again["replay"], {"id": replay, "of": first})
        self.assertEqual(self.ended(self.start(execution=first))["sent"], 1)
        until(lambda: len(self.sink.keys[1]) == 2 and len(self.sink.keys[2]) == 2, 20, lambda: str(self.sink.keys))
        audit = [entry["action"] for entry in self.client.get("/v1/audit").json["items"]]
        self.assertEqual(audit.count("replay.start"), 2)
        self.assertEqual(len(self.client.get("/v1/replays").json["items"]), 2)

    def test_a_body_may_be_as_deep_as_those_of_webhooks(self):
        self.assertEqual(self.client.deploy("orders", NOWHERE).status, 201)
        first = self.post([{"n": 1}])
        self.recorded(first)
        body = {"n": 2}
        for _ in range(100):
            body = {"deeper": body}
        replay = self.start(execution=first, step="out", body=body)
        self.assertEqual(self.ended(replay)["sent"], 1)
        self.assertEqual(self.client.get(f"/v1/replays/{replay}").json["order"]["body"], body)

    def test_a_replay_on_its_own_version_brings_it_back_and_a_slow_one_is_stopped(self):
        self.assertEqual(self.client.deploy("orders", TO_TARGET).status, 201)
        first = self.post([{"n": n} for n in range(50)])
        self.recorded(first)
        self.assertEqual(self.client.deploy("orders", NOWHERE).status, 201)
        until(lambda: self.client.get("/v1/flows/orders/versions/1").json["state"] == "retired", 30, lambda: "not retired")
        self.assertEqual(self.ended(self.start(execution=first, step="out", version="original"))["sent"], 50)
        until(lambda: all(len(self.sink.keys[n]) == 2 for n in range(50)), 30, lambda: "not sent on version 1")
        slow = self.start(flow="orders", step="out", state="done", rate=20)
        until(lambda: self.client.get(f"/v1/replays/{slow}").json["sent"] > 0, 20, lambda: "it does not begin")
        stopped = self.client.post(f"/v1/replays/{slow}/stop")
        self.assertEqual((stopped.status, stopped.json["state"]), (200, "stopped"))
        self.assertLess(stopped.json["sent"], 50)
        self.assertEqual(self.client.post(f"/v1/replays/{slow}/stop").status, 409)

    def test_orders_that_cannot_be_are_refused(self):
        self.assertEqual(self.client.deploy("orders", NOWHERE).status, 201)
        for order in ({}, {"flow": 1}, {"odd": 1}, {"flow": "orders", "rate": 0}, {"flow": "orders", "version": "new"},
                      {"flow": "orders", "since": "soon"}, {"flow": "orders", "message": "m"}, {"flow": "orders", "dry_run": 1}):
            self.assertEqual(self.client.post("/v1/replays", order).status, 400, order)
        for order in ({"flow": "none"}, {"flow": "orders", "step": "none"}, {"execution": "none", "dry_run": True}):
            self.assertEqual(self.client.post("/v1/replays", order).status, 404, order)
        self.assertEqual(self.client.get("/v1/replays/none").status, 404)
        self.assertEqual(self.client.post("/v1/replays/none/stop").status, 404)


if __name__ == "__main__":
    unittest.main()
