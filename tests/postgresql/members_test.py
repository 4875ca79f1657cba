"""Two platforms on one PostgreSQL: who is there and who leads, what one changes and the other follows, and what becomes of one that is
stopped, killed or ended in order."""
import os
import signal
import tempfile
import time
import unittest

from client import Client, Serve
from running import until
from server import Postgresql

KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
CLOCK = """name: clock
steps:
  - id: tick
    trigger: timer.tick
    config: { every: 1s }
  - id: write
    action: message.log
    after: tick
"""


class Members(unittest.TestCase):
    def setUp(self):
        self.server = Postgresql()
        self.addCleanup(self.server.close)
        self.url = self.server.database("mill")
        folder = tempfile.TemporaryDirectory(prefix="millrace-members-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.token = None

    def serve(self, name):
        served = Serve(os.path.join(self.folder, name), {"MILLRACE_STORE": self.url, "MILLRACE_KEY": KEY}, ("--member", name))
        self.addCleanup(served.__exit__)
        self.token = self.token or served.token
        return served

    def api(self, served):
        return Client("http://" + served.api, self.token)

    def members(self, served):
        return {one["name"]: one for one in self.api(served).get("/v1/members").json["items"]}

    def leader(self, served):
        return [name for name, one in self.members(served).items() if one["leads"]]

    def until(self, what, condition, seconds=30):
        until(condition, seconds, lambda: what)

    def test_members_follow_each_other_and_one_leads(self):
        east, west = self.serve("east"), self.serve("west")
        self.until("both alive", lambda: all(len([m for m in self.members(one).values() if m["alive"]]) == 2 for one in (east, west)))
        self.until("addresses", lambda: self.members(west)["east"]["address"] == "http://" + east.api)
        self.assertEqual(self.leader(east), ["east"])
        self.assertEqual(self.leader(west), ["east"])

        # What is published, stopped and deleted on the one is so on the other.
        self.assertEqual(self.api(west).deploy("clock", CLOCK).status, 201)
        self.until("east ticks", lambda: self.api(east).get("/v1/flows/clock").json["schedule"])
        self.assertIsNone(self.api(west).get("/v1/flows/clock").json["schedule"])  # it does not lead
        self.assertEqual(self.api(east).deploy("clock", CLOCK + "# 2\n").status, 201)
        self.until("the first version is gone from both", lambda: all(
            [v["version"] for v in self.api(one).get("/v1/flows/clock").json["versions_in_use"]] == [2] for one in (east, west)), 60)

        # A stopped leader is followed by the other one, and is none when it goes on.
        os.kill(east.process.pid, signal.SIGSTOP)
        self.until("west leads", lambda: self.leader(west) == ["west"])
        self.until("east is gone", lambda: not self.members(west)["east"]["alive"])
        self.until("west ticks", lambda: self.api(west).get("/v1/flows/clock").json["schedule"])
        os.kill(east.process.pid, signal.SIGCONT)
        self.until("east is back", lambda: self.members(west)["east"]["alive"])
        self.assertEqual(self.leader(east), ["west"])
        self.until("east ticks no more", lambda: self.api(east).get("/v1/flows/clock").json["schedule"] is None)

        # One that ends in order is gone at once, and lets go of the lead.
        west.stop()
        self.until("east leads at once", lambda: self.leader(east) == ["east"], 5)
        self.assertNotIn("west", self.members(east))
        self.assertEqual(self.api(east).ask("DELETE", "/v1/flows/clock?discard=true").status, 202)
        self.until("it is gone", lambda: self.api(east).get("/v1/flows/clock").status == 404)

        # One that is killed and comes back at once is the same member.
        east.kill()
        began = time.monotonic()
        east.start()
        self.until("it leads again", lambda: self.leader(east) == ["east"])
        self.assertLess(time.monotonic() - began, 15)
        self.assertEqual(list(self.members(east)), ["east"])


if __name__ == "__main__":
    unittest.main()
