"""Executions over the API and the command line: what is recorded, found and shown, and what is left out."""
import json
import os
import subprocess
import tempfile
import unittest
import urllib.request

from client import Serve
from running import MILLRACE, Target, post, until

FLOW = """name: orders
history: {{ record: {record}, redact: [iban] }}
steps:
  - id: form
    trigger: webhook.receive
    config: {{ path: orders }}
  - id: each
    action: message.split
    after: form
    config: {{ items: body.items }}
  - id: shape
    action: jsonata.transform
    after: each
    config: {{ expression: '{{ "n": body.n, "iban": "DE00", "password": "hunter2" }}' }}
  - id: publish
    action: http.request
    after: shape
    input: '{{ "sent": body.n }}'
    config: {{ method: POST, url: "${{TARGET}}/posts" }}
    retry: {{ initial: 100ms, factor: 1, attempts: 3 }}
"""


class Executions(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-executions-")
        self.addCleanup(folder.cleanup)
        self.target = Target()
        self.addCleanup(self.target.__exit__)
        self.served = Serve(os.path.join(folder.name, "data"), {"TARGET": self.target.url})
        self.addCleanup(self.served.__exit__)
        self.http = next(line.split()[1] for line in self.served.lines if line.startswith("http "))
        self.client = self.served.client()

    def deploy(self, record="full"):
        self.assertEqual(self.client.deploy("orders", FLOW.format(record=record)).status, 201)

    def call(self, *numbers):
        body = json.dumps({"items": [{"n": n} for n in numbers], "token": "hush"})
        request = urllib.request.Request(f"{self.http}/orders", body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())["execution"]

    def execution(self, id, state):
        def ask():
            return self.client.get(f"/v1/executions/{id}")
        until(lambda: ask().status == 200 and ask().json["state"] == state, 20, lambda: f"{id} is not {state}: {ask().body}")
        return ask().json

    def cli(self, *words):
        done = subprocess.run([MILLRACE, *words, "--data", self.served.data], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_one_message_is_followed_through_all_its_steps(self):
        self.deploy()
        id = self.call(1, 2)
        shown = self.execution(id, "done")
        self.assertEqual((shown["handled"], shown["retries"], shown["via"]), (5, 0, "webhook"))
        messages = {message["id"]: message for message in shown["messages"]}
        self.assertEqual(len(messages), 5)
        published = [m for m in messages.values() if m["from"] == "shape"]
        self.assertEqual(sorted(m["message"]["body"]["n"] for m in published), [1, 2])
        for message in published:
            self.assertEqual(message["message"]["body"]["iban"], "[redacted]")
            self.assertEqual(message["message"]["body"]["password"], "[redacted]")
            self.assertTrue(message["redacted"])
            attempt = message["steps"][0]["attempts"][0]
            self.assertEqual((message["steps"][0]["step"], attempt["outcome"]), ("publish", "done"))
            self.assertEqual(attempt["input"], {"sent": message["message"]["body"]["n"]})
            self.assertGreater(attempt["took_us"], 0)
            self.assertIsNotNone(attempt["outputs"][0]["message"])
            self.assertEqual(messages[messages[message["parent"]]["parent"]]["id"], id)
        self.assertEqual(messages[id]["message"]["body"]["token"], "[redacted]")
        for secret in (b"hush", b"hunter2", b"DE00"):
            for name in os.listdir(os.path.join(self.served.data, "history")):
                with open(os.path.join(self.served.data, "history", name), "rb") as file:
                    self.assertNotIn(secret, file.read())
        tree = self.cli("execution", "show", id)
        self.assertIn("publish  done", tree)
        self.assertIn("done", self.cli("execution", "follow", id).splitlines()[-1])
        self.assertEqual(json.loads(self.cli("execution", "list", "--json", "--since", "1h"))["executions"][0]["id"], id)

    def test_failures_are_found_by_state_step_and_text_and_a_retry_settles_them(self):
        self.deploy()
        good = self.call(1)
        self.execution(good, "done")
        self.target.status = 400
        bad = self.call(2)
        shown = self.execution(bad, "failed")
        self.assertEqual((shown["failure"]["step"], shown["failure"]["code"]), ("publish", "http.status"))
        self.assertEqual(shown["dead_letters"][0]["execution"], bad)

        def ids(query):
            return [item["id"] for item in self.client.get("/v1/executions?" + query).json["items"]]
        self.assertEqual(ids("flow=orders"), [bad, good])
        for query in ("state=failed", "error=HTTP.status", "state=failed&step=publish", "error=400&step=publish"):
            self.assertEqual(ids(query), [bad], query)
        self.assertEqual(ids("state=done&step=shape&version=1"), [good])
        for query in ("state=failed&step=shape", "flow=other", "version=2", "error=nothing", "until=1000", "state=running"):
            self.assertEqual(ids(query), [], query)
        first = self.client.get("/v1/executions?limit=1").json
        self.assertEqual(self.client.get("/v1/executions?limit=1&cursor=" + first["next"]).json["items"][0]["id"], good)
        for query in ("state=odd", "version=x", "since=yesterday", "cursor=x", "limit=0", "odd=1"):
            self.assertEqual(self.client.get("/v1/executions?" + query).status, 400, query)
        self.assertEqual(self.client.get("/v1/executions/none").status, 404)
        self.target.status = 201
        letter = shown["dead_letters"][0]["id"]
        self.assertEqual(self.client.post(f"/v1/dead-letters/{letter}/retry").status, 200)
        self.execution(bad, "done")

    def test_retries_are_shown_try_by_try_and_errors_alone_are_recorded_where_that_is_asked_for(self):
        self.deploy("errors")
        self.target.status = 503
        bad = self.call(3)
        shown = self.execution(bad, "failed")
        attempts = shown["messages"][0]["steps"][0]["attempts"]
        self.assertEqual([a["outcome"] for a in attempts], ["retrying", "retrying", "failed"])
        self.assertGreater(attempts[0]["retry_at"], attempts[0]["at"])
        self.assertEqual(shown["messages"][0]["message"]["body"]["n"], 3)
        self.target.status = 201
        good = self.call(4)
        until(lambda: any(json.loads(text) == {"sent": 4} for _, text in list(self.target.ledger)), 20, lambda: "not sent")
        self.execution(bad, "failed")
        self.assertEqual(self.client.get(f"/v1/executions/{good}").status, 404)

    def test_history_outlives_a_kill(self):
        self.deploy()
        id = self.call(5)
        before = self.execution(id, "done")
        self.served.kill()
        self.served.start()
        self.client = self.served.client()
        self.assertEqual(self.execution(id, "done"), before)


if __name__ == "__main__":
    unittest.main()
