"""http.request against a real HTTP server: what goes out, redirects, TLS, what is tried again and what is a dead letter."""
import base64
import http.server
import json
import os
import sys
import threading
import time
import unittest
from urllib.parse import urlsplit

from raw_http import Connection, call, request
from running import OnePlatform, millrace, until

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from certificates import Authority  # noqa: E402

FLOW = """
name: {name}
steps:
  - id: form
    trigger: webhook.receive
    config: {{ path: {name}, reply_timeout: 20s }}
  - id: ask
    action: http.request
    after: form
    config: {{ {config} }}
    retry: {{ initial: 100ms, factor: 1, attempts: 3 }}
  - id: answer
    action: http.reply
    after: ask
    config: {{ body: '{{ "body": body, "headers": headers }}' }}
"""


class Echo:
    """Answers with what it was asked, or as the path says: /status/N, /redirect/N/to, /late, /cut, /bytes, /bomb, /text."""

    def __init__(self, tls=None):
        self.closing = threading.Event()
        self.asked = []  # (time, method, path, headers, body)
        self.retry_after = {}  # by path
        self.fail_first = {}  # path: how many more times it answers 503
        echo = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                echo.asked.append((time.monotonic(), self.command, self.path, headers, body))
                word, *rest = self.path.strip("/").split("/")
                if echo.fail_first.get(self.path, 0) > 0:
                    echo.fail_first[self.path] -= 1
                    return self.answer(503)
                if word == "status":
                    return self.answer(int(rest[0]), b'{"why": "' + rest[0].encode() + b'"}')
                if word == "redirect":
                    return self.answer(int(rest[0]), b"moved", {"Location": "/".join(("", *rest[1:])) or "/"})
                if word == "late":
                    echo.closing.wait(5)
                if word == "cut":
                    self.close_connection = True
                    return self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                if word == "bytes":
                    return self.answer(200, bytes(range(256)), {"Content-Type": "image/png"})
                if word == "text":
                    return self.answer(200, "größer".encode(), {"Content-Type": "text/plain; charset=utf-8"})
                if word == "bomb":
                    return self.answer(200, b"[" * 10_000 + b"]" * 10_000)
                self.answer(200, json.dumps({"method": self.command, "path": self.path, "headers": headers,
                                             "base64": base64.b64encode(body).decode()}).encode())

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = do_TRACE = any

            def answer(self, status, body=b"", headers=()):
                self.send_response(status)
                given = {"Content-Type": "application/json", **dict(headers)}
                if self.path in echo.retry_after:
                    given["Retry-After"] = echo.retry_after[self.path]()
                for name, value in given.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def came(self, path):
        return [asked for asked in list(self.asked) if asked[2] == path]

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()


