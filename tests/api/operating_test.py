"""Queues, schedules and snapshots over the API; contexts of the command line."""
import http.server
import json
import os
import stat
import tempfile
import threading
import unittest

from client import Serve
from running import Target, millrace, post, until

FLOW = """name: orders
steps:
  - { id: form, trigger: webhook.receive, config: { path: orders } }
  - { id: publish, action: http.request, after: form, config: { method: POST, url: "${TARGET}/posts" }, retry: { initial: 1h, factor: 1 } }
"""
POLL = """name: shop
steps:
  - { id: look, trigger: http.poll, config: { every: 1h, url: "${SHOP}/items", items: "[body]", id: id, cursor: "'here'" } }
  - { id: write, action: message.log, after: look }
"""


class Shop(http.server.BaseHTTPRequestHandler):
    """An HTTP API with one item."""

    def do_GET(self):
        answer = b'{"id": 1}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Operating(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(self.folder.cleanup)
        self.target = Target()
        items = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
        self.addCleanup(items.server_close)
        self.addCleanup(items.shutdown)
        threading.Thread(target=items.serve_forever, daemon=True).start()
        shop = f"http://127.0.0.1:{items.server_address[1]}"
        self.addCleanup(self.target.__exit__)
        self.served = Serve(os.path.join(self.folder.name, "data"), {"TARGET": self.target.url, "SHOP": shop})
        self.addCleanup(self.served.__exit__)
        self.client = self.served.client()

    def test_queues_tell_depth_consumers_and_age(self):
        self.target.status = 503
        self.assertEqual(self.client.deploy("orders", FLOW).status, 201)
        webhook = next(line.split()[1] for line in self.served.lines if line.startswith("http ")) + "/orders"
        self.assertEqual(post(webhook, "{}"), 202)
        queue = lambda kind: next(q for q in self.client.get("/v1/queues?flow=orders").json["items"] if q["kind"] == kind)
        until(lambda: queue("rebounds")["ready"] == 1, 20, lambda: self.served.errors)
        waiting = queue("rebounds")
        self.assertEqual((waiting["step"], waiting["version"], waiting["name"]), ("publish", 1, "orders@1.publish.rebounds"))
        self.assertAlmostEqual(waiting["oldest_at"] / 1000, self.client.get("/v1/audit").json["items"][0]["at"] / 1000, delta=60)
        self.assertEqual((queue("step")["consumers"], queue("step")["published_total"], queue("step")["oldest_at"]), (1, 1, None))
        self.assertEqual(self.client.get("/v1/queues?flow=other").json["items"], [])
        self.assertIn("orders@1.publish.rebounds", millrace("queues", "orders", "--data", self.served.data).stdout)
        self.assertIn("orders/publish.1", millrace("workers", "--data", self.served.data).stdout)

    def test_a_snapshot_is_shown_and_reset_once_nobody_holds_it(self):
        self.assertEqual(self.client.deploy("shop", POLL).status, 201)
        path = "/v1/flows/shop/steps/look/snapshot"
        until(lambda: self.client.get(path).json["snapshot"], 20, lambda: self.served.errors)
        until(lambda: self.client.get("/v1/schedules").json["items"][0]["state"] == "waiting", 20, lambda: self.served.errors)
        self.assertIn("here", json.dumps(self.client.get(path).json["snapshot"]))
        self.assertEqual(self.client.ask("DELETE", path).status, 409)
        self.client.post("/v1/flows/shop/suspend")
        until(lambda: self.client.get("/v1/workers").json["items"] == [], 20, lambda: self.served.errors)
        where = ("--data", self.served.data)
        self.assertIn("here", millrace("snapshot", "show", "shop/look", *where).stdout)
        self.assertIn("reset", millrace("snapshot", "reset", "shop/look", *where).stdout)
        self.assertIsNone(self.client.get(path).json["snapshot"])
        self.assertEqual(self.client.get("/v1/flows/shop/steps/write/snapshot").status, 404)
        self.assertEqual(self.client.get("/v1/audit").json["items"][0]["action"], "snapshot.reset")

    def test_contexts_name_platforms_and_keep_tokens_from_others(self):
        home = os.path.join(self.folder.name, "config")
        environment = {**os.environ, "MILLRACE_CONFIG_DIR": home}
        run = lambda *arguments, code=0, **more: self.run_command(*arguments, code=code, env={**environment, **more})
        url, token = "http://" + self.served.api, os.path.join(self.served.data, "admin.token")
        self.assertEqual(self.client.deploy("orders", FLOW).status, 201)
        self.assertIn("in use", run("context", "add", "here", "--server", url, "--token-file", token))
        file = os.path.join(home, "contexts.json")
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        self.assertIn("orders", run("flow", "list"))
        run("context", "add", "there", "--server", "http://127.0.0.1:1", "--token-file", token)
        self.assertRegex(run("context", "list"), r"\* +here +http")
        run("flow", "list", "--context", "there", code=1)
        run("flow", "list", code=1, MILLRACE_CONTEXT="there")
        self.assertIn("orders", run("flow", "list", "--context", "here", MILLRACE_CONTEXT="there"))
        self.assertIn("orders", run("status", "--server", url, MILLRACE_TOKEN=self.served.token))
        run("context", "use", "there")
        run("flow", "list", code=1)
        self.assertIn("no context", run("flow", "list", "--context", "nowhere", code=2))
        os.chmod(file, 0o644)
        self.assertIn("chmod 600", run("flow", "list", code=1))
        os.chmod(file, 0o600)
        run("context", "remove", "there")
        self.assertNotIn(self.served.token, run("context", "list", "--json"))

    def run_command(self, *arguments, code, **options):
        result = millrace(*arguments, **options)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout + result.stderr


if __name__ == "__main__":
    unittest.main()
