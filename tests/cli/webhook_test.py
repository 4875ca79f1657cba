"""Webhooks on the real binary: secrets, what becomes of each kind of body, idempotency keys, replies."""
import base64
import hashlib
import hmac
import json
import os
import time
import unittest

from raw_http import Connection, call, request
from running import OnePlatform, Platform, Target, millrace, until

JSON = {"Content-Type": "application/json"}
# Standard Webhooks: the vector that the project publishes with its libraries.
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
          "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}
VECTOR_BODY = b'{"test": 2432232314}'
OTHER_KEY = "whsec_" + base64.b64encode(b"another key, of 32 bytes in all.").decode()


def flow(name, trigger, action, more=""):
    return (f"name: {name}\nsteps:\n  - id: in\n    trigger: webhook.receive\n    config: {{ path: {name}, {trigger} }}\n"
            f"  - id: out\n    after: in\n{action}\n{more}")


SEND = """
    action: http.request
    config: { method: POST, url: "${TARGET}/posts" }
    retry: { initial: 100ms, factor: 1 }
"""
REQUEST_AS_BODY = """
    action: http.request
    input: |
      { "body": body, "attachments": attachments, "headers": headers, "method": method, "path": path, "query": query }
    config: { method: POST, url: "${TARGET}/posts" }
"""
REPLY = """
    action: http.reply
    when: body.reply
    config:
      status: "{{ body.status }}"
      headers: { x-echo: "{{ body.echo }}", content-type: "{{ body.type }}" }
      body: body.answer
  - id: beside
    after: in
    action: http.request
    config: { method: POST, url: "${TARGET}/posts" }
"""


def signed(body, key=KEY, age=0, message="msg_1"):
    at = str(int(time.time()) - age)
    mac = hmac.new(base64.b64decode(key[6:]), f"{message}.{at}.".encode() + body, hashlib.sha256).digest()
    return {**JSON, "webhook-id": message, "webhook-timestamp": at,
            "webhook-signature": "v1," + base64.b64encode(mac).decode()}


