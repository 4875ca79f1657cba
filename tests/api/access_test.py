"""Who may do what, and what garbage comes to: every operation of docs/openapi.yaml without a token, with a wrong scope, with
garbage and with 100 MB."""
import json
import os
import re
import sqlite3
import stat
import tempfile
import unittest

from client import DESCRIBED, Client, Serve
from running import millrace

FLOW = """name: hello
steps:
  - { id: form, trigger: webhook.receive, config: { path: hello } }
  - { id: write, action: message.log, after: form }
"""
OPEN = ("/healthz", "/readyz")


def filled(path):
    return re.sub(r"\{version\}", "1", re.sub(r"\{(?!version)[^}]+\}", "hello", path))


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.served = Serve(os.path.join(cls.folder.name, "data"))
        cls.addClassCleanup(cls.served.__exit__)
        cls.client = cls.served.client()
        assert cls.client.deploy("hello", FLOW).status == 201

    def setUp(self):
        self.assertEqual(self.client.get("/healthz").status, 200, "the platform lives")

    def token(self, *scopes):
        made = self.client.post("/v1/tokens", {"name": f"{self.id()} {' '.join(scopes)}", "scopes": list(scopes)})
        self.assertEqual(made.status, 201, made.body)
        return made.json

    def test_each_operation_needs_a_token(self):
        for token in ("", "nonsense", "millrace_000000000000_" + "0" * 48, self.client.token[:-1]):
            for method, path, _ in DESCRIBED.operations():
                if path not in OPEN:
                    with self.subTest(method=method, path=path, token=token):
                        answer = Client(self.client.address, token).ask(method, filled(path))
                        self.assertEqual(answer.status, 401)
                        self.assertEqual(answer.headers["www-authenticate"], "Bearer")

    def test_each_operation_needs_the_scope_that_is_described(self):
        clients = {scope: Client(self.client.address, self.token(scope)["token"])
                   for scope in ("flows:read", "flows:write", "operate", "credentials")}
        for method, path, operation in DESCRIBED.operations():
            if path in OPEN:
                continue
            needed = re.search(r"Scope ([a-z:]+)", operation["description"])[1]
            for scope, client in clients.items():
                with self.subTest(method=method, path=path, scope=scope):
                    if scope != needed:
                        self.assertEqual(client.ask(method, filled(path)).status, 403)
            if method == "GET" and needed in clients:
                self.assertNotIn(clients[needed].ask(method, filled(path)).status, (401, 403))

    def test_garbage_is_an_answer_and_no_crash(self):
        for method, path, operation in DESCRIBED.operations():
            body = operation.get("requestBody", {}).get("content", {})
            with self.subTest(method=method, path=path):
                if method == "GET" and not path.startswith(("/v1/broker", "/metrics", "/healthz", "/readyz")):
                    self.assertEqual(self.client.ask(method, filled(path) + "?nonsense=1").status, 400)
                if "application/json" in body and "application/yaml" not in body:
                    for garbage in (b"{", b"[]", b'"x"', b"\xff\xfe\x00", b'{"nonsense":1}' + b"x", b"[" * 5000):
                        self.assertEqual(self.client.ask(method, filled(path), garbage).status, 400)
                    self.assertEqual(self.client.ask(method, filled(path), b"x", "text/plain").status, 415)
                if "cursor" in json.dumps(operation.get("parameters", [])):
                    self.assertEqual(self.client.ask(method, filled(path) + "?limit=0").status, 400)
                    self.assertEqual(self.client.ask(method, filled(path) + "?limit=x").status, 400)

    def test_100_mb_are_refused_at_once(self):
        for method, path, operation in DESCRIBED.operations():
            if method == "GET" or path.startswith("/v1/broker"):
                continue
            with self.subTest(method=method, path=path):
                answer = self.client.ask(method, filled(path), Content_Length="100000000", body=b"")
                self.assertEqual(answer.status, 413)

    def test_a_draft_that_is_garbage_is_refused_or_kept_with_its_problems(self):
        self.assertEqual(self.client.put_draft("UPPER", FLOW).status, 400)
        self.assertEqual(self.client.put_draft("bad", b"\xff\xfe").status, 400)
        self.assertEqual(self.client.put_draft("bad", b"").status, 400)
        self.assertEqual(self.client.ask("PUT", "/v1/flows/bad/draft", FLOW, "text/html").status, 415)
        saved = self.client.put_draft("bad", "name: good\nsteps: []\n")
        self.assertEqual(saved.status, 201)
        self.assertTrue(saved.json["problems"])
        refused = self.client.post("/v1/flows/bad/versions")
        self.assertEqual(refused.status, 422)
        self.assertTrue(refused.json["problems"])
        unset = self.client.put_draft("unset", FLOW.replace("hello", "unset").replace("path: unset", 'path: "${UNSET_VARIABLE}"'))
        self.assertIn("UNSET_VARIABLE", json.dumps(unset.json["problems"]))

    def test_limits_that_only_containers_have_are_refused_where_processes_run(self):
        limited = FLOW.replace("hello", "limited") + "\nlimits: { cpu: 0.5 }\n"
        saved = self.client.put_draft("limited", limited)
        self.assertIn("only for containers", json.dumps(saved.json["problems"]))
        self.assertEqual(self.client.post("/v1/flows/limited/versions").status, 422)
        contained = self.client.put_draft("limited", limited + "driver: docker\n", If_Match="*")
        self.assertEqual(contained.json["problems"], [])

    def test_two_writers_of_one_draft(self):
        self.assertEqual(self.client.put_draft("shared", FLOW.replace("hello", "shared")).status, 201)
        seen = self.client.get("/v1/flows/shared/draft").headers["etag"]
        self.assertEqual(self.client.put_draft("shared", "first", If_Match=seen).status, 200)
        late = self.client.put_draft("shared", "second", If_Match=seen)
        self.assertEqual(late.status, 412)
        self.assertEqual(self.client.put_draft("shared", "second").status, 428)
        self.assertEqual(self.client.put_draft("shared", "second", If_None_Match="*").status, 412)
        self.assertEqual(self.client.post("/v1/flows/shared/versions", If_Match=seen).status, 412)
        self.assertEqual(self.client.get("/v1/flows/shared/draft").json["text"], "first")

    def test_a_webhook_belongs_to_one_flow(self):
        self.assertEqual(self.client.put_draft("thief", FLOW.replace("name: hello", "name: thief")).status, 201)
        refused = self.client.post("/v1/flows/thief/versions")
        self.assertEqual(refused.status, 409)
        self.assertIn("hello", refused.json["detail"])

    def test_methods_that_a_path_does_not_take_are_told(self):
        methods = {}
        for method, path, _ in DESCRIBED.operations():
            methods.setdefault(path, set()).add(method)
        for path, known in methods.items():
            if path in OPEN or path.startswith(("/v1/broker", "/metrics")):
                continue
            for method in {"GET", "PUT", "POST", "DELETE", "PATCH"} - known:
                with self.subTest(method=method, path=path):
                    answer = self.client.ask(method, filled(path), check=False)
                    self.assertEqual(answer.status, 405)
                    self.assertEqual(set(answer.headers["allow"].split(", ")), known)
        self.assertEqual(self.client.get("/v1/nothing").status, 404)

    def test_a_token_ends_with_its_deletion_and_is_nowhere_to_be_read(self):
        made = self.token("flows:read")
        client = Client(self.client.address, made["token"])
        self.assertEqual(client.get("/v1/flows").status, 200)
        self.assertNotIn("token", self.client.get("/v1/tokens?limit=200").json["items"][0])
        self.assertEqual(self.client.post("/v1/tokens", {"name": made["name"], "scopes": ["admin"]}).status, 409)
        self.assertEqual(self.client.ask("DELETE", f"/v1/tokens/{made['id']}").status, 204)
        self.assertEqual(client.get("/v1/flows").status, 401)
        self.assertEqual(self.client.ask("DELETE", f"/v1/tokens/{made['id']}").status, 404)
        mode = os.stat(os.path.join(self.served.data, "admin.token")).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        for secret in (made["token"], self.served.token):
            self.assertNotIn(secret, "".join(self.served.lines + self.served.errors))

    def test_a_post_with_the_same_idempotency_key_is_answered_once(self):
        first = self.client.post("/v1/flows/hello/run", {"body": {"a": 1}}, Idempotency_Key="k-1")
        again = self.client.post("/v1/flows/hello/run", {"body": {"a": 1}}, Idempotency_Key="k-1")
        other = self.client.post("/v1/flows/hello/run", {"body": {"a": 2}}, Idempotency_Key="k-1")
        self.assertEqual((first.status, again.status, other.status), (202, 202, 422))
        self.assertEqual(again.json, first.json)
        self.assertEqual(again.headers["idempotency-replayed"], "true")

    def test_pages_hold_everything_once(self):
        for n in range(5):
            self.assertEqual(self.client.put_draft(f"page-{n}", "x").status, 201)
        names, cursor = [], ""
        while True:
            page = self.client.get(f"/v1/flows?limit=2&cursor={cursor}").json
            names += [flow["name"] for flow in page["items"]]
            if page["next"] is None:
                break
            cursor = page["next"]
        self.assertEqual(names, sorted(set(names)))
        self.assertLessEqual({f"page-{n}" for n in range(5)}, set(names))


class NewerStore(unittest.TestCase):
    def test_a_store_of_a_newer_version_is_refused_and_untouched(self):
        with tempfile.TemporaryDirectory(prefix="millrace-api-") as folder:
            data = os.path.join(folder, "data")
            with Serve(data) as served:
                self.assertEqual(served.stop(), 0)
            path = os.path.join(data, "store.db")
            with sqlite3.connect(path) as database:
                database.execute("PRAGMA user_version = 99")
            database.close()
            with open(path, "rb") as file:
                before = file.read()
            result = millrace("serve", "--data", data, "--http", "127.0.0.1:0", "--api", "127.0.0.1:0")
            self.assertEqual(result.returncode, 3)
            self.assertIn("newer Millrace", result.stderr)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), before)


if __name__ == "__main__":
    unittest.main()
