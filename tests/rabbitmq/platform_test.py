"""A platform whose queues are in a real RabbitMQ: what it declares and removes there, what survives kills of either, dead letters, replies,
snapshots, ticks, and what it says of a RabbitMQ that is not there or does not let it."""
import http.client
import http.server
import json
import os
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

import pika

from client import Serve
from ledger_target import LedgerTarget
from running import MILLRACE, until
from server import Rabbitmq

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
    config: {{ method: POST, url: "{url}" }}
    retry: {{ initial: 200ms, factor: 2, max: 1s, attempts: 3 }}
"""


class Feed(http.server.BaseHTTPRequestHandler):
    """A source with numbered records: all after ?since=N, and notes which positions it was asked for."""
    asked = []
    records = 3

    def do_GET(self):
        since = int(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["since"][0])
        Feed.asked.append(since)
        body = json.dumps([{"id": number} for number in range(since + 1, Feed.records + 1)]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class PlatformOnRabbitmq(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Rabbitmq()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-rabbitmq-data-")
        self.addCleanup(folder.cleanup)
        self.data = os.path.join(folder.name, "data")
        self.target = LedgerTarget()
        vhost = self.id().rsplit(".", 1)[1]
        self.server.control("add_vhost", vhost)
        self.server.control("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*")
        self.url = self.server.url + vhost

    def serve(self, url=None, arguments=()):
        served = Serve(self.data, {"MILLRACE_AMQP": url or self.url}, arguments)
        self.addCleanup(served.__exit__)
        return served

    def post(self, served, path, body, **headers):
        address = next(line for line in served.lines if line.startswith("http ")).split()[1]
        url = urllib.parse.urlsplit(address)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        try:
            connection.request("POST", "/" + path, json.dumps(body), {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def numbers(self):
        return sorted({body["number"] for _, body in self.target.ledger})

    def queues(self):
        """{name: ready} in RabbitMQ, of the queues that it is asked for."""
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        found = {}
        for version in (1, 2):
            for step in ("shape", "send"):
                channel = connection.channel()
                try:
                    found[f"orders@{version}.{step}"] = channel.queue_declare(f"orders@{version}.{step}", passive=True).method.message_count
                except pika.exceptions.ChannelClosedByBroker:
                    pass
        connection.close()
        return found

    def test_nothing_that_was_accepted_is_lost_when_rabbitmq_and_the_platform_are_killed(self):
        served = self.serve()
        self.assertEqual(served.client().deploy("orders", ORDERS.format(url=self.target.url)).status, 201)
        total, accepted, stop = 600, set(), threading.Event()
        left = list(range(total))

        def send():
            while left and not stop.is_set():
                number = left.pop()
                while True:
                    try:
                        if self.post(served, "orders", {"number": number})[0] == 202:
                            accepted.add(number)
                            break
                    except (OSError, http.client.HTTPException):
                        pass
                    time.sleep(0.1)

        senders = [threading.Thread(target=send, daemon=True) for _ in range(4)]
        for sender in senders:
            sender.start()
        until(lambda: len(accepted) > total / 6, 60, lambda: f"{len(accepted)} accepted; {served.errors[-20:]}")
        self.server.kill()
        began = time.monotonic()
        self.server.start()
        until(lambda: len(self.target.ledger) > total / 4, 60, lambda: f"{len(self.target.ledger)}; {served.errors[-20:]}")
        print(f"RabbitMQ killed and back: messages arrive again after {time.monotonic() - began:.1f} s", flush=True)
        served.kill()
        served.start()
        for sender in senders:
            sender.join(90)
        until(lambda: len(self.numbers()) == total, 90,
              lambda: f"{len(self.numbers())} of {total} arrived; {served.client().get('/v1/status').body} {served.errors[-20:]}")
        self.assertEqual(accepted, set(range(total)))
        print(f"{total} forms, repeats: {len(self.target.ledger) - total}", flush=True)

    def test_a_version_that_has_finished_takes_its_queues_with_it(self):
        served = self.serve()
        api = served.client()
        self.assertEqual(api.deploy("orders", ORDERS.format(url=self.target.url)).status, 201)
        self.target.mode = "unavailable"
        self.assertEqual(self.post(served, "orders", {"number": 1})[0], 202)
        until(lambda: self.target.requests > 0, 30, lambda: served.errors)
        self.assertEqual(api.deploy("orders", ORDERS.format(url=self.target.url) + "# again\n").status, 201)
        until(lambda: set(self.queues()) == {f"orders@{version}.{step}" for version in (1, 2) for step in ("shape", "send")}, 30,
              lambda: (self.queues(), served.errors))
        self.target.mode = "up"
        until(lambda: self.numbers() == [1], 30, lambda: served.errors)
        until(lambda: set(self.queues()) == {"orders@2.shape", "orders@2.send"}, 30, lambda: (self.queues(), served.errors))
        self.assertEqual(self.post(served, "orders", {"number": 2})[0], 202)
        until(lambda: self.numbers() == [1, 2], 30, lambda: served.errors)
        until(lambda: api.ask("DELETE", "/v1/flows/orders").status == 202, 30, lambda: served.errors)  # 409 while it has some in flight
        until(lambda: self.queues() == {}, 30, lambda: (self.queues(), served.errors))

    def test_dead_letters_are_listed_and_go_back_to_their_step(self):
        served = self.serve()
        api = served.client()
        self.assertEqual(api.deploy("orders", ORDERS.format(url=self.target.url)).status, 201)
        self.target.mode = "unavailable"
        self.assertEqual(self.post(served, "orders", {"number": 7})[0], 202)
        until(lambda: len(api.get("/v1/dead-letters").json["items"]) == 1, 30, lambda: served.errors)
        letter = api.get("/v1/dead-letters").json["items"][0]
        self.assertEqual((letter["flow"], letter["step"], letter["attempts"]), ("orders", "send", 3), letter)
        served.kill()
        served.start()
        self.target.mode = "up"
        retried = subprocess.run([MILLRACE, "dead-letters", "retry", "--all", "--data", self.data], capture_output=True, text=True, timeout=60,
                                 check=False)
        self.assertEqual(retried.returncode, 0, retried.stderr)
        until(lambda: self.numbers() == [7], 30, lambda: served.errors)
        self.assertEqual(served.client().get("/v1/dead-letters").json["items"], [])

    def test_a_caller_gets_its_reply_also_after_rabbitmq_was_away(self):
        served = self.serve()
        flow = """name: ask
