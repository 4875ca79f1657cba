"""Dead letters over the API: pages, queries, another body, many at once."""
import json
import os
import tempfile
import unittest

from client import Serve
from running import Target, post, until

FLOW = """name: orders
steps:
  - { id: form, trigger: webhook.receive, config: { path: orders } }
  - { id: publish, action: http.request, after: form, config: { method: POST, url: "${TARGET}/posts" } }
"""


class DeadLetters(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(self.folder.cleanup)
        self.target = Target(status=404)
        self.addCleanup(self.target.__exit__)
        self.served = Serve(os.path.join(self.folder.name, "data"), {"TARGET": self.target.url})
        self.addCleanup(self.served.__exit__)
        self.client = self.served.client()
        self.assertEqual(self.client.deploy("orders", FLOW).status, 201)
        webhook = next(line.split()[1] for line in self.served.lines if line.startswith("http ")) + "/orders"
        for n in range(30):
            self.assertEqual(post(webhook, json.dumps({"n": n})), 202)
        until(lambda: self.client.get("/v1/flows/orders").json["dead_letters"] == 30, 20, lambda: self.served.errors)

    def pages(self, query):
        items, cursor = [], ""
        while cursor is not None:
            page = self.client.get(f"/v1/dead-letters?{query}&cursor={cursor}").json
            items += page["items"]
            yield items
            cursor = page["next"]

    def test_pages_lose_nothing_when_some_are_dropped_in_between(self):
        seen = []
        for items in self.pages("limit=7"):
            seen = [item["id"] for item in items]
            self.assertEqual(self.client.ask("DELETE", "/v1/dead-letters/" + seen[-1]).status, 200)
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(len(seen), 30)
        self.assertEqual(self.client.get("/v1/dead-letters?cursor=7").status, 400)

    def test_a_query_says_first_how_many_and_then_changes_them_once(self):
        retry = lambda **body: self.client.post("/v1/dead-letters/retry", body)
        self.assertEqual(retry(text="404", dry_run=True).json, {"count": 30, "dry_run": True, "left": []})
        self.assertEqual(retry(flow="other", dry_run=True).json["count"], 0)
        for body in ({}, {"colour": "red"}, {"flow": 7}, {"failed_before": "yesterday"}, {"all": "yes"}):
            self.assertEqual(retry(**body).status, 400, body)
        one = self.client.get("/v1/dead-letters?limit=1").json["items"][0]
        self.target.status = 201
        mended = self.client.post(f"/v1/dead-letters/{one['id']}/retry", {"body": {"n": "mended"}})
        self.assertEqual(mended.status, 200)
        until(lambda: len(self.target.ledger) == 1, 10, lambda: self.target.ledger)
        self.assertEqual(json.loads(self.target.ledger[0][1]), {"n": "mended"})
        half = self.client.get("/v1/dead-letters?limit=200").json["items"]
        self.assertEqual(retry(step="publish", failed_after=half[0]["failed_at"] - 1).json["count"], 29)
        until(lambda: len(self.target.ledger) == 30, 20, lambda: len(self.target.ledger))
        self.assertEqual(len({key for key, _ in self.target.ledger}), 30)
        self.assertEqual(self.client.post("/v1/dead-letters/drop", {"all": True}).json["count"], 0)
        audit = self.client.get("/v1/audit?limit=200").json["items"]
        self.assertEqual([(e["action"], e["after"]) for e in audit[:2]], [("dead-letter.drop", "0"), ("dead-letter.retry", "29")])
        self.assertEqual(self.served.stop(), 0)


if __name__ == "__main__":
    unittest.main()
