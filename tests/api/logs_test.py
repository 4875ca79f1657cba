"""Logs of steps: the last lines, live, from the command line; the platform's own log as JSON."""
import json
import os
import subprocess
import tempfile
import unittest

from client import Serve, Stream
from running import MILLRACE, millrace, post, until

FLOW = """name: notes
steps:
  - { id: form, trigger: webhook.receive, config: { path: notes } }
  - { id: write, action: message.log, after: form, config: { label: noted } }
  - { id: shape, action: jsonata.transform, after: write, config: { expression: "$error('no such customer')" } }
"""


class Logs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(self.folder.cleanup)
        self.served = Serve(os.path.join(self.folder.name, "data"), arguments=("--log-format", "json"))
        self.addCleanup(self.served.__exit__)
        self.client = self.served.client()
        self.assertEqual(self.client.deploy("notes", FLOW).status, 201)
        self.webhook = next(line.split()[1] for line in self.served.lines if line.startswith("http ")) + "/notes"

    def lines(self, path):
        return self.client.get(path).json["items"]

    def test_the_last_lines_of_a_step_with_the_ids_of_what_they_are_about(self):
        self.assertEqual(post(self.webhook, '{"n": 1}'), 202)
        until(lambda: self.lines("/v1/flows/notes/steps/shape/logs?level=warning"), 20, lambda: self.served.errors)
        line = next(line for line in self.lines("/v1/flows/notes/steps/write/logs") if line["event"] == "message")
        self.assertIn('noted', line["text"])
        self.assertIn('{"n":1}', line["text"].replace(" ", ""))
        self.assertEqual((line["flow"], line["step"], line["instance"], line["level"]), ("notes", "write", 1, "info"))
        failed = next(line for line in self.lines("/v1/flows/notes/logs") if line["event"] == "message failed")
        self.assertEqual(failed["execution"], line["execution"], "one execution through both steps")
        self.assertIn("no such customer", failed["facts"]["reason"])
        self.assertEqual(self.lines(f"/v1/flows/notes/steps/write/logs?after={line['id']}"), [])
        self.assertEqual(self.lines(f"/v1/flows/notes/steps/write/logs?since={line['at'] + 1}"), [])
        self.assertEqual(len(self.lines("/v1/flows/notes/logs?limit=1")), 1)
        written = [json.loads(text) for text in self.served.errors]
        self.assertTrue(any(entry.get("execution") == line["execution"] and entry["flow"] == "notes" and entry["step"] == "write"
                            for entry in written), written)
        for path in ("limit=1001", "limit=x", "level=loud", "since=-1", "colour=red"):
            self.assertEqual(self.client.get("/v1/flows/notes/logs?" + path).status, 400, path)
        self.assertEqual(self.client.get("/v1/flows/nothing/logs").status, 404)
        self.assertEqual(self.client.get("/v1/flows/notes/steps/nothing/logs").status, 404)

    def test_lines_come_as_they_are_written_and_go_on_behind_the_last_one(self):
        stream = Stream(self.served, "/v1/flows/notes/steps/write/logs")
        self.assertEqual(stream.response.getheader("Content-Type"), "text/event-stream")
        texts = lambda s: [data["text"] for event, _, data in s.events if data["event"] == "message"]
        post(self.webhook, '{"n": "first"}')
        until(lambda: any("first" in text for text in texts(stream)), 20, lambda: stream.events)
        last_id = stream.events[-1][1]
        stream.connection.close()
        post(self.webhook, '{"n": "second"}')
        until(lambda: any("second" in line.get("text", "") for line in self.lines("/v1/flows/notes/logs")), 20, lambda: self.served.errors)
        again = Stream(self.served, "/v1/flows/notes/steps/write/logs", Last_Event_ID=last_id)
        until(lambda: any("second" in text for text in texts(again)), 20, lambda: again.events)
        self.assertFalse(any("first" in text for text in texts(again)))
        self.assertEqual(self.served.stop(), 0)
        until(lambda: again.ended, 10, lambda: "the platform has stopped, and the stream goes on")

    def test_the_command_line_shows_and_follows(self):
        where = ("--data", self.served.data)
        post(self.webhook, '{"n": "before"}')
        until(lambda: "before" in millrace("logs", "notes", *where).stdout, 20, lambda: self.served.errors)
        followed = subprocess.Popen([MILLRACE, "logs", "notes/write", "-f", *where], stdout=subprocess.PIPE, text=True)
        self.addCleanup(followed.stdout.close)
        self.addCleanup(followed.wait)
        self.addCleanup(followed.kill)
        self.assertIn("before", followed.stdout.readline())
        post(self.webhook, '{"n": "later"}')
        self.assertIn("later", followed.stdout.readline())
        far = ("--server", "http://" + self.served.api, "--token-file", os.path.join(self.served.data, "admin.token"))
        line = json.loads(millrace("logs", "notes/shape", "--level", "warning", "--json", "-n", "1", *far).stdout)
        self.assertEqual(line["event"], "message failed")
        self.assertEqual(millrace("logs", "notes", "--since", "soon", *where).returncode, 2)
        self.assertEqual(millrace("logs", "nothing", "-f", *where).returncode, 1)


if __name__ == "__main__":
    unittest.main()
