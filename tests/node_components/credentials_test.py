"""Credentials of components on elastic.io's unmodified library: their own fields in `cfg`, updateKeys, secrets over the
API as v2 components ask for them, and what does not leave."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from client import Serve
from running import MILLRACE, millrace, until

HERE = os.path.dirname(os.path.abspath(__file__))
FLOW = """name: %(name)s
steps:
  - { id: form, trigger: webhook.receive, config: { path: %(name)s, reply_timeout: 10s } }
  - { id: grind, action: mill.act, after: form, credential: %(credential)s, retry: { initial: 100ms, max: 100ms, attempts: %(attempts)s } }
  - { id: answer, action: http.reply, after: grind }
"""
ECHO = """import json, sys
for line in sys.stdin:
    given = json.loads(line)
    if "keys" in given["message"]["body"]:
        print(json.dumps({"credential": given["message"]["body"]["keys"]}))
    print(json.dumps({"data": given["credential"]}))
    print(json.dumps({"end": True}), flush=True)
"""
FIRST = "good-key-0001"


def set_credential(data, name, secret, *options):
    return subprocess.run([MILLRACE, "credential", "set", name, "--type", "component", "--component", "mill", *options,
                           "--data", data], input=secret, capture_output=True, text=True, timeout=60)


class Credentials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="millrace-credentials-")
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.data = os.path.join(folder, "data")
        added = millrace("component", "add", os.path.join(HERE, "mill"), "--name", "mill", "--data", cls.data)
        assert added.returncode == 0, added.stderr
        cls.served = Serve(cls.data)
        cls.addClassCleanup(cls.served.__exit__)

    def setUp(self):
        self.client = self.served.client()
        self.set(FIRST)

    def set(self, key, name="mill"):
        done = set_credential(self.data, name, key, "--field", "user=ada")
        self.assertEqual(done.returncode, 0, done.stderr)

    def deploy(self, name, credential="mill", attempts=3):
        answer = self.client.deploy(name, FLOW % {"name": name, "credential": credential, "attempts": attempts})
        self.assertEqual(answer.status, 201, answer.body)

    def ask(self, flow, body, expected=200):
        """What the flow replies to a form."""
        http = next(line.split()[1] for line in self.served.lines if line.startswith("http "))
        request = urllib.request.Request(f"{http}/{flow}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status, text = response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        self.assertEqual(status, expected, f"{text} {self.served.errors[-10:]}")
        return json.loads(text)

    def told(self, flow):
        return self.ask(flow, {"do": "told"})

    def dead_letters(self, flow):
        until(lambda: self.client.get(f"/v1/dead-letters?flow={flow}").json["items"], 30, lambda: f"{self.served.errors[-10:]}")
        return self.client.get(f"/v1/dead-letters?flow={flow}").json["items"]

    def everything_said(self):
        """Logs, the API's answers and the history: what is read by people."""
        texts = [*self.served.errors, *self.served.lines]
        for path in ("/v1/credentials", "/v1/credentials/mill", "/v1/executions", "/v1/workers", "/v1/status", "/v1/audit",
                     "/v1/dead-letters"):
            texts.append(self.client.get(path, check=False).body.decode())
        for execution in self.client.get("/v1/executions?flow=quiet").json["items"]:
            texts.append(self.client.get("/v1/executions/" + execution["id"]).body.decode())
        for letter in self.client.get("/v1/dead-letters").json["items"]:
            texts.append(self.client.get("/v1/dead-letters/" + str(letter["id"]), check=False).body.decode())
        return "\n".join(texts)

    def test_fields_reach_the_component_and_what_it_changes_reaches_all_also_after_a_kill(self):
        self.deploy("one")
        self.deploy("two")
        told = self.told("one")
        self.assertEqual({name: told.get(name) for name in ("apiKey", "user", "account", "secretId")},
                         {"apiKey": FIRST, "user": "ada", "account": "mill", "secretId": "mill"})
        self.assertEqual(self.told("two")["apiKey"], FIRST)

        self.ask("one", {"do": "keys", "keys": {"apiKey": "good-key-0002"}})
        self.served.kill()  # it was answered 200, so it is there
        self.served.start()
        self.client = self.served.client()
        self.assertEqual(self.told("one")["apiKey"], "good-key-0002")
        self.assertEqual(self.told("two")["apiKey"], "good-key-0002")

        # A worker that runs learns of it: the one that has changed it at once, the others within five seconds.
        process = self.told("two")["process"]
        self.ask("one", {"do": "keys", "keys": {"apiKey": "good-key-0003", "region": "eu"}})
        told = self.told("one")
        self.assertEqual((told["apiKey"], told["region"], told["user"]), ("good-key-0003", "eu", "ada"))
        until(lambda: self.told("two")["apiKey"] == "good-key-0003", 30, lambda: "the other step keeps the old key")
        self.assertNotEqual(self.told("two")["process"], process)
        process = self.told("one")["process"]
        self.ask("one", {"do": "keys", "keys": {"apiKey": "good-key-0003"}})
        self.assertEqual(self.told("one")["process"], process, "nothing has changed, so nothing is started anew")

        self.set("good-key-0004")  # a person sets it
        until(lambda: self.told("one")["apiKey"] == "good-key-0004", 30, lambda: "the old key stays")
        audit = self.client.get("/v1/audit").json["items"]
        self.assertIn(("credential.keys", "step one.grind"), [(entry["action"], entry["who"]) for entry in audit])

    def test_only_the_step_s_own_credential_and_fields_are_taken_and_a_wrong_key_is_shown(self):
        self.set("good-key-other", "other")
        self.deploy("strict")
        for keys, why in (({"apiKey": 1, "pin": "x"}, '"fields.pin" is not a field'), ({"region": "mars"}, "must be one of eu, us"),
                          ({"apiKey": None}, "is missing")):
            with self.subTest(keys):
                letters = len(self.client.get("/v1/dead-letters?flow=strict").json["items"])
                self.ask("strict", {"do": "keys", "keys": keys}, expected=500)
                until(lambda: len(self.dead_letters("strict")) > letters, 30, lambda: "no dead letter")
                self.assertIn(why, json.dumps(self.dead_letters("strict")).replace('\\', ""))
        account = {"do": "secret", "method": "PUT", "path": "/v1/accounts/mill"}
        self.assertEqual(self.ask("strict", account)["status"], 400)
        self.assertEqual(self.ask("strict", {**account, "path": "/v1/accounts/other"})["status"], 403)
        self.assertEqual(self.ask("strict", {"do": "secret", "path": "/v2/workspaces/w/secrets/other"})["status"], 403)
        self.assertEqual(self.ask("strict", {**account, "key": "wrong-key-0815"})["status"], 401)
        until(lambda: any("the component was not let in" in line and "PUT /v1/accounts/mill to the user component" in line
                          for line in self.served.errors), 10, lambda: f"not said: {self.served.errors}")
        self.assertNotIn("wrong-key-0815", "\n".join(self.served.errors))
        self.assertEqual(self.told("strict")["apiKey"], FIRST)

    def test_a_secret_is_told_in_elastic_io_s_form_and_nowhere_else(self):
        self.deploy("quiet", attempts=1)
        answer = self.ask("quiet", {"do": "secret"})
        self.assertEqual(answer["status"], 200, answer)
        data = answer["answer"]["data"]
        self.assertEqual((data["id"], data["type"], data["attributes"]["type"]), ("mill", "auth-secret", "api_key"))
        self.assertEqual(data["attributes"]["credentials"], {"apiKey": FIRST, "user": "ada"})
        self.assertEqual(self.ask("quiet", {"do": "leak"}, expected=500), {"error": "[redacted] is not taken"})
        self.assertIn("[redacted] is not taken", json.dumps(self.dead_letters("quiet")))
        until(lambda: any("the key is still [redacted]" in line for line in self.served.errors), 10, lambda: f"{self.served.errors}")
        def ended():
            return [execution["state"] for execution in self.client.get("/v1/executions?flow=quiet").json["items"]]
        until(lambda: len(ended()) == 2 and "running" not in ended(), 30, lambda: f"{ended()}")
        said = self.everything_said()
        found = said.find(FIRST)
        self.assertEqual(found, -1, said[max(0, found - 500):found + 100])

    def verify(self, name, code):
        done = millrace("credential", "verify", name, "--data", self.data)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_the_component_itself_says_whether_it_is_good(self):
        self.assertIn("mill  ok  mill.verifyCredentials", self.verify("mill", 0))
        self.set("bad-key-00001", "bad")
        said = self.verify("bad", 1)
        self.assertIn("the key [redacted] of ada is not known", said)
        self.assertNotIn("bad-key-00001", said)
        self.assertEqual(self.client.get("/v1/credentials/bad").json["verification"]["ok"], False)
        asked = millrace("component", "select", "mill.act", "grain", "--credential", "mill", "--data", self.data)
        self.assertEqual(json.loads(asked.stdout), {"choices": {"rye": "of ada, mill, [redacted]"}}, asked.stderr)
        millrace("component", "select", "mill.act", "grain", "--credential", "mill", "--config", '{"greeting": "us"}', "--data", self.data)
        self.assertEqual(self.client.get("/v1/credentials/mill").json["settings"]["fields"], {"user": "ada", "region": "us"})
        self.assertIn("no credential none", millrace("component", "select", "mill.act", "grain", "--credential", "none",
                                                     "--data", self.data).stderr)
        os.rename(os.path.join(self.data, "components/mill/verifyCredentials.js"), os.path.join(self.data, "components/mill/other.js"))
        self.addCleanup(os.rename, os.path.join(self.data, "components/mill/other.js"),
                        os.path.join(self.data, "components/mill/verifyCredentials.js"))
        self.assertIn("verified by nobody: mill has no verifyCredentials.js", self.verify("mill", 1))

    def test_a_flow_with_a_credential_that_does_not_fit_is_not_published(self):
        basic = {"type": "basic", "username": "ada", "password": "lovelace"}
        if self.client.get("/v1/credentials/people").status == 404:
            self.assertEqual(self.client.ask("PUT", "/v1/credentials/people", basic).status, 201)
        for credential, why in (("people", 'the credential "people" is of type basic, and mill.act takes component'),
                                ("nobody", "millrace credential set nobody --type component --component mill")):
            with self.subTest(credential):
                answer = self.client.deploy("wrong", FLOW % {"name": "wrong", "credential": credential, "attempts": 1})
                self.assertEqual(answer.status, 422, answer.body)
                self.assertIn("steps[1].credential", answer.body.decode())
                self.assertIn(why, answer.body.decode().replace("\\", ""))
        doubled = FLOW % {"name": "wrong", "credential": "mill", "attempts": 1}
        doubled = doubled.replace("retry:", "config: { apiKey: key }, retry:")
        self.assertIn('stands beside \\"credential\\"', self.client.deploy("wrong", doubled).body.decode())

    def test_a_program_over_json_lines_is_told_and_changes_it_too(self):
        folder = tempfile.mkdtemp(prefix="millrace-lines-")
        self.addCleanup(shutil.rmtree, folder)
        with open(os.path.join(folder, "component.json"), "w", encoding="utf-8") as file:
            json.dump({"title": "Echo", "command": ["python3", "-u", "echo.py"], "actions": {"act": {"title": "Echoes"}},
                       "credentials": {"fields": {"pin": {"viewClass": "PasswordFieldView", "label": "PIN", "required": True}}}}, file)
        with open(os.path.join(folder, "echo.py"), "w", encoding="utf-8") as file:
            file.write(ECHO)
        added = millrace("component", "add", folder, "--name", "echo", "--data", self.data)
        self.assertEqual(added.returncode, 0, added.stderr)
        made = self.client.ask("PUT", "/v1/credentials/pin", {"type": "component", "component": "echo", "fields": {"pin": "first-pin"}})
        self.assertEqual(made.status, 201, made.body)
        self.assertEqual(self.client.deploy("lines", (FLOW % {"name": "lines", "credential": "pin", "attempts": 1})
                                            .replace("mill.act", "echo.act")).status, 201)
        self.assertEqual(self.ask("lines", {}), {"name": "pin", "type": "component", "fields": {"pin": "first-pin"}})
        self.ask("lines", {"keys": {"pin": "second-pin"}})
        self.assertEqual(self.ask("lines", {})["fields"], {"pin": "second-pin"})
        self.assertEqual(self.client.get("/v1/credentials/pin").json["settings"]["secret_fields"], ["pin"])
        self.ask("lines", {"keys": {"pun": "x"}})  # what it has emitted goes on all the same
        self.assertIn("credential.unkept", json.dumps(self.dead_letters("lines")))


if __name__ == "__main__":
    unittest.main()
