"""Tokens of a real authorization server (npm's oidc-provider): client credentials, and a person who agrees with PKCE; refreshed once
however many workers ask, after a 401, and through kill -9; a grant that is revoked asks for a person."""
import http.cookiejar
import json
import os
import queue
import re
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

from client import Serve
from guarded_services import Service, TokenMailServer
from running import until

OAUTH2 = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../oauth2")


class AuthorizationServer:
    def __init__(self, redirect_url, lifetime):
        if not os.path.isdir(os.path.join(OAUTH2, "node_modules")):
            raise AssertionError("oidc-provider is not installed: ./dev setup, or npm ci in tests/oauth2")
        self.process = subprocess.Popen(["node", os.path.join(OAUTH2, "server.mjs"), redirect_url, str(lifetime)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.lines = []
        self.heard = threading.Condition()
        self.done = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        until(lambda: self.lines, 30, lambda: "the authorization server does not start")
        self.url = self.lines[0]["url"]

    def _read(self):
        for text in self.process.stdout:
            line = json.loads(text)
            with self.heard:
                (self.done.put if "command" in line else self.lines.append)(line)
                self.heard.notify_all()

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        self.done.get(timeout=10)

    @property
    def asked(self):
        return sum("asked" in line for line in self.lines)

    @property
    def granted(self):
        return [line for line in self.lines if line.get("access")]

    def is_grant(self, header, number):
        """Whether the header shows this one of the tokens; what the server tells of them may come after they are shown."""
        with self.heard:
            self.heard.wait_for(lambda: any(header == "Bearer " + line["access"] for line in self.granted), 5)
            granted = self.granted
        return len(granted) >= abs(number) and header == "Bearer " + granted[number]["access"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Person:
    """A browser with cookies and somebody before it, who logs in and agrees."""

    def __init__(self):
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def agree(self, url):
        """The page that all of it ends on."""
        for _ in range(8):
            with self.browser.open(url, timeout=30) as response:
                page, url = response.read().decode(), response.geturl()
            form = re.search(r'<form[^>]*action="([^"]+)"', page)
            if form is None:
                return page
            prompt = re.search(r'name="prompt" value="([^"]+)"', page)[1]
            fields = {"prompt": prompt, **({"login": "ada", "password": "x"} if prompt == "login" else {})}
            request = urllib.request.Request(urllib.parse.urljoin(url, form[1]), urllib.parse.urlencode(fields).encode())
            with self.browser.open(request, timeout=30) as response:
                page, url = response.read().decode(), response.geturl()
            if "<form" not in page:
                return page
        raise AssertionError("asked for ever")


def flow(url, instances=1):
    return f"""name: orders
steps:
  - id: form
    trigger: webhook.receive
    config: {{ path: orders }}
  - id: publish
    action: http.request
    after: form
    instances: {instances}
    config: {{ method: POST, url: "{url}/orders", retry_on: ["503"] }}
    credential: crm
    retry: {{ initial: 200ms, factor: 1, attempts: 200 }}
"""


class OAuth2(unittest.TestCase):
    LIFETIME = 600

    def start(self, lifetime=LIFETIME):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(self.folder.cleanup)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.http = f"127.0.0.1:{taken.getsockname()[1]}"
        self.server = AuthorizationServer(f"http://{self.http}/oauth2/callback", lifetime)
        self.addCleanup(self.server.close)
        self.service = Service()
        self.addCleanup(self.service.close)
        self.served = Serve(os.path.join(self.folder.name, "data"), {"MILLRACE_HTTP": self.http})
        self.served.http = self.http
        self.addCleanup(self.served.__exit__)
        self.assertEqual(self.served.stop(), 0)
        self.served.start()
        self.client = self.served.client()

    def machine(self):
        made = self.client.ask("PUT", "/v1/credentials/crm", {
            "type": "oauth2_client_credentials", "token_url": self.server.url + "/token", "client_id": "machine",
            "client_secret": "machine-secret-41b7"})
        self.assertEqual(made.status, 201, made.body)

    def person(self):
        made = self.client.ask("PUT", "/v1/credentials/crm", {
            "type": "oauth2_authorization_code", "authorization_url": self.server.url + "/auth", "token_url": self.server.url + "/token",
            "client_id": "person", "client_secret": "person-secret-90ce", "client_authentication": "body", "scope": "openid"})
        self.assertEqual((made.status, made.json["state"]), (201, "authorization_needed"), made.body)

    def authorize(self):
        begun = self.client.post("/v1/credentials/crm/authorize")
        self.assertEqual(begun.status, 200, begun.body)
        self.assertIn("code_challenge_method=S256", begun.json["authorization_url"])
        return Person().agree(begun.json["authorization_url"])

    def shown(self):
        return self.client.get("/v1/credentials/crm").json

    def deploy(self, **options):
        self.assertEqual(self.client.deploy("orders", flow(self.service.url, **options)).status, 201)

    def take(self, *tokens):
        """The service lets in who shows the last of these."""
        self.service.wanted = ("Authorization", "Bearer " + tokens[-1]["access"])

    def send(self, count=1):
        for n in range(count):
            request = urllib.request.Request(f"http://{self.http}/orders", json.dumps({"n": n}).encode(), {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as response:
                self.assertEqual(response.status, 202)

    def until_let_in(self, count):
        until(lambda: self.service.let_in == count, 30, lambda: (self.service.let_in, self.shown(), self.served.errors[-5:]))

    def until_a_persons_token_has_expired(self):
        """A person has agreed, and one message was let in with the token of that."""
        self.start(lifetime=4)
        self.person()
        self.deploy()
        self.authorize()
        self.service.accepts = lambda header: self.server.is_grant(header, -1)
        self.send()
        self.until_let_in(1)
        until(lambda: self.shown()["expires_at"] / 1000 < time.time(), 20, lambda: "it does not expire")

    def secrets(self):
        for line in self.server.granted:
            yield from (line[name] for name in ("access", "refresh") if line.get(name))
        yield from ("machine-secret-41b7", "person-secret-90ce")

    def assert_no_secret_in_files_and_output(self):
        texts = {"output": "\n".join(self.served.lines + self.served.errors)}
        for folder, _, names in os.walk(self.served.data):
            for name in names:
                if name != "control.sock":
                    with open(os.path.join(folder, name), "rb") as file:
                        texts[name] = file.read().decode("latin-1")
        for place, text in texts.items():
            for secret in self.secrets():
                self.assertNotIn(secret, text, f"in {place}")

    def test_a_mail_server_takes_a_token_and_a_refused_one_is_asked_for_anew(self):
        self.start()
        mails = TokenMailServer("ada@example.com", lambda header: len(self.server.granted) > 1 and self.server.is_grant(header, 1))
        self.addCleanup(mails.close)
        made = self.client.ask("PUT", "/v1/credentials/crm", {
            "type": "oauth2_client_credentials", "token_url": self.server.url + "/token", "client_id": "machine",
            "client_secret": "machine-secret-41b7", "username": "ada@example.com"})
        self.assertEqual(made.status, 201, made.body)
        send = f'''name: orders
steps:
  - {{ id: form, trigger: webhook.receive, config: {{ path: orders }} }}
  - id: send
    action: email.send
    after: form
    config: {{ smtp: "{mails.url}", from: ada@example.com, to: bob@example.com, subject: hello, text: hello }}
    credential: crm
    retry: {{ initial: 200ms, factor: 1, attempts: 200 }}
'''
        self.assertEqual(self.client.deploy("orders", send).status, 201)
        self.send()  # with the first token, which this server does not take
        until(lambda: len(mails.mails) == 1, 30, lambda: (mails.refused, self.shown(), self.served.errors[-5:]))
        self.assertEqual((mails.refused, self.server.asked), (1, 2))
        self.assertEqual(self.served.stop(), 0)
        self.assert_no_secret_in_files_and_output()

    def test_two_workers_and_many_messages_with_an_expired_token_refresh_it_once(self):
        self.start(lifetime=4)
        self.machine()
        self.deploy(instances=2)
        self.service.accepts = lambda header: any(self.server.is_grant(header, n) for n in (-1, -2))
        self.send(4)
        self.until_let_in(4)
        self.assertEqual(self.server.asked, 1)
        until(lambda: self.shown()["expires_at"] / 1000 < time.time() + 0.5, 20, lambda: "it does not expire")
        self.server.tell("hold")
        self.send(20)
        until(lambda: self.server.asked == 2, 20, lambda: "nobody asks")
        self.server.tell("release")
        self.until_let_in(24)
        self.assertEqual(self.server.asked, 2)
        self.assertEqual(self.served.stop(), 0)
        self.assert_no_secret_in_files_and_output()

    def test_a_person_agrees_and_a_token_that_a_service_refuses_is_refreshed_once(self):
        self.start()
        self.person()
        self.deploy()
        self.send()
        until(lambda: "authorise" in json.dumps(self.shown()), 10, self.shown)
        self.assertEqual(self.server.asked, 0)
        self.assertIn("is authorised", self.authorize())
        self.take(*self.server.granted)
        self.until_let_in(1)  # the message has waited for it
        # The service wants another token than the one we have: 401, one refresh, and the same message again.
        self.service.accepts = lambda header: len(self.server.granted) > 1 and self.server.is_grant(header, 1)
        self.send()
        self.until_let_in(2)
        self.assertEqual([line["grant"] for line in self.server.granted], ["authorization_code", "refresh_token"])
        self.assertNotEqual(self.server.granted[0]["refresh"], self.server.granted[1]["refresh"], "it is rotated")
        for state, status in (("made-up", 400), ("", 400)):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://{self.http}/oauth2/callback?code=x&state={state}", timeout=10)
            self.assertEqual(refused.exception.code, status)
            refused.exception.close()
        self.assertEqual(self.served.stop(), 0)
        self.assert_no_secret_in_files_and_output()

    def test_a_platform_that_is_killed_in_the_middle_of_a_refresh_goes_on(self):
        self.until_a_persons_token_has_expired()
        self.server.tell("hold")
        self.send()
        until(lambda: self.server.asked == 2, 20, lambda: "nobody asks")
        self.served.kill()
        self.server.tell("release")
        self.served.start()
        self.client = self.served.client()
        self.until_let_in(2)
        self.assertEqual([line["grant"] for line in self.server.granted], ["authorization_code", "refresh_token"])
        # The refresh token that was replaced is on disk: killed again, it is the new one that is shown.
        self.served.kill()
        self.served.start()
        self.client = self.served.client()
        until(lambda: self.shown()["expires_at"] / 1000 < time.time(), 20, lambda: "it does not expire")
        self.send()
        self.until_let_in(3)
        self.assertEqual(len(self.server.granted), 3)
        self.assertEqual(self.shown()["state"], "ready")

    def test_a_revoked_refresh_token_asks_for_a_person_and_a_server_that_fails_does_not(self):
        self.until_a_persons_token_has_expired()
        self.server.tell("fail")
        self.send()
        until(lambda: self.shown()["state"] == "failing", 20, self.shown)
        self.assertIn("503", self.shown()["problem"])
        self.server.tell("work")
        self.until_let_in(2)
        self.assertEqual((self.shown()["state"], self.shown()["problem"]), ("ready", None))
        self.server.tell("revoke")
        until(lambda: self.shown()["expires_at"] / 1000 < time.time(), 20, lambda: "it does not expire")
        self.send()
        until(lambda: self.shown()["state"] == "authorization_needed", 20, self.shown)
        self.assertIn("invalid_grant", self.shown()["problem"])
        self.assertIn("authorise again: millrace credential authorize crm", self.shown()["problem"])
        asked = self.server.asked
        self.send(3)
        self.assertIn("is authorised", self.authorize())
        self.until_let_in(6)
        self.assertEqual(self.server.asked, asked + 1)
        self.assertEqual(self.served.stop(), 0)
        self.assert_no_secret_in_files_and_output()


if __name__ == "__main__":
    unittest.main()