class HttpRequest(OnePlatform):
    @classmethod
    def flows(cls):
        ours, others = Authority(cls.folder), Authority(cls.folder, "others")
        cls.plain, cls.tls = Echo(), Echo(ours.server_context())
        for echo in (cls.plain, cls.tls):
            cls.addClassCleanup(echo.close)
        to = 'url: "{{ headers.`x-url` }}"'
        secure = f'url: "{cls.tls.url}/x"'
        configs = {
            "post": f"method: POST, {to}",
            "hasty": f"method: POST, {to}, timeout: 500ms",
            "get": to,
            "pieces": f'url: "{cls.plain.url}/a/{{{{ body.n }}}}/b?x=1#f", headers: {{ accept: text/x }}, '
                      "query: { q: 'a b&c', n: '{{ body.n }}', none: '{{ body.none }}' }",
            "basic": f"method: POST, {to}, auth: basic, username: 'ann', password: 'se:cret'",
            "bearer": f"method: POST, {to}, auth: bearer, token: t0k-en, headers: {{ x-tag: '{{{{ body.tag }}}}' }}",
            "form": f"method: POST, {to}, send_as: form",
            "text": f"method: POST, {to}, send_as: text, body: body.text, content_type: text/csv",
            "bytes": f"method: PUT, {to}, send_as: base64, body: body.data, content_type: image/png",
            "still": f"method: POST, {to}, redirects_max: 0, expect: [\"200-399\"]",
            "small": f"{to}, response_max: 100B",
            "trusting": f"{secure}, tls_ca_file: {ours.ca_file}",
            "distrusting": secure,
            "mistaken": f"{secure}, tls_ca_file: {others.ca_file}",
            "careless": f"{secure}, tls_verify: false",
        }
        for method in ("put", "patch", "delete", "head", "options", "trace"):
            configs[method] = f"method: {method.upper()}, {to}"
        return {name: FLOW.format(name=name, config=config) for name, config in configs.items()}, {}

    def setUp(self):
        for echo in (self.plain, self.tls):
            echo.asked.clear()

    def tearDown(self):
        millrace("dead-letters", "drop", "--all", "--data", self.data)

    def ask(self, flow, path="x", body=None):
        """What the flow's request yields: body and headers of the response."""
        response = call(self.address, "POST", "/" + flow, {"Content-Type": "application/json", "X-Url": f"{self.plain.url}/{path}"},
                        json.dumps({} if body is None else body).encode())
        self.assertEqual(response.status, 200, response)
        return response.json()

    def dead(self, flow, path="x", body=None):
        """The dead letter that the flow's request ends in."""
        headers = {"Content-Type": "application/json", "X-Url": f"{self.plain.url}/{path}"}
        with Connection(self.address) as connection:  # no reply will come
            connection.send(request("POST", "/" + flow, headers, json.dumps({} if body is None else body).encode()))

            def letters():
                return json.loads(millrace("dead-letters", "list", "--json", "--data", self.data, "--flow", flow).stdout)
            until(lambda: letters()["dead_letters"], 20, lambda: f"{flow} {path}: {self.platform.errors[-5:]}")
        letter, = letters()["dead_letters"]
        return letter

    def test_methods_bodies_and_what_a_target_learns(self):
        for method in ("post", "put", "patch", "delete", "get", "options", "trace"):
            echoed = self.ask(method, "m?a=1", {"n": 7})["body"]
            sends = method in ("post", "put", "patch")
            self.assertEqual((echoed["method"], base64.b64decode(echoed["base64"])), (method.upper(), b'{"n": 7}' if sends else b""))
            self.assertRegex(echoed["headers"]["idempotency-key"], r"^[0-9a-f-]{36}$")
            self.assertEqual(echoed["headers"].get("content-type"), "application/json" if sends else None)
        answer = self.ask("head", "status/200")
        self.assertEqual((answer["body"], answer["headers"]["statusCode"]), ({}, 200))
        self.assertEqual(self.plain.asked[-1][1], "HEAD")

    def test_query_headers_and_logins(self):
        echoed = self.ask("pieces", body={"n": "ü/?"})["body"]
        self.assertEqual((echoed["path"], echoed["headers"]["accept"]),
                         ("/a/%C3%BC%2F%3F/b?x=1&q=a%20b%26c&n=%C3%BC%2F%3F", "text/x"))
        login = self.ask("basic")["body"]["headers"]["authorization"]
        self.assertEqual(base64.b64decode(login.removeprefix("Basic ")), b"ann:se:cret")
        headers = self.ask("bearer", body={"tag": "one"})["body"]["headers"]
        self.assertEqual((headers["authorization"], headers["x-tag"]), ("Bearer t0k-en", "one"))
        self.assertNotIn("x-tag", self.ask("bearer")["body"]["headers"])
        letter = self.dead("bearer", body={"tag": "a\r\nx-other: b"})
        self.assertEqual(letter["code"], "http.header")

    def test_bodies_that_are_not_json_both_ways(self):
        def sent(flow, body):
            echoed = self.ask(flow, "x", body)["body"]
            return base64.b64decode(echoed["base64"]), echoed["headers"]["content-type"]
        self.assertEqual(sent("form", {"a b": "c&d", "ü": 1, "l": [1, 2]})[1], "application/x-www-form-urlencoded")
        self.assertEqual(sent("form", {"a b": "c&d", "ü": 1})[0], b"a%20b=c%26d&%C3%BC=1")
        self.assertEqual(sent("text", {"text": "a;b\nü"}), ("a;b\nü".encode(), "text/csv"))
        data = bytes(range(256)) * 3
        self.assertEqual(sent("bytes", {"data": base64.b64encode(data).decode()}), (data, "image/png"))
        self.assertEqual(self.dead("bytes", body={"data": "no base64!"})["code"], "http.body")
        self.assertEqual(base64.b64decode(self.ask("get", "bytes")["body"]["base64"]), bytes(range(256)))
        self.assertEqual(self.ask("get", "text")["body"], {"text": "größer"})

    def test_redirects_by_method(self):
        def end(flow, status):
            self.plain.asked.clear()
            echoed = self.ask(flow, f"redirect/{status}/end", {"n": 1})["body"]
            self.assertEqual([asked[2] for asked in self.plain.asked], [f"/redirect/{status}/end", "/end"])
            return echoed["method"], base64.b64decode(echoed["base64"])
        whole = b'{"n": 1}'
        for status in (307, 308):
            self.assertEqual(end("post", status), ("POST", whole))
        for status in (301, 302, 307, 308):  # only POST may become GET (RFC 9110, sections 15.4.2 and 15.4.3)
            self.assertEqual(end("put", status), ("PUT", whole), status)
            self.assertEqual(end("patch", status), ("PATCH", whole), status)
            self.assertEqual(end("delete", status), ("DELETE", b""), status)
        for method in ("post", "put", "patch", "delete", "get"):
            self.assertEqual(end(method, 303), ("GET", b""), method)
        self.assertEqual(self.ask("still", "redirect/302/end")["headers"]["statusCode"], 302)
        loop = self.dead("post", "redirect/307/redirect/307/redirect/307/redirect/307/redirect/307/redirect/307/end")
        self.assertEqual(loop["code"], "http.redirects")

    def test_a_login_does_not_follow_a_redirect_to_another_server(self):
        other = Echo()
        try:
            port = urlsplit(other.url).port
            echoed = self.ask("bearer", f"redirect/307//127.0.0.1:{port}/x")["body"]
            self.assertEqual(echoed["path"], "/x")
            self.assertNotIn("authorization", echoed["headers"])
        finally:
            other.close()

    def test_what_may_pass_is_tried_again_with_the_same_key(self):
        for path in ("status/429", "status/502", "status/503", "status/504", "late", "cut"):
            letter = self.dead("hasty" if path == "late" else "post", path)
            self.assertEqual(letter["attempts"], 3, letter)
            tries = self.plain.came("/" + path)
            self.assertEqual((len(tries), len({asked[3]["idempotency-key"] for asked in tries})), (3, 1), path)
            millrace("dead-letters", "drop", "--all", "--data", self.data)
        self.plain.fail_first["/late-riser"] = 2
        self.assertEqual(self.ask("post", "late-riser")["body"]["method"], "POST")
        keys = {asked[3]["idempotency-key"] for asked in self.plain.came("/late-riser")}
        self.assertEqual(len(keys), 1)

    def test_retry_after_in_seconds_and_as_a_date_is_waited_for(self):
        def date():
            return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 2))
        for number, text in enumerate((lambda: "1", date)):
            path = f"/asked-to-wait-{number}"
            self.plain.fail_first[path] = 1
            self.plain.retry_after[path] = text
            self.ask("post", path[1:])
            first, second = (asked[0] for asked in self.plain.came(path))
            self.assertGreater(second - first, 0.95, text())
            self.assertLess(second - first, 10)

    def test_what_cannot_pass_is_a_dead_letter_with_the_response(self):
        for status in (400, 401, 403, 404, 409, 410, 422, 501):
            letter = self.dead("post", f"status/{status}")
            self.assertEqual((letter["code"], letter["attempts"]), ("http.status", 1))
            details = letter["details"]
            self.assertEqual((details["statusCode"], details["body"]), (status, {"why": str(status)}))
            self.assertEqual(details["headers"]["content-type"], "application/json")
            millrace("dead-letters", "drop", "--all", "--data", self.data)
        self.assertEqual(self.dead("small", "m")["code"], "http.too_large")

    def test_a_json_bomb_in_a_response_stays_text_and_hurts_nobody(self):
        answer = self.ask("post", "bomb")
        self.assertEqual(answer["body"], {"text": "[" * 10_000 + "]" * 10_000})
        self.assertEqual(json.loads(millrace("status", "--json", "--data", self.data).stdout)["workers"][0]["crashes"], 0)

    def test_tls_with_a_private_authority(self):
        for flow in ("trusting", "careless"):
            self.assertEqual(self.ask(flow)["body"]["path"], "/x")
        self.tls.asked.clear()
        for flow in ("distrusting", "mistaken"):
            letter = self.dead(flow)
            self.assertEqual(letter["code"], "http.untrusted")
            self.assertIn("certificate", letter["reason"])
        self.assertEqual(self.tls.asked, [])


if __name__ == "__main__":
    unittest.main()
