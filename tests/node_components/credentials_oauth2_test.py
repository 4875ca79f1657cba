"""OAuth 2.0 of a component on elastic.io's unmodified library, as its component.json has it, at a real authorization server
(npm's oidc-provider): a person agrees, the token reaches the component, is refreshed at its wish and when it brings one itself."""
import json
import os
import shutil
import socket
import tempfile
import unittest
import urllib.request

from client import Serve
from oauth2_test import AuthorizationServer, Person
from running import millrace, until

MILL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mill")
CREDENTIALS = {
    "fields": {"server": {"viewClass": "TextFieldView", "label": "Server", "required": True},
               "oauth": {"viewClass": "OAuthFieldView", "label": "Authentication", "required": True}},
    "oauth2": {"client_id": "{{MILL_CLIENT_ID}}", "client_secret": "{{MILL_CLIENT_SECRET}}", "auth_uri": "{{server}}/auth",
               "token_uri": "{{ server }}/token", "scopes": ["openid"]}}
FLOW = """name: mill
steps:
  - { id: form, trigger: webhook.receive, config: { path: mill } }
  - { id: grind, action: mill.act, after: form, credential: mill, retry: { initial: 100ms, max: 100ms, attempts: 100 } }
  - { id: answer, action: http.reply, after: grind }
"""


class ComponentOAuth2(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="millrace-credentials-")
        self.addCleanup(shutil.rmtree, folder)
        source, data = os.path.join(folder, "mill"), os.path.join(folder, "data")
        shutil.copytree(MILL, source)
        with open(os.path.join(source, "component.json"), "r+", encoding="utf-8") as file:
            document = {**json.load(file), "credentials": CREDENTIALS}
            file.seek(0)
            file.truncate()
            json.dump(document, file)
        added = millrace("component", "add", source, "--name", "mill", "--data", data, "--env", "MILL_CLIENT_ID=person",
                         "--env", "MILL_CLIENT_SECRET=person-secret-90ce")
        self.assertEqual(added.returncode, 0, added.stderr)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.http = f"127.0.0.1:{taken.getsockname()[1]}"
        self.server = AuthorizationServer(f"http://{self.http}/oauth2/callback", 600)
        self.addCleanup(self.server.close)
        self.served = Serve(data)
        self.addCleanup(self.served.__exit__)
        self.assertEqual(self.served.stop(), 0)
        self.served.http = self.http  # where the authorization server leads people back to
        self.served.start()
        self.client = self.served.client()

    def ask(self, body):
        request = urllib.request.Request(f"http://{self.http}/mill", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read())

    def test_a_person_agrees_and_the_component_has_its_token(self):
        made = self.client.ask("PUT", "/v1/credentials/mill", {"type": "component", "component": "mill",
                                                               "fields": {"server": self.server.url},
                                                               "client_authentication": "body"})
        self.assertEqual((made.status, made.json["state"]), (201, "authorization_needed"), made.body)
        self.assertEqual((made.json["settings"]["client_id"], made.json["settings"]["token_url"]),
                         ("person", self.server.url + "/token"))
        self.assertNotIn("person-secret-90ce", made.body.decode())
        deployed = self.client.deploy("mill", FLOW)
        self.assertEqual(deployed.status, 201, deployed.body)
        visit = self.client.post("/v1/credentials/mill/authorize")
        Person().agree(visit.json["authorization_url"])
        self.assertEqual(self.client.get("/v1/credentials/mill").json["state"], "ready")

        told = self.ask({"do": "told"})
        first = told["oauth"]["access_token"]
        until(lambda: [line["access"] for line in self.server.granted] == [first], 10, lambda: f"{first} is not the server's")
        self.assertEqual(told["oauth"]["token_type"], "Bearer")

        secrets = "/v2/workspaces/any/secrets/mill"
        attributes = self.ask({"do": "secret"})["answer"]["data"]["attributes"]
        self.assertEqual((attributes["type"], attributes["credentials"]["access_token"]), ("oauth2", first))
        fresh = self.ask({"do": "secret", "method": "POST", "path": secrets + "/refresh"})
        self.assertEqual(fresh["status"], 200, fresh)
        second = fresh["answer"]["data"]["attributes"]["credentials"]["access_token"]
        self.assertNotEqual(second, first)
        until(lambda: second == self.server.granted[-1]["access"], 10, lambda: f"{second} is not the server's")
        self.assertEqual(self.ask({"do": "told"})["oauth"]["access_token"], second)

        self.ask({"do": "keys", "keys": {"oauth": {"access_token": "the-component-s-own", "expires_in": 3600}}})
        self.served.kill()
        self.served.start()
        self.assertEqual(self.ask({"do": "told"})["oauth"]["access_token"], "the-component-s-own")
        said = "\n".join(self.served.errors)
        for secret in (first, second, "the-component-s-own", "person-secret-90ce"):
            self.assertNotIn(secret, said)


if __name__ == "__main__":
    unittest.main()
