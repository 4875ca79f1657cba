"""Events of a platform: what happens is told to who listens, once, also to one who comes again; counts while watched."""
import os
import signal
import tempfile
import unittest

from client import Serve, Stream
from running import post, until

FLOW = """name: bills
steps:
  - { id: form, trigger: webhook.receive, config: { path: bills } }
  - { id: check, action: jsonata.transform, after: form, config: { expression: "n < 0 ? $error('less than nothing') : body" } }
  - { id: write, action: message.log, after: check }
"""


class Events(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-api-")
        self.addCleanup(self.folder.cleanup)
        self.served = Serve(os.path.join(self.folder.name, "data"))
        self.addCleanup(self.served.__exit__)
        self.client = self.served.client()
        self.webhook = next(line.split()[1] for line in self.served.lines if line.startswith("http ")) + "/bills"

    def test_the_life_of_a_flow_is_told(self):
        stream = Stream(self.served, "/v1/events")
        types = lambda s=stream: [event for event, _, _ in s.events if event != "counts"]
        data = lambda type: next(data for event, _, data in stream.events if event == type)
        self.assertEqual(self.client.deploy("bills", FLOW.replace("n < 0", "body.n < 0")).status, 201)
        until(lambda: "flow.published" in types(), 10, types)
        self.assertEqual((data("flow.published")["flow"], data("flow.published")["version"]), ("bills", 1))
        post(self.webhook, '{"n": -1}')
        until(lambda: "dead-letter.added" in types(), 20, types)
        self.assertEqual(types().index("worker.started") + 1, types().index("worker.ready"))
        letter = data("dead-letter.added")
        self.assertEqual((letter["flow"], letter["step"]), ("bills", "check"))
        self.assertIn("less than nothing", letter["reason"])
        self.assertEqual(self.client.get("/v1/dead-letters/" + letter["id"]).json["execution"], letter["execution"])
        until(lambda: any(event == "counts" and data["dead_letters"] == 1 for event, _, data in stream.events), 10, lambda: stream.events)
        os.kill(data("worker.ready")["pid"], signal.SIGKILL)
        until(lambda: "worker.crashed" in types(), 20, types)
        self.assertIn("SIGKILL", data("worker.crashed")["reason"])
        self.assertIn("SIGKILL", self.client.get("/v1/flows/bills/steps/check/logs").json["items"][-1]["facts"]["reason"])

        last_id = next(id for event, id, _ in stream.events if event == "dead-letter.added")
        stream.connection.close()
        self.client.post("/v1/flows/bills/stop")
        again = Stream(self.served, "/v1/events?flow=bills", Last_Event_ID=last_id)
        until(lambda: "flow.stopped" in types(again), 10, lambda: again.events)
        self.assertIn("worker.crashed", types(again), "what happened meanwhile")
        self.assertNotIn("flow.published", types(again), "what it knows already")
        elsewhere = Stream(self.served, "/v1/events?flow=other", Last_Event_ID=last_id)
        stale = Stream(self.served, "/v1/events", Last_Event_ID="an-earlier-life-17")
        until(lambda: types(stale) == ["reset"], 10, lambda: stale.events)
        self.client.post("/v1/flows/bills/start")
        until(lambda: "flow.started" in types(again), 10, lambda: again.events)
        self.assertEqual(elsewhere.events, [])
        self.assertEqual(self.served.stop(), 0)


if __name__ == "__main__":
    unittest.main()
