"""Dead letters by command, with a platform running and without."""
import json
import os
import tempfile
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
    config: { method: POST, url: "${TARGET}/posts" }
    retry: { initial: 100ms, factor: 1, attempts: 3 }
"""


class DeadLetters(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-dead-")
        self.addCleanup(self.folder.cleanup)
        self.data = os.path.join(self.folder.name, "data")
        self.flow = os.path.join(self.folder.name, "orders.yaml")
        with open(self.flow, "w", encoding="utf-8") as file:
            file.write(FLOW)

    def platform(self, target, *arguments):
        return Platform(self.flow, data=self.data, environment={"TARGET": target.url}, arguments=arguments)

    def command(self, *arguments, code=0):
        result = millrace("dead-letters", *arguments, "--data", self.data)
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def letters(self):
        return json.loads(self.command("list", "--json").stdout)["dead_letters"]

    def refused(self, target, platform, count):
        """Makes `count` dead letters."""
        for n in range(count):
            self.assertEqual(post(platform.webhook, json.dumps({"n": n})), 202)
        until(lambda: len(self.letters()) == count, 10, lambda: f"{self.letters()} {platform.errors}")

    def test_they_are_listed_shown_dropped_and_tried_again_on_a_running_platform(self):
        with Target(status=404) as target, self.platform(target) as platform:
            self.refused(target, platform, 3)
            first, second, third = self.letters()
            self.assertEqual((first["flow"], first["step"], first["code"]), ("orders", "publish", "http.status"))
            shown = json.loads(self.command("show", first["id"][:13], "--json").stdout)
            self.assertIn(shown["message"]["body"], [{"n": n} for n in range(3)])  # they failed side by side: any order
            self.assertEqual(shown["details"]["statusCode"], 404)
            self.command("drop", first["id"])
            target.status = 201
            self.command("retry", second["id"])
            until(lambda: len(target.ledger) == 1, 10, lambda: target.ledger)
            self.assertEqual(target.ledger[0][0], second["id"])
            self.assertNotEqual(json.loads(target.ledger[0][1]), shown["message"]["body"])
            self.command("retry", "--all")
            until(lambda: len(target.ledger) == 2, 10, lambda: target.ledger)
            self.assertEqual(target.ledger[1][0], third["id"])
            self.assertEqual(self.letters(), [])
            self.assertIn("there is no dead letter", self.command("retry", first["id"], code=1).stderr)
            self.command("retry", code=2)
            self.assertEqual(platform.stop(), 0)

    def test_many_are_put_back_by_query_at_once_and_one_with_another_body(self):
        with Target(status=404) as target, self.platform(target) as platform:
            self.refused(target, platform, 40)
            self.assertIn("40 would be put back", self.command("retry", "--text", "404", "--dry-run").stdout)
            self.assertIn("0 dropped", self.command("drop", "--text", "no such words").stdout)
            self.assertIn("0 dropped", self.command("drop", "--older-than", "1h").stdout)
            one = self.letters()[0]["id"]
            target.status = 201
            self.command("retry", one, "--body", '{"mended": true}')
            until(lambda: target.ledger == [(one, '{"mended":true}')], 10, lambda: target.ledger)
            self.assertIn("39 put back", self.command("retry", "--step", "publish", "--newer-than", "1h").stdout)
            until(lambda: len(target.ledger) == 40, 10, lambda: len(target.ledger))
            self.assertEqual(len({key for key, _ in target.ledger}), 40)
            self.assertEqual(self.letters(), [])
            self.command("retry", "--all", "--body", "{}", code=2)
            self.assertEqual(platform.stop(), 0)

    def test_they_are_there_and_can_be_tried_again_while_no_platform_runs(self):
        with Target(status=404) as target:
            with self.platform(target) as platform:
                self.refused(target, platform, 2)
                self.assertEqual(platform.stop(), 0)
            self.assertEqual(len(self.letters()), 2)
            dropped = self.letters()[0]["id"]
            self.command("drop", dropped)
            self.command("retry", "--all")
            target.status = 201
            with self.platform(target) as platform:
                until(lambda: len(target.ledger) == 1, 10, lambda: target.ledger)
                self.assertNotEqual(target.ledger[0][0], dropped)
                self.assertEqual(self.letters(), [])
                self.assertEqual(platform.stop(), 0)

    def test_a_message_over_which_its_worker_runs_out_of_memory_ends_here_and_its_neighbours_are_delivered(self):
        with Target() as target, self.platform(target, "--worker-memory", "20MB") as platform:
            for n in range(20):
                self.assertEqual(post(platform.webhook, json.dumps({"n": n})), 202)
            self.assertEqual(post(platform.webhook, json.dumps({"n": "x" * 9_000_000})), 202)
            for n in range(20, 40):
                self.assertEqual(post(platform.webhook, json.dumps({"n": n})), 202)
            until(lambda: len(self.letters()) == 1, 30, lambda: f"{platform.errors[-5:]}")
            numbers = lambda: {json.loads(body)["n"] for _, body in list(target.ledger)}
            until(lambda: numbers() == set(range(40)), 30, numbers)
            self.assertEqual(self.letters()[0]["code"], "worker.lost")
            status = json.loads(millrace("status", "--json", "--data", self.data).stdout)
            self.assertEqual(status["workers"][0]["last_end"]["reason"], "over its memory limit of 20 MB")
            self.assertEqual(platform.stop(), 0)


if __name__ == "__main__":
    unittest.main()