class Webhooks(OnePlatform):
    FLOWS = {
        "open": flow("open", "methods: [POST, PUT, GET]", REQUEST_AS_BODY),
        "basic": flow("basic", "auth: basic, username: ann, password: 'se:cret'", SEND),
        "bearer": flow("bearer", "auth: bearer, token: t0k-en", SEND),
        "hmac": flow("hmac", f"auth: hmac, secret: {KEY}", SEND),
        "rotated": flow("rotated", f"auth: hmac, secret: '{OTHER_KEY} {KEY}'", SEND),
        "vector": flow("vector", f"auth: hmac, secret: {KEY}, tolerance: 36500d", SEND),
        "reply": flow("reply", "reply_timeout: 1s", REPLY),
    }

    @classmethod
    def flows(cls):
        cls.target = Target()
        cls.addClassCleanup(cls.target.__exit__)
        cls.environment = {"TARGET": cls.target.url}
        return cls.FLOWS, cls.environment

    def setUp(self):
        until(lambda: self.status()["in_flight"] == 0, 20, lambda: self.platform.errors)  # nothing of another test is left
        self.target.ledger.clear()

    def status(self):
        return json.loads(millrace("status", "--data", self.data, "--json").stdout)

    def post(self, path, headers=None, body=b"{}"):
        return call(self.address, "POST", path, headers or JSON, body)

    def unauthorized(self, path, headers, body=b"{}", word=""):
        response = self.post(path, {**JSON, **headers}, body)
        self.assertEqual(response.status, 401, response)
        self.assertEqual(response.header("content-type"), "application/problem+json")
        self.assertIn(word, response.json()["detail"])
        return response

    def came(self, count=1):
        """What the target got, once it is `count`."""
        until(lambda: len(self.target.ledger) >= count, 20, lambda: f"{self.target.ledger} {self.platform.errors}")
        self.assertEqual(len(self.target.ledger), count)
        return [json.loads(body) for _, body in self.target.ledger]

    def test_basic(self):
        def ask(login):
            return {"Authorization": "Basic " + base64.b64encode(login).decode()}
        self.assertEqual(self.post("/basic", {**JSON, **ask(b"ann:se:cret")}).status, 202)
        self.assertEqual(self.post("/basic", {**JSON, **{"authorization": ask(b"ann:se:cret")["Authorization"].replace("B", "b", 1)}}).status, 202)
        for headers in ({}, ask(b"ann:"), ask(b"ann:se"), ask(b"bob:se:cret"), ask(b"ann:se:cret "), ask(b""), ask(b"\xff\xfe"),
                        {"Authorization": "Basic"}, {"Authorization": "Basic !!!"}, {"Authorization": "Bearer t0k-en"},
                        {"Authorization": "Basic " + "A" * 8000}):
            response = self.unauthorized("/basic", headers)
            self.assertIn("Basic", response.header("www-authenticate"))
        self.came(2)

    def test_bearer(self):
        self.assertEqual(self.post("/bearer", {**JSON, "Authorization": "Bearer t0k-en"}).status, 202)
        for value in ("", "Bearer", "Bearer ", "Bearer t0k", "Bearer t0k-en2", "t0k-en", "Basic t0k-en", "Bearer T0K-EN"):
            response = self.unauthorized("/bearer", {"Authorization": value})
            self.assertEqual(response.header("www-authenticate"), "Bearer")
        self.came(1)

    def test_the_published_vector_of_standard_webhooks(self):
        self.assertEqual(self.post("/vector", {**JSON, **VECTOR}, VECTOR_BODY).status, 202)
        self.unauthorized("/hmac", VECTOR, VECTOR_BODY, "timestamp")  # it is from 2021
        for changed in ({"webhook-id": "msg_other"}, {"webhook-timestamp": "1614265331"},
                        {"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF="},
                        {"webhook-signature": "v1a," + VECTOR["webhook-signature"][3:]},
                        {"webhook-signature": VECTOR["webhook-signature"][3:]}, {"webhook-signature": "v1,"}):
            self.unauthorized("/vector", {**VECTOR, **changed}, VECTOR_BODY, "no signature")
        self.unauthorized("/vector", VECTOR, b'{"test": 2432232315}', "no signature")
        for name in VECTOR:
            self.unauthorized("/vector", {key: value for key, value in VECTOR.items() if key != name}, VECTOR_BODY, name)
        self.assertEqual(self.came(1), [{"test": 2432232314}])

    def test_signatures_are_good_for_five_minutes_either_way(self):
        for number, age in enumerate((0, 290, -290)):
            self.assertEqual(self.post("/hmac", signed(b"{}", age=age, message=f"msg_age{number}")).status, 202)
        for age in (310, -310, 10**9):
            self.unauthorized("/hmac", signed(b"{}", age=age), word="timestamp")
        for timestamp in ("", "now", "1e9", "-1", "99999999999999999999", "1614265330.5", " "):
            self.unauthorized("/hmac", {**signed(b"{}"), "webhook-timestamp": timestamp})
        self.came(3)

    def test_keys_can_be_changed_on_either_side(self):
        old, new = signed(b"{}", KEY), signed(b"{}", OTHER_KEY)
        both = {**old, "webhook-signature": f"v1a,unknown {new['webhook-signature']} {old['webhook-signature']}"}
        self.assertEqual(self.post("/hmac", both).status, 202)  # a sender with two keys
        self.unauthorized("/hmac", new)
        for number, key in enumerate((KEY, OTHER_KEY)):  # a receiver with two
            self.assertEqual(self.post("/rotated", signed(b"{}", key, message=f"msg_rot{number}")).status, 202)
        self.came(3)

    def test_a_key_that_is_none_is_told_when_the_flow_is_read(self):
        path = os.path.join(self.folder, "wrong.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(flow("wrong", "auth: hmac, secret: 'whsec_not base64!'", SEND))
        result = millrace("flow", "validate", path, env={**os.environ, "TARGET": "http://127.0.0.1:1"})
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("secret is not", result.stderr)
        self.assertNotIn("base64!", result.stderr)

    def test_json_and_the_request_beside_it(self):
        response = call(self.address, "PUT", "/open?a=1&b=x%20y&a=2",
                        [*JSON.items(), ("X-Tag", "a"), ("X-Tag", "b"), ("Cookie", "s=1"), ("Authorization", "Bearer x")],
                        b' {"n": 1.50, "t": "\\u00e9\xc3\xa9"} ')
        self.assertEqual(response.status, 202)
        message, = self.came()
        self.assertEqual(message["body"], {"n": 1.5, "t": "\u00e9\u00e9"})
        self.assertEqual((message["method"], message["path"]), ("PUT", "/open"))
        self.assertEqual(message["query"], {"a": ["1", "2"], "b": "x y"})
        self.assertEqual(message["headers"]["x-tag"], "a, b")
        self.assertEqual({"cookie", "authorization"} & set(message["headers"]), set())

    def bodies(self, *sent):
        for content_type, body in sent:
            headers = {} if content_type is None else {"Content-Type": content_type}
            self.assertEqual(self.post("/open", headers or {"X-None": "1"}, body).status, 202, (content_type, body))
        return [message["body"] for message in sorted(self.came(len(sent)), key=lambda it: it["headers"].get("x-n", ""))]

    def test_forms(self):
        self.assertEqual(self.bodies(("application/x-www-form-urlencoded", b"a=1&b=x+y%26z&c=%C3%A9&a=2&d&=e&&f=%zz")),
                         [{"a": ["1", "2"], "b": "x y&z", "c": "\u00e9", "d": "", "": "e", "f": "%zz"}])

    def test_a_form_of_very_many_fields_is_read_in_no_time(self):
        begun = time.monotonic()
        body, = self.bodies(("application/x-www-form-urlencoded", b"&".join(b"f%d=" % n for n in range(300_000))))
        self.assertEqual(len(body), 300_000)
        self.assertLess(time.monotonic() - begun, 15)

    def test_multipart(self):
        body = (b'preamble\r\n--b0\r\nContent-Disposition: form-data; name="title"\r\n\r\nA\r\n--b0x is no boundary\r\n'
                b'--b0 \t\r\ncontent-disposition: form-data; name="tag"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xa9\r\n'
                b'--b0\r\nContent-Disposition: form-data; name=tag\r\n\r\n\r\n'
                b'--b0\r\nContent-Disposition: form-data; name="file"; filename="a \\"b\\".bin"\r\nContent-Type: application/x-a\r\n\r\n'
                + bytes(range(256)) + b"\r\n--b0--\r\nepilogue")
        self.assertEqual(self.post("/open", {"Content-Type": 'multipart/form-data; boundary="b0"'}, body).status, 202)
        message, = self.came()
        self.assertEqual(message["body"], {"title": "A\r\n--b0x is no boundary", "tag": ["\u00e9", ""]})
        file = message["attachments"]["file"]
        self.assertEqual((file["filename"], file["content-type"], file["size"]), ('a "b".bin', "application/x-a", 256))
        head, _, data = file["url"].partition(",")
        self.assertEqual((head, base64.b64decode(data)), ("data:application/x-a;base64", bytes(range(256))))

    def test_text_binary_and_nothing(self):
        self.assertEqual(self.bodies(("text/plain", "caf\u00e9 \"\u20ac\"\n".encode())), [{"text": "caf\u00e9 \"\u20ac\"\n"}])
        self.target.ledger.clear()
        self.assertEqual(self.bodies(("text/csv; charset=UTF-8", b"\xef\xbb\xbfa;b")), [{"text": "a;b"}])
        self.target.ledger.clear()
        self.assertEqual(self.bodies(("image/png", bytes(range(256)))),
                         [{"content-type": "image/png", "base64": base64.b64encode(bytes(range(256))).decode()}])
        self.target.ledger.clear()
        self.assertEqual(self.bodies((None, b"\0")), [{"content-type": "application/octet-stream", "base64": "AA=="}])
        self.target.ledger.clear()
        self.assertEqual(self.bodies(("application/json", b"")), [{}])
        self.target.ledger.clear()
        self.assertEqual(self.bodies(("application/vnd.a+json", b"[1]"), ), [[1]])

    def test_a_repeated_key_is_accepted_once(self):
        before = self.status()["accepted"]
        for name in ("Webhook-Id", "Idempotency-Key"):
            first = self.post("/open", {**JSON, name: "k 1"}, b'{"n": 1}')
            again = [self.post("/open", {**JSON, name: "k 1"}, b'{"n": 2}') for _ in range(5)]
            self.assertEqual({response.status for response in (first, *again)}, {202})
            self.assertEqual({response.json()["execution"] for response in again}, {first.json()["execution"]})
            other = self.post("/open", {**JSON, name: "k 2"}, b'{"n": 3}')
            self.assertNotEqual(other.json()["execution"], first.json()["execution"])
            # Either header names the call; the second round repeats the first.
        self.assertEqual(sorted(message["body"]["n"] for message in self.came(2)), [1, 3])
        self.assertEqual(self.status()["accepted"], before + 2)

    def test_many_callers_with_one_key_at_once(self):
        connections = [Connection(self.address) for _ in range(50)]
        for connection in connections:
            connection.send(request("POST", "/open", {**JSON, "Idempotency-Key": "at once"}, b"{}"))
        responses = [connection.response() for connection in connections]
        self.assertEqual({response.status for response in responses}, {202})
        self.assertEqual(len({response.json()["execution"] for response in responses}), 1)
        for connection in connections:
            connection.socket.close()
        self.came(1)

    def test_a_repeated_key_is_accepted_once_also_after_the_platform_was_killed(self):
        data = os.path.join(self.folder, "killed")
        key = {**JSON, "Idempotency-Key": "k"}
        executions = []
        for n in range(3):
            with Platform(self.files[0], data=data, environment=self.environment) as platform:
                response = call(platform.address, "POST", "/open", key, b'{"n": %d}' % n)
                self.assertEqual(response.status, 202)
                executions.append(response.json()["execution"])
                if n == 1:
                    until(lambda: self.target.ledger, 20, lambda: platform.errors)
                platform.process.kill() if n < 2 else platform.stop()
        self.assertEqual(len(set(executions)), 1)
        self.assertEqual({json.dumps(message["body"]) for message in map(json.loads, (body for _, body in self.target.ledger))},
                         {'{"n": 0}'})
        self.assertEqual(len({key for key, _ in self.target.ledger}), 1)

    def test_the_caller_gets_what_the_flow_replies(self):
        def reply(**body):
            return self.post("/reply", JSON, json.dumps({"reply": True, **body}).encode())
        response = reply(status=201, echo="e", answer={"id": [1, "\u00e9"]})
        self.assertEqual((response.status, response.header("x-echo"), response.header("content-type"), response.json()),
                         (201, "e", "application/json", {"id": [1, "\u00e9"]}))
        response = reply(status=200, answer="<b>\u00e9</b>", type="text/html; charset=utf-8")
        self.assertEqual((response.header("content-type"), response.body), ("text/html; charset=utf-8", "<b>\u00e9</b>".encode()))
        response = reply(status=200, answer="plain")
        self.assertEqual((response.header("content-type"), response.body), ("text/plain; charset=utf-8", b"plain"))
        self.assertEqual(reply(status=200, answer="quoted", type="application/json").body, b'"quoted"')
        response = reply(status=404, answer=None)
        self.assertEqual((response.status, response.body), (404, b""))
        response = reply(status=204)
        self.assertEqual((response.status, response.header("content-length"), response.body), (204, None, b""))
        self.came(6)

    def test_a_caller_with_a_key_gets_the_reply_and_so_does_one_that_asks_meanwhile(self):
        key = {**JSON, "Idempotency-Key": "reply"}
        body = b'{"reply": true, "status": 200, "answer": 7}'
        with Connection(self.address) as one, Connection(self.address) as other:
            one.send(request("POST", "/reply", key, body))
            other.send(request("POST", "/reply", key, body))
            answers = [one.response(), other.response()]
        self.assertEqual(answers[0].body, b"7")
        self.assertIn((answers[1].status, answers[1].body == b"7"), ((200, True), (202, False)))
        self.assertEqual(self.post("/reply", key, body).status, 202)  # nobody keeps the reply for later
        self.came(1)

    def test_a_reply_that_does_not_come_is_504_while_the_flow_goes_on(self):
        begun = time.monotonic()
        response = self.post("/reply", JSON, b'{"reply": false}')
        self.assertEqual((response.status, response.header("content-type")), (504, "application/problem+json"))
        self.assertRegex(response.json()["execution"], r"^[0-9a-f-]{36}$")
        self.assertGreater(time.monotonic() - begun, 0.9)
        self.assertEqual(self.came(1), [{"reply": False}])

    def test_a_caller_that_hangs_up_before_the_reply(self):
        for _ in range(20):
            connection = Connection(self.address)
            connection.send(request("POST", "/reply", JSON, b'{"reply": true, "status": 200, "answer": 7}')).cut()
        Connection(self.address).send(request("POST", "/reply", JSON, b'{"reply": false}')).socket.close()
        until(lambda: self.target.ledger, 20, lambda: self.platform.errors)
        self.assertEqual(self.post("/reply", JSON, b'{"reply": true, "status": 200, "answer": 8}').body, b"8")


if __name__ == "__main__":
    unittest.main()
