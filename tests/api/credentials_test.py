"""Credentials over the API and the command line: set, used by workers and webhooks, changed while running, refused where they
are missing, and their secrets nowhere to be read."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from client import Serve
from guarded_services import MailServer, Service
from running import MILLRACE, millrace, until

SECRETS = ("first-password-8f3a", "second-password-77c1", "token-5d2e91b04c", "key-c0ffee-40117", "whsec_c2VjcmV0LWtleS1vZi1ob29rcw==")


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def flow(name, url, credential="crm", webhook=""):
    return f"""name: {name}
steps:
  - id: form
    trigger: webhook.receive
    config: {{ path: {name} }}
    {webhook}
  - id: publish
    action: http.request
    after: form
    config: {{ method: POST, url: "{url}/{name}" }}
    credential: {credential}
  - id: write
    action: message.log
    after: publish
"""


class Credentials(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "data")
        self.service = Service()
        self.addCleanup(self.service.close)
        self.answers = []  # all that the API and the command line have said

    def serve(self, **options):
        served = Serve(self.data, **options)
        self.addCleanup(served.__exit__)
        self.http = next(line.split()[1] for line in served.lines if line.startswith("http "))
        client = served.client()
        ask = client.ask

        def noted(*arguments, **settings):
            answer = ask(*arguments, **settings)
            self.answers.append(answer.body.decode())
            return answer
        client.ask = noted
        return served, client

    def set(self, client, name, definition, status=None):
        known = client.get(f"/v1/credentials/{name}")
        tag = {"If_Match": known.headers["etag"]} if known.status == 200 else {}
        answer = client.ask("PUT", f"/v1/credentials/{name}", definition, **tag)
        self.assertEqual(answer.status, status or (200 if tag else 201), answer.body)
        return answer

    def call(self, path, body=b"{}", **headers):
        request = urllib.request.Request(f"{self.http}/{path}", body,
                                         {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code

    def command(self, *arguments, secret=""):
        result = subprocess.run([MILLRACE, "credential", *arguments, "--data", self.data], input=secret, capture_output=True,
                                text=True, timeout=60, check=False)
        self.answers += [result.stdout, result.stderr]
        return result

    def assert_no_secret_anywhere(self, served):
        texts = {"answers": "".join(self.answers), "output": "\n".join(served.lines + served.errors)}
        for folder, _, names in os.walk(self.data):
            for name in names:
                if name == "control.sock":
                    continue
                with open(os.path.join(folder, name), "rb") as file:
                    texts[name] = file.read().decode("latin-1")
        for place, text in texts.items():
            for secret in SECRETS + tuple(base64.b64encode(f"ada:{s}".encode()).decode() for s in SECRETS):
                self.assertNotIn(secret, text, f"in {place}")

    def test_a_secret_is_used_changed_and_found_nowhere(self):
        served, client = self.serve(arguments=("--log-level", "debug"))
        self.set(client, "crm", {"type": "basic", "username": "ada", "password": SECRETS[0]})
        self.service.wanted = ("Authorization", basic("ada", SECRETS[0]))
        self.assertEqual(client.deploy("orders", flow("orders", self.service.url)).status, 201)
        self.assertEqual(self.call("orders"), 202)
        until(lambda: self.service.let_in == 1, 20, lambda: self.service.seen)
        def workers():
            return {worker["pid"] for worker in client.get("/v1/status").json["workers"] if worker["step"] == "publish"}
        pids = workers()
        for pid in pids | {served.process.pid}:
            for file in ("environ", "cmdline"):
                with open(f"/proc/{pid}/{file}", encoding="latin-1") as shown:
                    self.assertNotIn(SECRETS[0], shown.read())
        # Changed while running: the service takes only the new one, and the same worker shows it, after one 401.
        self.service.wanted = ("Authorization", basic("ada", SECRETS[1]))
        self.set(client, "crm", {"type": "basic", "username": "ada", "password": SECRETS[1]})
        self.assertEqual(self.call("orders"), 202)
        until(lambda: self.service.let_in == 2, 20, lambda: self.service.seen)
        self.set(client, "crm", {"type": "bearer", "token": SECRETS[2]})
        self.service.wanted = ("Authorization", "Bearer " + SECRETS[2])
        self.assertEqual(self.call("orders"), 202)
        until(lambda: self.service.let_in == 3, 20, lambda: self.service.seen)
        self.set(client, "crm", {"type": "api_key", "key": SECRETS[3], "query": "key"})
        self.service.wanted = ("path", "/orders?key=" + SECRETS[3])
        self.assertEqual(self.call("orders"), 202)
        until(lambda: self.service.let_in == 4, 20, lambda: self.service.seen)
        self.assertEqual(pids, workers(), "no worker was started anew")
        # Refused for good: a dead letter that keeps the response, in which the service echoes the secret.
        self.service.wanted = ("Authorization", "another")
        self.assertEqual(self.call("orders"), 202)
        until(lambda: client.get("/v1/dead-letters").json["items"], 20, lambda: "no dead letter")
        letter = client.get("/v1/dead-letters").json["items"][0]
        self.assertEqual(letter["code"], "http.status")
        self.assertIn("[redacted]", client.get(f"/v1/dead-letters/{letter['id']}").body.decode())
        client.get("/v1/audit?limit=200")
        client.get("/v1/flows/orders/versions/1")
        self.assertEqual(served.stop(), 0)
        self.assert_no_secret_anywhere(served)

    def test_what_is_missing_or_of_a_wrong_type_is_not_published(self):
        served, client = self.serve()
        self.assertEqual(client.put_draft("orders", flow("orders", self.service.url, "crn")).status, 201)
        self.set(client, "crm", {"type": "webhook_secret", "secret": SECRETS[4]})
        refused = client.post("/v1/flows/orders/versions")
        self.assertEqual(refused.status, 422)
        problem = refused.json["problems"][0]
        self.assertEqual((problem["line"], problem["field"]), (11, "steps[1].credential"))
        self.assertIn('no credential "crn"', problem["message"])
        self.assertIn('"crm"', problem["mend"])
        self.assertEqual(client.get("/v1/flows/orders/draft").json["problems"], refused.json["problems"])
        wrong = client.deploy("other", flow("other", self.service.url, "crm"))
        self.assertEqual(wrong.status, 422)
        self.assertIn("is of type webhook_secret", wrong.json["problems"][0]["message"])
        file = os.path.join(self.folder.name, "flow.yaml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(flow("orders", self.service.url, "crn"))
        self.assertEqual(served.stop(), 0)
        ended = millrace("run", file, "--data", self.data, "--http", "127.0.0.1:0")
        self.assertEqual(ended.returncode, 2)
        self.assertIn(f"{file}:11:17: steps[1].credential: there is no credential \"crn\"", ended.stderr)
        for text, why in (("credential: crm", "takes no credential"), ("credential: [a]", "must be text"),
                          ("credential: \"${X}\"", "cannot be a credential's name")):
            with open(file, "w", encoding="utf-8") as out:
                out.write(flow("orders", self.service.url).replace("    after: publish", f"    after: publish\n    {text}")
                          if "takes" in why else flow("orders", self.service.url).replace("credential: crm", text))
            ended = millrace("flow", "validate", file)
            self.assertEqual(ended.returncode, 2)
            self.assertIn(why, ended.stderr)
        with open(file, "w", encoding="utf-8") as out:
            out.write(flow("orders", self.service.url).replace("method: POST", "method: POST, auth: bearer, token: x"))
        self.assertIn('stands beside "credential"', millrace("flow", "validate", file).stderr)

    def test_one_in_use_is_not_deleted_and_two_writers_do_not_overwrite(self):
        _, client = self.serve()
        seen = self.set(client, "crm", {"type": "bearer", "token": SECRETS[2]}).headers["etag"]
        self.assertEqual(client.deploy("orders", flow("orders", self.service.url)).status, 201)
        refused = client.ask("DELETE", "/v1/credentials/crm")
        self.assertEqual(refused.status, 409)
        self.assertIn("orders", refused.json["detail"])
        self.assertEqual(client.get("/v1/credentials/crm").json["used_by"], [{"flow": "orders", "version": 1, "step": "publish"}])
        other = {"type": "bearer", "token": "another"}
        self.assertEqual(client.ask("PUT", "/v1/credentials/crm", other).status, 428)
        self.assertEqual(client.ask("PUT", "/v1/credentials/crm", other, If_None_Match="*").status, 412)
        self.assertEqual(client.ask("PUT", "/v1/credentials/crm", other, If_Match=seen).status, 200)
        self.assertEqual(client.ask("PUT", "/v1/credentials/crm", other, If_Match=seen).status, 412)
        self.assertEqual(client.ask("PUT", "/v1/credentials/UPPER", other).status, 400)
        self.assertEqual(client.ask("PUT", "/v1/credentials/crm", {"type": "bearer"}, If_Match="*").status, 400)
        self.assertEqual(client.post("/v1/credentials/crm/authorize").status, 409)
        self.assertEqual(client.ask("DELETE", "/v1/flows/orders").status, 202)
        until(lambda: client.get("/v1/flows/orders").status == 404, 20, lambda: "the flow is still there")
        self.assertEqual(client.ask("DELETE", "/v1/credentials/crm").status, 204)
        self.assertEqual(client.get("/v1/credentials").json["items"], [])
        actions = [entry["action"] for entry in client.get("/v1/audit?subject=credential/crm").json["items"]]
        self.assertEqual(actions, ["credential.delete", "credential.set", "credential.set"])

    def test_a_webhook_asks_its_callers_for_a_credential(self):
        served, client = self.serve()
        self.set(client, "crm", {"type": "bearer", "token": SECRETS[2]})
        self.set(client, "hook", {"type": "api_key", "key": SECRETS[3], "header": "X-Hook-Key"})
        self.service.wanted = ("Authorization", "Bearer " + SECRETS[2])
        self.assertEqual(client.deploy("orders", flow("orders", self.service.url, webhook="credential: hook")).status, 201)
        self.assertEqual(self.call("orders"), 401)
        self.assertEqual(self.call("orders", X_Hook_Key="wrong"), 401)
        self.assertEqual(self.call("orders", X_Hook_Key=SECRETS[3]), 202)
        self.set(client, "hook", {"type": "webhook_secret", "secret": SECRETS[4]})
        self.assertEqual(self.call("orders", X_Hook_Key=SECRETS[3]), 401)
        now = str(int(time.time()))
        mac = hmac.digest(base64.b64decode(SECRETS[4][6:]), f"m-1.{now}.{{}}".encode(), hashlib.sha256)
        signed = {"webhook_id": "m-1", "webhook_timestamp": now, "webhook_signature": "v1," + base64.b64encode(mac).decode()}
        self.assertEqual(self.call("orders", **signed), 202)
        self.set(client, "hook", {"type": "api_key", "key": SECRETS[3], "query": "key"})
        self.assertEqual(self.call("orders?key=wrong"), 401)
        self.assertEqual(self.call(f"orders?a=1&key={SECRETS[3]}&b=2"), 202)
        until(lambda: self.service.let_in == 3, 20, lambda: self.service.seen)
        self.assertEqual(served.stop(), 0)
        self.assert_no_secret_anywhere(served)

    def test_files_alone_have_credentials_too_and_a_wrong_key_opens_none(self):
        made = self.command("set", "crm", "--type", "bearer", secret=SECRETS[2] + "\n")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn("made the key", made.stderr)
        self.assertEqual(os.stat(os.path.join(self.data, "credentials.key")).st_mode & 0o777, 0o600)
        self.assertEqual(json.loads(self.command("list", "--json").stdout)["credentials"][0]["name"], "crm")
        wrong = self.command("set", "erp", "--type", "bearer", secret="")
        self.assertEqual((wrong.returncode, '"token" is missing' in wrong.stderr), (2, True))
        self.service.wanted = ("Authorization", "Bearer " + SECRETS[2])
        served, client = self.serve()
        self.assertEqual(client.deploy("orders", flow("orders", self.service.url)).status, 201)
        self.assertEqual(self.call("orders"), 202)
        until(lambda: self.service.let_in == 1, 20, lambda: self.service.seen)
        self.assertEqual(self.command("show", "crm").returncode, 0)
        self.assertEqual(self.command("delete", "crm").returncode, 1)
        self.assertEqual(served.stop(), 0)
        with open(os.path.join(self.data, "store.db"), "rb") as file:
            before = file.read()
        key = os.path.join(self.folder.name, "key")
        with open(key, "w", opener=lambda path, flags: os.open(path, flags, 0o600), encoding="utf-8") as file:
            file.write(base64.b64encode(os.urandom(32)).decode())
        arguments = ("serve", "--data", self.data, "--http", "127.0.0.1:0", "--api", "127.0.0.1:0")
        for options, environment in ((("--key-file", key), {}), ((), {"MILLRACE_KEY": "00" * 32})):
            ended = millrace(*arguments, *options, env={**os.environ, **environment})
            self.assertEqual(ended.returncode, 3)
            self.assertIn("not the key", ended.stderr)
        os.rename(os.path.join(self.data, "credentials.key"), os.path.join(self.folder.name, "millrace.key"))
        self.assertIn("is missing", millrace(*arguments).stderr)
        with open(os.path.join(self.data, "store.db"), "rb") as file:
            self.assertEqual(file.read(), before, "nothing was touched")
        served, client = self.serve(environment={"CREDENTIALS_DIRECTORY": self.folder.name})
        self.assertEqual(client.get("/v1/credentials/crm").json["state"], "ready")
        self.assertEqual(served.stop(), 0)
        self.assert_no_secret_anywhere(served)

    def test_the_component_tries_a_credential_in_a_process_of_its_own(self):
        served, client = self.serve()
        self.set(client, "crm", {"type": "basic", "username": "ada", "password": SECRETS[0]})
        nothing = client.post("/v1/credentials/crm/verify")
        self.assertEqual((nothing.status, "name a function" in nothing.json["detail"]), (409, True))
        given = {"function": "http.request", "config": {"url": self.service.url + "/me"}}
        self.service.wanted = ("Authorization", basic("ada", SECRETS[0]))
        good = client.post("/v1/credentials/crm/verify", given)
        self.assertEqual((good.status, good.json["ok"], good.json["function"]), (200, True, "http.request"), good.body)
        self.assertEqual(client.get("/v1/credentials/crm").json["verification"], good.json)
        self.service.wanted = ("Authorization", "another")
        bad = client.post("/v1/credentials/crm/verify", given).json
        self.assertEqual((bad["ok"], "answered 401" in bad["message"]), (False, True), bad)
        self.assertEqual(client.deploy("orders", flow("orders", self.service.url)).status, 201)
        tried = self.command("verify", "crm")
        self.assertEqual((tried.returncode, "failed  http.request" in tried.stdout), (1, True), tried)
        self.service.wanted = ("Authorization", basic("ada", SECRETS[0]))
        tried = self.command("verify", "crm", "--flow", "orders", "--step", "publish")
        self.assertEqual((tried.returncode, "ok  http.request" in tried.stdout), (0, True), tried)
        self.assertIn("ok", self.command("show", "crm").stdout)
        for wrong in ({"function": "jsonata.transform", "config": {}}, {"function": "http.request"}, {"nonsense": 1},
                      {"function": "http.request", "config": {"url": self.service.url, "nonsense": 1}}, {"flow": "nothing"}):
            self.assertEqual(client.post("/v1/credentials/crm/verify", wrong).status, 400, wrong)
        closed = client.post("/v1/credentials/crm/verify", {"function": "http.request", "config": {"url": "http://127.0.0.1:9/"}})
        self.assertFalse(closed.json["ok"])
        self.set(client, "crm", {"type": "bearer", "token": SECRETS[2]})
        self.assertIsNone(client.get("/v1/credentials/crm").json["verification"], "another secret was not tried")
        self.assertEqual(served.stop(), 0)
        self.assert_no_secret_anywhere(served)

    def test_mails_are_sent_with_a_credential_which_is_tried_without_a_mail(self):
        served, client = self.serve()
        server = MailServer("ada", SECRETS[0])
        self.addCleanup(server.close)
        self.set(client, "mail", {"type": "basic", "username": "ada", "password": SECRETS[1]})
        given = {"function": "email.send", "config": {"smtp": server.url}}
        bad = client.post("/v1/credentials/mail/verify", given).json
        self.assertFalse(bad["ok"], bad)
        text = f"""name: mails
