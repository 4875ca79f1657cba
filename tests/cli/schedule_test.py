"""Triggers that run by the clock, on a platform that is killed: timer.tick and http.poll."""
import datetime
import http.server
import json
import os
import signal
import tempfile
import threading
import unittest
import urllib.parse

from running import Platform, Target, millrace, until

TIMER = """
name: beat
steps:
  - id: clock
    trigger: timer.tick
    config: { every: 500ms }
  - id: publish
    action: http.request
    after: clock
    config: { method: POST, url: "${TARGET}/ticks" }
"""

POLL = """
name: orders
steps:
  - id: shop
    trigger: http.poll
    config:
      every: 300ms
      url: "${SHOP}/orders?since={{ $cursor }}"
      items: body.orders
      id: number
      cursor: $max($append($cursor, $items.number))
      next: body.next
  - id: publish
    action: http.request
    after: shop
    config: { method: POST, url: "${TARGET}/orders" }
"""


class Shop:
    """An HTTP API with orders 1 to `last`, two a page."""

    def __init__(self):
        self.last = 5
        self.asked = []
        self.failures = []  # (status, body) of the answers that come before any other
        shop = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urllib.parse.urlparse(self.path)
                since = urllib.parse.parse_qs(url.query).get("since", [""])[0]
                shop.asked.append(since)
                first = int(since or 0) + 1
                numbers = range(first, min(first + 2, shop.last + 1))
                page = {"orders": [{"number": n} for n in numbers]}
                if numbers and numbers[-1] < shop.last:
                    page["next"] = f"/orders?since={numbers[-1]}"
                status, answer = shop.failures.pop(0) if shop.failures else (200, json.dumps(page).encode())
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Schedule(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-schedule-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "data")

    def flow(self, text):
        path = os.path.join(self.folder.name, "flow.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_a_timer_keeps_its_beat_and_ticks_once_for_each_time_though_the_platform_is_killed(self):
        flow = self.flow(TIMER)
        with Target() as target:
            for _ in range(4):
                known = len(target.ledger)
                with Platform(flow, data=self.data, environment={"TARGET": target.url}) as platform:
                    until(lambda: len(target.ledger) > known + 2, 20, lambda: f"{target.ledger} {platform.errors}")
                    platform.process.send_signal(signal.SIGKILL)
                    platform.process.wait()
            ticks = {key: json.loads(body) for key, body in target.ledger}
            times = sorted(datetime.datetime.fromisoformat(tick["scheduled_at"].rstrip("Z")) for tick in ticks.values())
            self.assertEqual(len(times), len(set(times)), "two executions for one time")
            steps = [(b - a) / datetime.timedelta(milliseconds=500) for a, b in zip(times, times[1:])]
            self.assertTrue(all(step == int(step) and step >= 1 for step in steps), steps)
            missed = sum(tick["missed"] for tick in ticks.values())
            self.assertEqual(sum(steps) + 1, len(times) + missed - ticks[target.ledger[0][0]]["missed"])

    def test_a_poll_sends_on_each_item_once_page_by_page_and_goes_on_where_it_was(self):
        flow = self.flow(POLL)
        with Target() as target, Shop() as shop:
            for last in (5, 9, 12):
                shop.last = last
                with Platform(flow, data=self.data, environment={"TARGET": target.url, "SHOP": shop.url}) as platform:
                    until(lambda: len({key for key, _ in target.ledger}) >= last, 20,
                          lambda: f"{target.ledger} {shop.asked} {platform.errors}")
                    asked = len(shop.asked)
                    until(lambda: len(shop.asked) > asked + 1, 20, lambda: f"no further poll {platform.errors}")
                    status = json.loads(millrace("status", "--json", "--data", self.data).stdout)
                    self.assertEqual(status["dead"], 0)
                    self.assertGreater(status["accepted"], 0)
                    self.assertEqual(platform.stop(signal.SIGKILL), -signal.SIGKILL)
            numbers = {key: json.loads(body)["number"] for key, body in target.ledger}
            self.assertEqual(sorted(numbers.values()), list(range(1, 13)))
            self.assertNotIn("", shop.asked[1:], "it began again from the start")

    def test_a_poll_that_fails_is_tried_again_until_it_works(self):
        flow = self.flow(POLL.replace("  - id: publish", "    retry: { initial: 50ms, factor: 1 }\n  - id: publish"))
        with Target() as target, Shop() as shop:
            shop.failures = [(503, b""), (200, b'{"orders": ['), (429, b""), (404, b'{"why": "gone"}'), (500, b"")]
            with Platform(flow, data=self.data, environment={"TARGET": target.url, "SHOP": shop.url}) as platform:
                until(lambda: len(target.ledger) >= 5, 20, lambda: f"{target.ledger} {shop.asked} {platform.errors}")
                self.assertEqual(json.loads(millrace("dead-letters", "list", "--json", "--data", self.data).stdout)["dead_letters"], [])
                self.assertEqual(platform.stop(), 0)
            self.assertEqual(sorted(json.loads(body)["number"] for _, body in target.ledger), [1, 2, 3, 4, 5])

    def test_a_source_that_is_gone_is_asked_ever_less_often_and_the_schedule_says_since_when_and_why(self):
        flow = self.flow(POLL.replace("  - id: publish", "    retry: { initial: 100ms, factor: 20, max: 1h }\n  - id: publish"))
        with Target() as target, Shop() as shop:
            shop.failures = [(404, b'{"why": "gone"}')] * 1000
            with Platform(flow, data=self.data, environment={"TARGET": target.url, "SHOP": shop.url}) as platform:
                schedules = lambda: json.loads(millrace("schedules", "--json", "--data", self.data).stdout)["schedules"]
                until(lambda: (schedules()[0]["failing"] or {}).get("attempts", 0) >= 2, 20, lambda: f"{schedules()} {platform.errors}")
                shown = schedules()[0]
                self.assertEqual((shown["step"], shown["state"]), ("shop", "failing"))
                self.assertIn("404", shown["failing"]["reason"])
                self.assertGreater(shown["failing"]["next_try_at"], shown["failing"]["since"] + 1000)
                self.assertIn("404", millrace("schedules", "--data", self.data).stdout)
                self.assertLess(len(shop.asked), 5)
                listed = json.loads(millrace("dead-letters", "list", "--json", "--data", self.data).stdout)["dead_letters"]
                self.assertEqual(listed, [])
                self.assertEqual(platform.stop(), 0)

    def test_a_bad_schedule_is_refused_with_its_place(self):
        for config, complaint in (("{ every: 1s, cron: '* * * * *' }", "exactly one of every and cron"),
                                  ("{ cron: '61 * * * *' }", "minute: \"61\" is not one of 0 to 59"),
                                  ("{ cron: '0 7 * * *', time_zone: Europe/Berln }", "did you mean \"Europe/Berlin\""),
                                  ("{ every: 1ms }", "every")):
            result = millrace("flow", "validate", self.flow(TIMER.replace("{ every: 500ms }", config)))
            self.assertNotEqual(result.returncode, 0, config)
            self.assertIn(complaint, result.stderr)
            self.assertRegex(result.stderr, r"flow\.yaml:\d+:\d+: steps\[0\]\.config")


if __name__ == "__main__":
    unittest.main()
