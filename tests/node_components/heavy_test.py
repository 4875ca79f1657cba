"""Components that emit very much for one message, each in a flow of its own on one platform: all of it arrives, or the step says what
was too large; neither worker nor platform keeps it in memory."""
import json
import os
import re
import shutil
import tempfile
import unittest

from client import Serve
from running import millrace, post, until

HERE = os.path.dirname(os.path.abspath(__file__))
MANY = 100_000
MB = 1_000_000
# Counts what reaches it, and says so once it is all that was expected.
COUNT = """
import json, sys
seen, numbers, size = set(), set(), 0
for line in sys.stdin:
    given = json.loads(line)
    body = given["message"]["body"]
    seen.add(given["id"])
    numbers.add(body.get("i"))
    size += len(body.get("text", ""))
    if len(seen) == int(given["config"]["expect"]):
        print(json.dumps({"log": f"has {len(seen)} ids, {len(numbers)} numbers, {size} characters"}), flush=True)
    print('{"end": true}', flush=True)
"""
# Emits so many messages with so much text.
FLOOD = """
import json, sys
for line in sys.stdin:
    body = json.loads(line)["message"]["body"]
    for i in range(body["times"]):
        print(json.dumps({"data": {"i": i, "text": "x" * body["size"]}}))
    print('{"end": true}', flush=True)
"""
FLOW = """name: %(name)s
steps:
  - { id: form, trigger: webhook.receive, config: { path: %(name)s } }
  - { id: bad, action: %(action)s, after: form, config: %(config)s, retry: { initial: 100ms, max: 100ms, attempts: 2 }%(limits)s }
  - { id: count, action: count.count, after: bad, concurrency: 50, config: { expect: %(expect)d } }
"""


def component(folder, name, program, **fields):
    os.mkdir(os.path.join(folder, name))
    definition = {"title": name, "command": ["python3", "-u", "main.py"], "actions": {name: {"title": name, "fields": fields}}}
    for file, text in (("component.json", json.dumps(definition)), ("main.py", program)):
        with open(os.path.join(folder, name, file), "w", encoding="utf-8") as opened:
            opened.write(text)
    return os.path.join(folder, name)


def memory_peak(pid):
    """MB of resident memory that a process had at the most."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) // 1000


class Heavy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="millrace-heavy-")
        cls.addClassCleanup(shutil.rmtree, folder)
        data = os.path.join(folder, "data")
        for source, name in ((os.path.join(HERE, "mill"), "mill"), (component(folder, "flood", FLOOD), "flood"),
                             (component(folder, "count", COUNT, expect={"viewClass": "TextFieldView"}), "count")):
            added = millrace("component", "add", source, "--name", name, "--data", data)
            assert added.returncode == 0, added.stderr
        cls.served = Serve(data)
        cls.addClassCleanup(cls.served.__exit__)
        cls.http = next(line.split()[1] for line in cls.served.lines if line.startswith("http "))

    def begin(self, name, action, body, expect=1, limits=""):
        config = "{ apiKey: key }" if action.startswith("mill.") else "{}"
        text = FLOW % {"name": name, "action": action, "config": config, "expect": expect, "limits": limits and ", limits: " + limits}
        answer = self.served.client().deploy(name, text)
        self.assertEqual(answer.status, 201, answer.body)
        self.assertEqual(post(f"{self.http}/{name}", json.dumps(body)), 202)

    def complaint(self):
        return "\n".join(line[:300] for line in self.served.errors[-20:])

    def until_counted(self, name, words):
        until(lambda: any(f"flow={name} step=count" in line and words in line for line in self.served.errors), 120, self.complaint)

    def assert_little_memory(self, flow):
        """Of the platform, and of the flow's worker that emits."""
        workers = self.served.client().get("/v1/workers").json["items"]
        worker = next(worker for worker in workers if worker["flow"] == flow and worker["step"] == "bad")
        peaks = {"platform": memory_peak(self.served.process.pid), "worker": memory_peak(worker["pid"])}
        self.assertLess(peaks["worker"], 200)
        self.assertLess(peaks["platform"], 400)  # it has also had the message of 50 MB

    def dead_letter(self, flow, crashes=False):
        letters = []
        def arrived():
            letters[:] = self.served.client().get(f"/v1/dead-letters?flow={flow}").json["items"]
            return letters
        until(arrived, 60, self.complaint)
        self.assertEqual(len(letters), 1)
        self.assertEqual(any(f"worker={flow}@1/bad.1" in line and "worker ended" in line for line in self.served.errors), crashes)
        return json.dumps(letters[0])

    def test_a_hundred_thousand_messages_for_one_arrive_each_with_an_id_of_its_own(self):
        for name, action, body in (("node", "mill.act", {"do": "batches", "count": MANY}),
                                   ("lines", "flood.flood", {"times": MANY, "size": 1})):
            with self.subTest(name):
                self.begin(name, action, body, MANY)
                self.until_counted(name, f"has {MANY} ids, {MANY} numbers")
                self.assert_little_memory(name)

    def test_much_in_many_messages_arrives(self):
        # Node.js keeps in its own memory what a component emits without awaiting it.
        for name, action, body, count in (("node-mb", "mill.act", {"do": "burst", "count": 50, "size": MB}, 50),
                                          ("lines-mb", "flood.flood", {"times": 300, "size": MB}, 300)):
            with self.subTest(name):
                self.begin(name, action, body, count)
                self.until_counted(name, f"has {count} ids, {count} numbers, {count * MB} characters")
                self.assert_little_memory(name)

    def test_fifty_megabytes_in_one_message_arrive(self):
        self.begin("big", "mill.act", {"do": "big", "size": 50 * MB})
        self.until_counted("big", f"{50 * MB} characters")

    def test_what_is_too_large_for_one_message_is_a_dead_letter_that_says_so(self):
        self.begin("too-big", "mill.act", {"do": "big", "size": 70 * MB}, limits="{ memory: 1GB }")
        self.assertRegex(self.dead_letter("too-big"), "object .* in the object storage, as it is larger than a message may be")
        self.begin("line", "flood.flood", {"times": 1, "size": 50 * MB})
        self.assertIn("a line of more than 33554432 bytes", self.dead_letter("line"))
        self.assertEqual(post(f"{self.http}/line", json.dumps({"times": 1, "size": 3})), 202)  # it goes on
        self.until_counted("line", "has 1 ids, 1 numbers, 3 characters")

    def test_a_component_that_is_out_of_memory_says_so_and_how_much_it_may_have(self):
        self.begin("hungry", "mill.act", {"do": "big", "size": 70 * MB}, limits="{ memory: 200MB }")
        self.assertIn("worker.lost", self.dead_letter("hungry", crashes=True))
        self.assertTrue(any("out of memory: it may have 200 MB" in line for line in self.served.errors), self.complaint())


if __name__ == "__main__":
    unittest.main()
