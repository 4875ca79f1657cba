"""The life of `millrace run`: start, workers, drain, crash, and what the next start finds."""
import json
import os
import signal
import tempfile
import threading
import unittest

from running import Platform, Target, millrace, post, until

FLOW = """
name: orders
steps:
  - id: form
    trigger: webhook.receive
    config: { path: orders }
  - id: publish
    action: http.request
    after: form
    instances: 2
    config: { method: POST, url: "${TARGET}/posts" }
    retry: { initial: 200ms, factor: 1, attempts: 100 }
"""


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Life(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-life-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "data")
        self.flow = os.path.join(self.folder.name, "orders.yaml")
        with open(self.flow, "w", encoding="utf-8") as file:
            file.write(FLOW)

    def platform(self, target, **options):
        return Platform(self.flow, data=self.data, environment={"TARGET": target.url}, **options)

    def delivered(self, target, numbers, seconds=60):
        """Waits until the target has each of `numbers`; returns how many repeats it got."""
        def have():
            return {json.loads(body)["n"] for _, body in list(target.ledger)}
        until(lambda: have() >= set(numbers), seconds, lambda: f"missing {sorted(set(numbers) - have())[:20]}")
        self.assertEqual(have(), set(numbers))
        return len(target.ledger) - len({key for key, _ in target.ledger})

    def test_each_instance_is_a_process_of_its_own_and_dies_with_the_platform(self):
        with Target() as target, self.platform(target) as platform:
            until(lambda: len(platform.workers) == 2, 10, lambda: platform.lines)
            pids = platform.workers.values()
            self.assertEqual(set(platform.workers), {"orders/publish.1", "orders/publish.2"})
            self.assertEqual(len(set(pids) | {platform.process.pid}), 3)
            platform.stop(signal.SIGKILL)
            until(lambda: not any(alive(pid) for pid in pids), 5, lambda: f"{pids} still run")

    def test_sigterm_in_mid_batch_finishes_what_is_in_work_and_the_next_start_does_the_rest(self):
        with Target(delay=0.02) as target:
            with self.platform(target) as platform:
                for n in range(200):
                    self.assertEqual(post(platform.webhook, json.dumps({"n": n})), 202)
                self.assertEqual(platform.stop(signal.SIGTERM), 0)
                pids = platform.workers.values()
                self.assertFalse(any(alive(pid) for pid in pids))
            with self.platform(target) as platform:
                repeats = self.delivered(target, range(200))
                self.assertEqual(platform.stop(), 0)
            self.assertEqual(repeats, 0)

    def test_a_killed_worker_is_replaced_and_nothing_is_lost(self):
        with Target(delay=0.01) as target, self.platform(target) as platform:
            until(lambda: len(platform.workers) == 2, 10, lambda: platform.lines)
            first = dict(platform.workers)
            for n in range(100):
                self.assertEqual(post(platform.webhook, json.dumps({"n": n})), 202)
            os.kill(first["orders/publish.1"], signal.SIGKILL)
            until(lambda: platform.workers["orders/publish.1"] != first["orders/publish.1"], 10,
                  lambda: platform.lines)
            self.delivered(target, range(100))
            platform.wait_for_line("killed by SIGKILL")
            status = json.loads(millrace("status", "--json", "--data", self.data).stdout)
            self.assertIn("SIGKILL", json.dumps(status))
            self.assertEqual(platform.stop(), 0)

    def test_a_killed_platform_loses_nothing_it_has_acknowledged(self):
        accepted = []
        with Target(delay=0.005) as target:
            for start in range(3):
                with self.platform(target) as platform:
                    webhook = platform.webhook
                    def send():
                        for n in range(start * 1000, start * 1000 + 200):
                            try:
                                if post(webhook, json.dumps({"n": n})) == 202:
                                    accepted.append(n)
                            except OSError:
                                return
                    sender = threading.Thread(target=send)
                    sender.start()
                    enough = start * 100 + 50
                    until(lambda: len(accepted) >= enough, 30, lambda: f"{len(accepted)} accepted")
                    platform.stop(signal.SIGKILL)
                    sender.join(30)
            self.assertGreater(len(accepted), 0)
            with self.platform(target) as platform:
                have = lambda: {json.loads(body)["n"] for _, body in list(target.ledger)}
                until(lambda: have() >= set(accepted), 60, lambda: f"missing {sorted(set(accepted) - have())[:20]}")
                self.assertEqual(platform.stop(), 0)

    def test_a_second_interrupt_stops_at_once(self):
        with Target(delay=20) as target, self.platform(target) as platform:
            until(lambda: len(platform.workers) == 2, 10, lambda: platform.lines)
            self.assertEqual(post(platform.webhook, '{"n": 1}'), 202)
            until(lambda: target.begun == 1, 10, lambda: "the target was not called")
            platform.process.send_signal(signal.SIGINT)
            platform.wait_for_line("stopping")
            self.assertEqual(platform.stop(signal.SIGINT, 5), 130)


if __name__ == "__main__":
    unittest.main()
