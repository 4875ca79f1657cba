"""What comes in over HTTP and should not: each gets its status with problem details, and the platform goes on and loses
nothing."""
import time
import unittest

from raw_http import Connection, call, request
from running import OnePlatform, Target, until

FLOW = """
name: forms
steps:
  - id: form
    trigger: webhook.receive
    config: { path: forms, methods: [POST, PUT], body_max: 1MB }
  - id: publish
    action: http.request
    after: form
    config: { method: POST, url: "${TARGET}/posts" }
"""
JSON = {"Content-Type": "application/json"}


class HostileHttp(OnePlatform):
    sent = 0

    @classmethod
    def flows(cls):
        cls.target = Target()
        cls.addClassCleanup(cls.target.__exit__)
        return {"forms": FLOW}, {"TARGET": cls.target.url}

    def tearDown(self):
        """After each: the platform lives, a form goes through, and nothing else has."""
        self.accepted(call(self.address, "POST", "/forms", JSON, b'{"after": "all"}'))
        try:
            until(lambda: len(self.target.ledger) == self.sent, 20,
                  lambda: f"{len(self.target.ledger)} of {self.sent} forms came through: {self.platform.errors}")
        finally:
            type(self).sent = len(self.target.ledger)
        self.assertIsNone(self.platform.process.poll())

    def accepted(self, response, count=1):
        type(self).sent += count
        self.assertEqual(response.status, 202, response)
        self.assertRegex(response.json()["execution"], r"^[0-9a-f]{32}$|^[0-9a-f-]{36}$")

    def refused(self, response, status, word=""):
        self.assertIsNotNone(response, "closed without a response")
        self.assertEqual(response.status, status, response)
        self.assertEqual(response.header("content-type"), "application/problem+json")
        problem = response.json()
        self.assertEqual(problem["status"], status)
        self.assertTrue(problem["title"])
        self.assertIn(word, problem["detail"])
        return response

    def refuses(self, data, status, word=""):
        """The answer is a problem, and the connection ends: nobody knows where the next request begins."""
        with Connection(self.address) as connection:
            response = self.refused(connection.send(data).response(), status, word)
            self.assertEqual(response.header("connection"), "close")
            self.assertTrue(connection.is_closed())

    def test_malformed_request_lines(self):
        for line in ("GARBAGE", "POST /forms", "POST  /forms HTTP/1.1", "POST /forms HTTP/1.1 more", "PO(ST /forms HTTP/1.1",
                     " POST /forms HTTP/1.1", "POST /for ms HTTP/1.1", "\x00\x01\x02\x03", "POST forms HTTP/1.1",
                     "POST /forms\x7f HTTP/1.1", "POST /f\u00f6rms HTTP/1.1", "POST /forms HTTQ/1.1", "POST /forms HTTP/x.1"):
            with self.subTest(line=line):
                self.refuses(f"{line}\r\nHost: localhost\r\n\r\n", 400)

    def test_other_versions_of_http(self):
        for line in ("PRI * HTTP/2.0", "POST /forms HTTP/3.0", "POST /forms HTTP/0.9"):
            with self.subTest(line=line):
                self.refuses(f"{line}\r\nHost: localhost\r\n\r\n", 505, "HTTP/1.1")

    def test_http_1_0_is_served_and_closed(self):
        with Connection(self.address) as connection:
            connection.send(request("POST", "/forms", {**JSON, "Host": None}, b'{"old": 1}', version="HTTP/1.0"))
            self.accepted(connection.response())
            self.assertTrue(connection.is_closed())

    def test_a_tls_client_on_the_plain_port(self):
        self.refuses(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) + b"\r\n\r\n", 400)

    def test_malformed_headers(self):
        for line in ("no colon", ": no name", "Na me: x", "Name : x", "Name: a\x00b", "Name: a\rb",
                     "Content-Length: -1", "Content-Length: 1e3", "Content-Length: 99999999999999999999", "Content-Length: ",
                     "Content-Length: +3", "Content-Length: 0x10"):
            with self.subTest(line=line):
                self.refuses(f"POST /forms HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n", 400)

    def test_host_is_needed_once(self):
        self.refuses(request("POST", "/forms", {"Host": None, **JSON}, b"{}"), 400, "Host")
        self.refuses(request("POST", "/forms", [("Host", "a"), ("Host", "b")], b"{}"), 400, "Host")

    def test_where_a_body_ends_must_be_clear(self):
        for lengths in ([("Content-Length", "2"), ("Content-Length", "3")], [("Content-Length", "2, 3")],
                        [("Content-Length", "2"), ("Transfer-Encoding", "chunked")],
                        [("Transfer-Encoding", "chunked"), ("Content-Length", "2")]):
            with self.subTest(headers=lengths):
                self.refuses(request("POST", "/forms", lengths, b"{}"), 400)
        for coding in ("gzip", "gzip, chunked", "chunked, gzip", "chunkedd", "chunked, chunked"):
            with self.subTest(coding=coding):
                self.refuses(request("POST", "/forms", {"Transfer-Encoding": coding}, b"0\r\n\r\n"), 501, "chunked")

    def test_chunks_that_are_none(self):
        for body in (b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}xx0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"2{}\r\n0\r\n\r\n",
                     b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n", b"\r\n\r\n\r\n"):
            with self.subTest(body=body):
                self.refuses(request("POST", "/forms", {"Transfer-Encoding": "chunked"}, body), 400)

    def test_chunks_that_are_are_one_body(self):
        chunks = b'4;note=1\r\n{"a"\r\n3\r\n: 1\r\n1\r\n}\r\n0\r\nTrailer: x\r\n\r\n'
        with Connection(self.address) as connection:
            self.accepted(connection.send(request("POST", "/forms", {**JSON, "Transfer-Encoding": "chunked"}, chunks)).response())
        until(lambda: any(body == '{"a": 1}' for _, body in self.target.ledger), 20, lambda: self.target.ledger)

    def test_bodies_that_are_too_large(self):
        large = b'"' + b"a" * 3_000_000 + b'"'
        with Connection(self.address) as connection:
            connection.send(request("POST", "/forms", JSON, large))
            self.refused(connection.response(), 413, "1000000")
        with Connection(self.address) as connection:  # told before the body is sent
            connection.send(request("POST", "/forms", {"Content-Length": "1000001", "Expect": "100-continue"}))
            self.refused(connection.response(), 413)
        with Connection(self.address) as connection:  # no length in the head: counted while it comes
            chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
            connection.send(request("POST", "/forms", {"Transfer-Encoding": "chunked"}, chunk * 40 + b"0\r\n\r\n"))
            self.refused(connection.response(), 413)
        self.refuses(request("POST", "/forms", {"Content-Length": str(2**63 - 1)}), 413)

    def test_a_body_of_just_the_size_allowed(self):
        body = b'"' + b"a" * 999_998 + b'"'
        self.accepted(call(self.address, "POST", "/forms", JSON, body))

    def test_heads_that_are_too_large(self):
        self.refuses(request("POST", "/forms", {"X-Large": "a" * 100_000}), 431)
        self.refuses(request("POST", "/forms", [(f"X-{n}", "a") for n in range(5000)]), 431)
        self.refuses(request("POST", "/" + "a" * 100_000), 431)

    def test_a_head_without_end_is_given_up(self):
        with Connection(self.address) as connection:
            try:
                for _ in range(2000):
                    connection.send("X-More: " + "a" * 1000 + "\r\n" if _ else "POST /forms HTTP/1.1\r\n")
            except OSError:
                pass  # the server has closed meanwhile
            response = connection.response()
            self.assertIn(response and response.status, (431, None))

    def test_wrong_methods(self):
        for method in ("GET", "DELETE", "PATCH", "TRACE", "BREW", "post"):
            with self.subTest(method=method):
                response = self.refused(call(self.address, method, "/forms"), 405, "POST")
                self.assertEqual(response.header("allow"), "POST, PUT, OPTIONS")
        self.assertIn(call(self.address, "CONNECT", "localhost:80").status, (400, 404, 405))

    def test_head_and_options(self):
        with Connection(self.address) as connection:
            response = connection.send(request("HEAD", "/forms")).response(bodyless=True)
            self.assertEqual((response.status, response.header("allow")), (405, "POST, PUT, OPTIONS"))
            response = connection.send(request("OPTIONS", "/forms")).response()  # the HEAD had no body, so this is whole
            self.assertEqual((response.status, response.header("allow"), response.body), (204, "POST, PUT, OPTIONS", b""))
            self.assertEqual(connection.send(request("OPTIONS", "*")).response().status, 204)

    def test_unknown_paths(self):
        for path in ("/", "/form", "/forms/more", "/Forms", "/forms%2f", "/../forms", "//", "/%", "/%00", "/%e9"):
            with self.subTest(path=path):
                self.refused(call(self.address, "POST", path, JSON, b"{}"), 404)

    def test_other_spellings_of_a_path_that_is_there(self):
        for path in ("/forms", "/forms/", "/f%6Frms", "/forms?a=1", "/forms?", "http://elsewhere.example/forms"):
            with self.subTest(path=path):
                self.accepted(call(self.address, "POST", path, JSON, b"{}"))

    def test_bodies_that_are_no_json(self):
        for body in (b"{", b"}", b'{"a": 1,}', b"nul", b"{'a': 1}", b'{"a": 01}', b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"',
                     b'{"a": 1} {"b": 2}', b'"a\nb"', b"NaN", b'\xef\xbb\xbf{"a"', b"{\"a\": \"\\x\"}", b"<xml/>", b"\x00"):
            with self.subTest(body=body):
                self.refused(call(self.address, "POST", "/forms", JSON, body), 400, "JSON")

    def test_a_json_bomb(self):
        for bomb in (b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"[" * 900_000,
                     b'[{"a":' * 100_000):
            self.refused(call(self.address, "POST", "/forms", JSON, bomb), 400, "deep")

    def test_the_deepest_body_that_is_taken_also_goes_through(self):
        for depth in range(400, 520):
            response = call(self.address, "POST", "/forms", JSON, b"[" * depth + b"]" * depth)
            if response.status != 202:
                return self.refused(response, 400, "deep")
            self.accepted(response)
        self.fail("a body of any depth is taken")

    def test_multipart_that_is_broken(self):
        whole = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
        of = "multipart/form-data; boundary=x"
        for content_type, body in (
                ("multipart/form-data", whole), ("multipart/form-data; boundary=", whole), (of, whole[:-5]), (of, b"x"),
                ("multipart/form-data; boundary=y", whole), (of, whole.replace(b"\r\n\r\n", b"\r\n")), (of, b"--x"),
                (of, b"--x\r\n"), (of, b"--x\r\n--x--"), (of, b'--x\r\nContent-Type: text/plain\r\n\r\n1\r\n--x--'),
                (of, b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--"),
                ("multipart/form-data; boundary=" + "b" * 200, whole),
                (of, b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\xfe\r\n--x--\r\n')):
            with self.subTest(content_type=content_type, body=body):
                self.refused(call(self.address, "POST", "/forms", {"Content-Type": content_type}, body), 400)

    def test_text_that_is_not_what_it_says(self):
        for content_type in ("text/plain", "text/csv; charset=utf-8", "text/html; charset=US-ASCII"):
            self.refused(call(self.address, "POST", "/forms", {"Content-Type": content_type}, b"caf\xe9"), 400, "UTF-8")
        self.refused(call(self.address, "POST", "/forms", {"Content-Type": "application/x-www-form-urlencoded"}, b"a=%ff"), 400)

    def test_charsets_and_codings_that_nobody_here_reads(self):
        for content_type in ("application/json; charset=utf-16", "text/plain; charset=shift_jis", 'text/plain; charset="koi8-r"',
                             "application/x-www-form-urlencoded; charset=ebcdic"):
            self.refused(call(self.address, "POST", "/forms", {"Content-Type": content_type}, b'"a"'), 415, "charset")
        self.refused(call(self.address, "POST", "/forms", {**JSON, "Content-Encoding": "gzip"}, b"\x1f\x8b"), 415, "gzip")

    def test_headers_that_come_twice(self):
        for name in ("Content-Type", "Content-Encoding", "Webhook-Id", "Idempotency-Key"):
            twice = [(name, "application/json"), (name, "text/plain")]
            self.refused(call(self.address, "POST", "/forms", twice, b"{}"), 400, name.lower())
        self.accepted(call(self.address, "POST", "/forms", [*JSON.items(), ("X-Tag", "a"), ("X-Tag", "b")], b"{}"))

    def test_expectations(self):
        with Connection(self.address) as connection:
            connection.send(request("POST", "/forms", {**JSON, "Expect": "100-continue", "Content-Length": "2"}))
            self.assertEqual(connection.response().status, 100)
            self.accepted(connection.send("{}").response())
        self.refuses(request("POST", "/forms", {"Expect": "200-ok"}), 417)

    def test_pipelined_requests_are_answered_in_their_order(self):
        with Connection(self.address) as connection:
            one = request("POST", "/forms", JSON, b"{}")
            wrong = request("POST", "/none", JSON, b"{}")
            connection.send((one + wrong) * 50)
            for _ in range(50):
                self.accepted(connection.response())
                self.refused(connection.response(), 404)
            connection.send(one + b"GARBAGE\r\n\r\n" + one)  # what follows garbage is nobody's request
            self.accepted(connection.response())
            self.refused(connection.response(), 400)
            self.assertTrue(connection.is_closed())

    def test_connections_that_are_cut_in_the_middle(self):
        whole = request("POST", "/forms", JSON, b'{"cut": true}')
        for length in range(0, len(whole)):
            connection = Connection(self.address).send(whole[:length])
            connection.cut() if length % 2 else connection.socket.close()

    def test_a_caller_that_does_not_wait_for_the_answer(self):
        before = len(self.target.ledger)
        for _ in range(20):
            Connection(self.address).send(request("POST", "/forms", JSON, b'{"left": "early"}')).socket.close()
        type(self).sent += 20
        until(lambda: len(self.target.ledger) >= before + 20, 20, lambda: self.target.ledger)

    def test_more_connections_than_are_served(self):
        held = [Connection(self.address) for _ in range(1000)]
        try:
            with Connection(self.address) as connection:
                response = self.refused(connection.response(), 503)
                self.assertEqual(response.header("retry-after"), "1")
            for connection in held[::100]:
                self.accepted(connection.send(request("POST", "/forms", JSON, b"{}")).response())
        finally:
            for connection in held:
                connection.socket.close()
        until(lambda: call(self.address, "GET", "/healthz").status == 200, 20, lambda: "the connections stay taken")

    def test_slow_callers_hold_up_nobody_and_are_given_up(self):
        slow = [Connection(self.address) for _ in range(50)]
        begun = time.monotonic()
        head = request("POST", "/forms", {**JSON, "X-Slow": "a" * 100}, b"{}")
        try:
            for at in range(40):  # a byte now and then
                for connection in slow:
                    connection.socket.sendall(head[at:at + 1])
                self.accepted(call(self.address, "POST", "/forms", JSON, b"{}"))
            for connection in slow:
                self.refused(connection.response(), 408)
                self.assertTrue(connection.is_closed())
            self.assertLess(time.monotonic() - begun, 25)
        finally:
            for connection in slow:
                connection.socket.close()


if __name__ == "__main__":
    unittest.main()
