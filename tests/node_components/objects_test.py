"""The object storage of components on elastic.io's unmodified library: large bodies that travel from Node.js to native steps, attachments
with elastic.io's own client, kills in between, flows that are strangers to each other, and no room left."""
import http.client
import json
import os
import shutil
import tempfile
import time
import unittest
import urllib.parse

from client import Serve
from running import Target, millrace, post, until

HERE = os.path.dirname(os.path.abspath(__file__))
MB = 1_000_000
FLOW = """name: %(name)s
steps:
  - { id: form, trigger: webhook.receive, config: { path: %(name)s } }
  - { id: first, action: %(component)s.act, after: form, config: { apiKey: key }, retry: { initial: 300ms, max: 300ms, attempts: 50 }%(limits)s }
  - { id: second, action: %(component)s.act, after: first, config: { apiKey: key }, retry: { initial: 300ms, max: 300ms, attempts: 50 }%(limits)s }
  - { id: last, action: http.request, after: second, config: { method: POST, url: "%(target)s" } }
"""


class Objects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="millrace-objects-")
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.target = Target()
        cls.addClassCleanup(cls.target.__exit__)
        cls.data = os.path.join(folder, "data")
        for name, more in (("mill", ()), ("light", ("--env", "ELASTICIO_OBJECT_STORAGE_SIZE_THRESHOLD=1000"))):
            added = millrace("component", "add", os.path.join(HERE, "mill"), "--name", name, "--data", cls.data, *more)
            assert added.returncode == 0, added.stderr
        cls.served = Serve(cls.data)
        cls.addClassCleanup(cls.served.__exit__)
        cls.http = next(line.split()[1] for line in cls.served.lines if line.startswith("http "))
        cls.served.http = cls.http.removeprefix("http://")

    def deploy(self, name, component="mill", limits=""):
        text = FLOW % {"name": name, "component": component, "target": self.target.url, "limits": limits}
        answer = self.served.client().deploy(name, text)
        self.assertEqual(answer.status, 201, answer.body)

    def send(self, name, body):
        self.assertEqual(post(f"{self.http}/{name}", json.dumps(body)), 202)

    def complaint(self):
        return "\n".join(line[:400] for line in self.served.errors[-20:])

    def arrived(self, condition, seconds=60):
        """The first body at the target that is as wanted."""
        found = []
        def look():
            found[:] = [body for body in (json.loads(text) for _, text in list(self.target.ledger)) if condition(body)]
            return found
        until(look, seconds, self.complaint)
        self.target.ledger.clear()
        return found[0]

    def said(self, *words):
        until(lambda: any(all(word in line for word in words) for line in self.served.errors), 60, self.complaint)

    def files(self):
        return [name for name in os.listdir(os.path.join(self.data, "objects")) if name != "lock"]

    def test_large_bodies_come_through_two_node_steps_to_a_native_one(self):
        for component in ("mill", "light"):  # as they are, and through the object storage
            self.deploy(component, component)
            for size in (2 * MB, 20 * MB):
                with self.subTest(component=component, size=size):
                    self.send(component, {"do": "big", "size": size})
                    self.assertEqual(self.arrived(lambda body: "text" in body)["text"], "x" * size)
        self.assertEqual(len([name for name in self.files() if name.startswith("light.")]), 4)
        self.assertFalse([name for name in self.files() if name.startswith("mill.")])
        self.send("mill", {"do": "big", "size": 40 * MB})
        self.assertEqual(len(self.arrived(lambda body: "text" in body)["text"]), 40 * MB)
        self.assertTrue([name for name in self.files() if name.startswith("mill.")])

    def test_what_only_node_steps_can_read_is_a_dead_letter_of_the_native_one(self):
        self.deploy("huge", limits=", limits: { memory: 2GB }")
        self.send("huge", {"do": "big", "size": 80 * MB})
        letters = []
        def dead():
            letters[:] = self.served.client().get("/v1/dead-letters?flow=huge").json["items"]
            return letters
        until(dead, 60, self.complaint)
        self.assertEqual([letter["step"] for letter in letters], ["last"])
        self.assertIn("larger than a message may be", letters[0]["reason"])

    def test_an_attachment_of_one_step_is_read_by_the_next_through_kills(self):
        self.deploy("report")
        self.send("report", {"do": "attach", "size": 5 * MB, "number": 1})
        self.assertEqual(self.arrived(lambda body: body.get("number") == 1),
                         {"number": 1, "same": True, "type": "application/x-report"})
        # Between upload and emission: what was uploaded is garbage, the message comes again.
        count = len(self.files())
        self.served.errors.clear()
        self.send("report", {"do": "attach", "size": MB, "number": 2, "once": os.path.join(self.data, "..", "once")})
        self.said("flow=report", "uploaded")
        self.kill_and_start()
        self.assertTrue(self.arrived(lambda body: body.get("number") == 2)["same"])
        self.assertEqual(len(self.files()), count + 2)
        # Between the steps: the object is there after the restart, though at another address.
        self.send("report", {"do": "attach", "size": MB, "number": 3, "until": int(time.time() * 1_000) + 3_000})
        self.said("too early", "step=second")
        self.kill_and_start()
        self.assertTrue(self.arrived(lambda body: body.get("number") == 3)["same"])

    def kill_and_start(self):
        self.served.errors.clear()
        self.served.kill()
        self.served.start()

    def storage_of(self, flow):
        self.deploy(flow)
        self.send(flow, {"do": "storage"})
        return self.arrived(lambda body: "token" in body)

    def ask(self, storage, method, path, body=None, token=None, **headers):
        url = urllib.parse.urlsplit(storage["uri"])
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Authorization"] = "Bearer " + (storage["token"] if token is None else token)
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        answer = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        connection.close()
        return answer

    def test_the_storage_answers_as_elastic_io_s_client_expects(self):
        own = self.storage_of("own")
        other = self.storage_of("other")
        self.assertNotEqual(own["token"], other["token"])
        status, _, body = self.ask(own, "POST", "/objects", b"the bytes", content_type="text/plain", x_query_Customer="7", x_meta_name="n")
        self.assertEqual(status, 201)
        id = json.loads(body)["objectId"]
        status, headers, body = self.ask(own, "GET", "/objects/" + id)
        self.assertEqual((status, body, headers["content-type"], headers["x-meta-name"]), (200, b"the bytes", "text/plain", "n"))
        for storage, token, expected in ((other, None, 404), (own, "", 401), (own, own["token"] + "x", 401)):
            for method in ("GET", "DELETE", "PUT"):
                self.assertEqual(self.ask(storage, method, "/objects/" + id, token=token)[0], expected)
        self.assertEqual(self.ask(other, "GET", "/objects?query[customer]=7")[2], b"[]")
        listed = json.loads(self.ask(own, "GET", "/objects?query%5Bcustomer%5D=7")[2])
        self.assertEqual([(item["objectId"], item["contentLength"]) for item in listed], [(id, 9)])
        self.assertEqual(self.ask(own, "PUT", "/objects/" + id, b"others", content_type="text/plain")[0], 200)
        self.assertEqual(self.ask(own, "GET", "/objects/" + id)[2], b"others")
        self.assertEqual(self.ask(own, "DELETE", "/objects/" + id)[0], 204)
        self.assertEqual(self.ask(own, "GET", "/objects/" + id)[0], 404)
        self.ask(own, "POST", "/objects/", b"x", x_query_kind="a")
        self.assertEqual(self.ask(own, "DELETE", "/objects?query[kind]=a")[0], 204)
        self.assertEqual(self.ask(own, "GET", "/objects?query[kind]=a")[2], b"[]")
        self.assertEqual(self.ask(own, "GET", "/objects")[0], 400)
        self.assertEqual(self.ask(own, "POST", "/objects", b"x", x_eio_ttl="soon")[0], 400)
        self.assertEqual(self.ask(own, "POST", "/objects", b"x", Content_Length=str(2 << 30))[0], 413)
        status, _, body = self.ask(own, "POST", "/objects", b"brief", x_eio_ttl="1")
        until(lambda: self.ask(own, "GET", "/objects/" + json.loads(body)["objectId"])[0] == 404, 10, lambda: "it is not over")

    def test_a_full_storage_puts_the_message_back_until_there_is_room(self):
        self.served.arguments = ["--objects-size", "1MB"]
        self.kill_and_start()
        self.deploy("full")
        self.send("full", {"do": "attach", "size": 3 * MB, "number": 4})
        self.said("object refused", "objects_size")
        self.said("message put back", "objects.unavailable", "flow=full")
        self.served.arguments = []
        self.kill_and_start()
        self.assertTrue(self.arrived(lambda body: body.get("number") == 4)["same"])


if __name__ == "__main__":
    unittest.main()