steps:
  - id: question
    trigger: webhook.receive
    config: { path: ask, reply_timeout: 10s }
  - id: answer
    action: http.reply
    after: question
    config: { body: body.number * 2 }
"""
        deployed = served.client().deploy("ask", flow)
        self.assertEqual(deployed.status, 201, deployed.body)
        self.assertEqual(self.post(served, "ask", {"number": 21}), (200, b"42"))
        self.server.kill()
        self.server.start()
        until(lambda: self.post(served, "ask", {"number": 4})[:1] == (200,), 60, lambda: served.errors)

    def test_snapshots_and_ticks_go_on_where_they_were(self):
        feed = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Feed)
        self.addCleanup(feed.server_close)
        threading.Thread(target=feed.serve_forever, daemon=True).start()
        self.addCleanup(feed.shutdown)
        flow = f"""name: poll
steps:
  - id: source
    trigger: http.poll
    config:
      every: 1s
      url: "http://127.0.0.1:{feed.server_port}/"
      query: {{ since: "{{{{ $cursor ? $cursor : 0 }}}}" }}
      cursor: '$items ? $max($items.id) : $cursor'
  - id: send
    action: http.request
    after: source
    input: '{{ "number": body.id }}'
    config: {{ method: POST, url: "{self.target.url}" }}
"""
        served = self.serve()
        deployed = served.client().deploy("poll", flow)
        self.assertEqual(deployed.status, 201, deployed.body)
        until(lambda: self.numbers() == [1, 2, 3], 30, lambda: served.errors)
        until(lambda: served.client().get("/v1/flows/poll/steps/source/snapshot").json["snapshot"]["cursor"] == 3, 30, lambda: served.errors)
        served.kill()
        Feed.asked.clear()
        Feed.records = 5
        served.start()
        until(lambda: self.numbers() == [1, 2, 3, 4, 5], 30, lambda: served.errors)
        self.assertEqual(Feed.asked[0], 3)
        self.assertEqual(len(self.target.ledger), 5)

    def test_ordered_by_is_refused_where_it_stands(self):
        served = self.serve()
        flow = ORDERS.format(url=self.target.url).replace("    after: shape\n", "    after: shape\n    ordered_by: body.number\n")
        refused = served.client().deploy("orders", flow)
        self.assertEqual(refused.status, 422, refused.body)
        self.assertIn("RabbitMQ", refused.body.decode())
        self.assertIn("steps[2].ordered_by", refused.body.decode())

    def test_a_rabbitmq_that_is_late_or_refuses_is_a_state_that_is_said(self):
        self.server.control("add_user", "weak", "s3cret")
        weak = self.url.replace("guest:guest@", "weak:s3cret@")
        served = self.serve(weak)
        until(lambda: any("RabbitMQ is not reached" in line for line in served.errors), 30, lambda: served.errors)
        self.assertEqual(served.client().deploy("orders", ORDERS.format(url=self.target.url)).status, 201)
        state = served.client().get("/v1/status").json["rabbitmq"]
        self.assertFalse(state["connected"], state)
        self.assertIn("weak", state["trouble"])
        self.assertNotIn("s3cret", "".join(served.errors))
        vhost = self.url.rsplit("/", 1)[1]
        self.server.control("set_permissions", "-p", vhost, "weak", ".*", ".*", ".*")
        until(lambda: served.client().get("/v1/status").json["rabbitmq"]["connected"], 30, lambda: served.errors)
        self.assertEqual(self.post(served, "orders", {"number": 1})[0], 202)
        until(lambda: self.numbers() == [1], 30, lambda: served.errors)

    def test_a_url_that_is_none_is_refused_without_its_password(self):
        done = subprocess.run([MILLRACE, "serve", "--data", self.data, "--amqp", "http://mill:s3cret@127.0.0.1/"], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("amqp", done.stderr)
        self.assertNotIn("s3cret", done.stderr)


if __name__ == "__main__":
    unittest.main()
