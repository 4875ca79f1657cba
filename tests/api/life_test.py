"""A flow's whole life over the API, each response checked against docs/openapi.yaml, and the platform killed between any two
calls."""
import json
import os
import socket
import tempfile
import unittest

from client import Serve
from running import Target, post, until


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


def flow(by, retry="200ms"):
    return f"""name: orders
steps:
  - id: form
    trigger: webhook.receive
    config: {{ path: orders }}
  - id: shape
    action: jsonata.transform
    after: form
    config: {{ expression: '{{ "n": body.n, "by": "{by}" }}' }}
  - id: publish
    action: http.request
    after: shape
    config: {{ method: POST, url: "${{TARGET}}/posts" }}
    retry: {{ initial: {retry}, factor: 1, attempts: 100 }}
"""


class Life(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "data")
        self.target = Target()
        self.addCleanup(self.target.__exit__)
        self.http = free_address()

    def serve(self, **options):
        served = Serve(self.data, {"TARGET": self.target.url, "MILLRACE_HTTP": self.http}, **options)
        served.http = self.http
        self.addCleanup(served.__exit__)
        return served

    def call(self, n):
        return post(f"http://{self.http}/orders", json.dumps({"n": n}))

    def got(self):
        return sorted((body["n"], body["by"]) for body in (json.loads(text) for _, text in list(self.target.ledger)))

    def test_a_step_is_scaled_by_hand_and_by_others_that_ask(self):
        with tempfile.TemporaryDirectory(prefix="millrace-api-") as folder:
            with Serve(os.path.join(folder, "data"), arguments=("--worker-idle", "60s")) as served:
                api = served.client()
                flow = ("name: sized\nsteps:\n  - { id: form, trigger: webhook.receive, config: { path: sized } }\n"
                        "  - { id: write, action: message.log, after: form, instances: { min: 1, max: 3, target_backlog: 10 } }\n")
                self.assertEqual(api.deploy("sized", flow).status, 201)
                path = "/v1/flows/sized/steps/write/scale"
                until(lambda: api.get(path).json["connected"] == 1, 20, lambda: api.get(path).body)
                for wrong in ({}, {"instances": -1}, {"instances": 65}, {"instances": 1.5}, {"instances": 1, "more": 2}):
                    self.assertEqual(api.ask("PUT", path, wrong).status, 400, wrong)
                self.assertEqual(api.ask("PUT", path.replace("write", "form"), {"instances": 2}).status, 404)
                self.assertEqual(api.ask("PUT", path, {"instances": 2}).json["by_hand"], 2)
                until(lambda: api.get("/scale/sized/write").json["instances"] == 2, 20, lambda: api.get(path).body)
                entry = api.get("/v1/audit").json["items"][0]
                self.assertEqual((entry["action"], entry["after"]), ("step.scale", "2 instances"))
                served.kill()
                served.start()
                api = served.client()
                self.assertEqual(api.get(path).json["by_hand"], 2)
                self.assertIsNone(api.ask("PUT", path, {"instances": None}).json["by_hand"])
                self.assertEqual(api.get("/scale/sized/none").status, 404)

    def test_a_flow_lives_through_its_whole_life_with_a_kill_between_any_two_calls(self):
        served = self.start()
        steps = iter(self.life(lambda: served.client()))
        count = 0
        for name in steps:
            count += 1
            with self.subTest(after=name):
                served.kill()
                served.start()
        self.assertGreater(count, 15)
        self.assertEqual(served.stop(), 0)

    def start(self):
        served = Serve(self.data, {"TARGET": self.target.url}, arguments=())
        self.addCleanup(served.__exit__)
        served.kill()
        served.http = self.http
        served.start()
        return served

    def life(self, client):
        """Yields after each call, when the platform may be killed."""
        saved = client().put_draft("orders", flow("one"))
        self.assertEqual(saved.status, 201)
        yield "draft"
        self.assertEqual(client().get("/v1/flows/orders").json["state"], "draft")
        etag = client().get("/v1/flows/orders/draft").headers["etag"]
        yield "read"
        self.assertEqual(client().post("/v1/flows/orders/versions", If_Match=etag).status, 201)
        yield "published"
        self.assertEqual(client().post("/v1/flows/orders/versions", If_Match=etag).status, 200, "the same again is no new version")
        self.assertEqual(self.call(1), 202)
        yield "called"
        until(lambda: set(self.got()) == {(1, "one")}, 20, self.got)
        yield "worked"
        self.target.status = 503
        self.assertEqual(self.call(2), 202)
        yield "called while the target is down"
        self.assertEqual(client().deploy("orders", flow("two")).json["version"], 2)
        yield "second version"
        self.assertEqual(self.call(3), 202)
        shown = client().get("/v1/flows/orders").json
        self.assertEqual([(v["version"], v["state"]) for v in shown["versions_in_use"]], [(1, "draining"), (2, "current")])
        yield "both versions"
        self.target.status = 201
        until(lambda: set(self.got()) == {(1, "one"), (2, "one"), (3, "two")}, 30, self.got)
        yield "both have worked"
        until(lambda: [v["version"] for v in client().get("/v1/flows/orders").json["versions_in_use"]] == [2], 20,
              lambda: client().get("/v1/flows/orders").json)
        yield "the first is retired"
        self.assertEqual([v["state"] for v in client().get("/v1/flows/orders/versions").json["items"]], ["current", "retired"])
        self.assertIn('+    config: { expression: \'{ "n": body.n, "by": "two" }\' }',
                      client().get("/v1/flows/orders/versions/2/diff").json["diff"])
        yield "differences"
        self.assertEqual(client().post("/v1/flows/orders/suspend").json["state"], "suspended")
        yield "suspended"
        self.assertEqual(self.call(4), 202)
        yield "called while suspended"
        self.assertEqual(client().get("/v1/flows/orders").json["versions_in_use"][0]["in_flight"], 1)
        self.assertEqual(client().get("/v1/workers").json["items"], [])
        self.assertEqual(client().post("/v1/flows/orders/resume").status, 200)
        yield "resumed"
        until(lambda: (4, "two") in self.got(), 20, self.got)
        self.assertEqual(client().post("/v1/flows/orders/stop").status, 200)
        yield "stopped"
        self.assertEqual(self.call(5), 503)
        self.assertEqual(client().post("/v1/flows/orders/run", {"body": {"n": 5}}).status, 409)
        self.assertEqual(client().post("/v1/flows/orders/start").status, 200)
        yield "started"
        first = client().post("/v1/flows/orders/run", {"body": {"n": 6}}, Idempotency_Key="six")
        self.assertEqual(first.status, 202)
        yield "run now"
        again = client().post("/v1/flows/orders/run", {"body": {"n": 6}}, Idempotency_Key="six")
        self.assertEqual(again.json, first.json)
        until(lambda: (6, "two") in self.got(), 20, self.got)
        rolled = client().post("/v1/flows/orders/versions", {"from": 1})
        self.assertEqual((rolled.status, rolled.json["version"]), (201, 3))
        yield "rolled back"
        self.assertEqual(self.call(7), 202)
        until(lambda: (7, "one") in self.got(), 20, self.got)
        keys = {key for key, _ in self.target.ledger}
        self.assertEqual(len(keys), 6, "what a kill makes to be sent again has the key that it had")
        actions = [entry["action"] for entry in client().get("/v1/audit?limit=200").json["items"]]
        self.assertEqual(actions[0], "flow.publish")
        self.assertLessEqual({"flow.save", "flow.suspend", "flow.resume", "flow.stop", "flow.start"}, set(actions))
        yield "audit"
        until(lambda: client().ask("DELETE", "/v1/flows/orders").status in (202, 404), 20, "still in flight")
        yield "deleted"
        until(lambda: client().get("/v1/flows/orders").status == 404, 20, lambda: client().get("/v1/flows/orders").json)
        yield "gone"
        self.assertEqual(client().get("/v1/broker/queues").json["queues"], [])
        self.assertEqual(self.call(8), 404)

    def test_a_call_repeated_with_its_key_after_a_publication_and_a_kill_is_worked_on_once(self):
        served = self.start()
        client = served.client()
        key = {"Idempotency-Key": "order 1"}
        url = f"http://{self.http}/orders"
        self.assertEqual(client.deploy("orders", flow("one")).status, 201)
        self.assertEqual(post(url, '{"n": 1}', key), 202)
        until(lambda: self.got() == [(1, "one")], 20, self.got)
        self.assertEqual(client.deploy("orders", flow("two")).status, 201)
        self.assertEqual(post(url, '{"n": 1}', key), 202)
        until(lambda: len(client.get("/v1/flows/orders").json["versions_in_use"]) == 1, 20, "the first version drains")
        served.kill()
        served.start()
        self.assertEqual(post(url, '{"n": 1}', key), 202)
        self.assertEqual(post(url, '{"n": 2}', {"Idempotency-Key": "order 2"}), 202)
        until(lambda: (2, "two") in self.got(), 20, self.got)
        self.assertEqual(self.got(), [(1, "one"), (2, "two")])
        self.assertEqual(served.stop(), 0)

    def test_a_dead_letter_is_retried_on_the_version_it_had_or_on_the_current_one(self):
        served = self.start()
        client = served.client()
        self.target.status = 422
        self.assertEqual(client.deploy("orders", flow("one")).status, 201)
        for n in (1, 2):
            self.assertEqual(self.call(n), 202)
        until(lambda: len(client.get("/v1/dead-letters?flow=orders").json["items"]) == 2, 20, "dead letters")
        self.assertEqual(client.deploy("orders", flow("two")).status, 201)
        until(lambda: len(client.get("/v1/flows/orders").json["versions_in_use"]) == 1, 20, "the first version drains")
        self.target.status = 201
        letters = client.get("/v1/dead-letters?code=http.status").json["items"]
        self.assertEqual([letter["version"] for letter in letters], [1, 1])
        message = client.get(f"/v1/dead-letters/{letters[0]['id']}").json["message"]
        self.assertEqual(message["body"]["by"], "one")
        self.assertEqual(client.post(f"/v1/dead-letters/{letters[0]['id']}/retry", {"version": "original"}).status, 200)
        self.assertEqual(client.post(f"/v1/dead-letters/{letters[1]['id']}/retry").status, 200)
        until(lambda: len(self.got()) == 2, 20, self.got)
        until(lambda: len(client.get("/v1/flows/orders").json["versions_in_use"]) == 1, 20, "it drains again")
        self.assertEqual(client.get("/v1/dead-letters").json["items"], [])
        self.assertEqual(served.stop(), 0)


if __name__ == "__main__":
    unittest.main()