steps:
  - id: form
    trigger: webhook.receive
    config: {{ path: mails }}
  - id: send
    action: email.send
    after: form
    config: {{ smtp: "{server.url}", from: a@example.com, to: b@example.com, subject: hello, text: hello }}
    credential: mail
    retry: {{ initial: 100ms, factor: 1, attempts: 200 }}
"""
        self.assertEqual(client.deploy("mails", text).status, 201)
        self.assertEqual(self.call("mails"), 202)
        until(lambda: server.refused > 1, 20, lambda: "no login")
        self.set(client, "mail", {"type": "basic", "username": "ada", "password": SECRETS[0]})
        until(lambda: len(server.mails) == 1, 20, lambda: served.errors)
        good = client.post("/v1/credentials/mail/verify").json
        self.assertEqual((good["ok"], good["function"]), (True, "email.send"), good)
        self.assertEqual(len(server.mails), 1)
        self.assertEqual(served.stop(), 0)
        self.assert_no_secret_anywhere(served)

    def test_another_key_seals_all_anew_also_when_that_was_cut_off(self):
        self.assertEqual(self.command("set", "crm", "--type", "bearer", secret=SECRETS[2]).returncode, 0)
        own = os.path.join(self.data, "credentials.key")
        with open(own, encoding="utf-8") as file:
            first = file.read()
        changed = self.command("rekey")
        self.assertEqual(changed.returncode, 0, changed.stderr)
        with open(own, encoding="utf-8") as file:
            second = file.read()
        self.assertNotEqual(first, second)
        self.assertEqual(self.command("show", "crm").returncode, 0)

        def write(path, text):
            with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600), encoding="utf-8") as file:
                file.write(text)
        # Cut off before the store was sealed anew: what waits is dropped.
        write(own + ".next", first)
        self.assertEqual(self.command("show", "crm").returncode, 0)
        self.assertFalse(os.path.exists(own + ".next"))
        # Cut off after it: what waits is the key.
        third = os.path.join(self.folder.name, "third")
        write(third, base64.b64encode(os.urandom(32)).decode())
        self.assertEqual(self.command("rekey", "--new-key-file", third).returncode, 0)
        self.assertEqual(self.command("show", "crm").returncode, 1)
        os.rename(third, own + ".next")
        self.assertEqual(self.command("show", "crm").returncode, 0)
        served, client = self.serve()
        self.assertEqual(self.command("rekey").returncode, 1, "not while a platform runs")
        self.assertEqual(client.get("/v1/credentials/crm").json["state"], "ready")
        self.assertEqual(served.stop(), 0)


if __name__ == "__main__":
    unittest.main()
