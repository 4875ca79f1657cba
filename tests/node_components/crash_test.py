"""A flow through native and Node.js steps, the latter on the unmodified library of elastic.io: forms go in while Node.js
processes, workers and the platform are killed with SIGKILL at random moments. None is lost."""
import os
import sys
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "end_to_end"))

from web_form import Senders, World, chance_of_run, children, kill, until  # noqa: E402

FORMS = 1_200
KILLS = 16
SENDERS = 4
NOBODY = 2**22 + 1  # beyond pid_max

FLOW = """\
name: mixed
steps:
  - id: form
    trigger: webhook.receive
    config: { path: register-interest }
  - id: grind
    action: mill.act
    after: form
    instances: 2
    concurrency: 20
    input: '{ "do": "echo", "number": body.number }'
    config: { apiKey: key, greeting: "grüß Gott" }
    retry: { initial: 200ms, factor: 2, max: 2s, attempts: %(attempts)d }
  - id: split
    action: mill.act
    after: grind
    concurrency: 20
    input: '{ "do": "split", "count": 2, "number": body.number }'
    config: { apiKey: key }
    retry: { initial: 200ms, factor: 2, max: 2s, attempts: 100 }
  - id: publish
    action: http.request
    after: split
    input: '{ "number": passthrough.grind.body.number * 2 + body.i, "greeting": passthrough.grind.body.greeting }'
    config: { method: POST, url: "${CMS_URL}/posts", timeout: %(timeout)s }
    retry: { initial: 200ms, factor: 2, max: 2s, attempts: 100 }
"""


class NodeCrash(unittest.TestCase):
    def test_every_accepted_form_reaches_the_target(self):
        chance = chance_of_run()
        killed = {"platform": 0, "worker": 0, "node": 0}
        world = World(flow=FLOW)
        world.command("component", "add", os.path.join(HERE, "mill"), "--name", "mill")
        with world:
            senders = Senders(world, SENDERS)

            def nodes():
                return [process for worker in world.workers() for process in children(worker)]

            pause = threading.Event()
            for kills in range(KILLS):
                senders.put(range(FORMS * kills // KILLS, FORMS * (kills + 1) // KILLS))
                pause.wait(chance.uniform(0.3, 1.5))
                what = chance.choices(("platform", "worker", "node"), (1, 2, 4))[0]
                if what == "platform":
                    world.kill_platform()
                    world.start()
                else:
                    among = world.workers if what == "worker" else nodes
                    until(lambda: kill(chance.choice(sorted(among()) or [NOBODY])), 30, lambda: f"no {what} runs")
                killed[what] += 1
            senders.no_more()
            senders.finish()
            until(lambda: len(set(world.numbers_in_ledger())) >= 2 * FORMS, 240,
                  lambda: f"{len(set(world.numbers_in_ledger()))} in the ledger; " + world.command("status") + world.log_end())
            ledger = world.numbers_in_ledger()
            print(f"{FORMS} forms, kills {killed}, repeats at the target: {len(ledger) - 2 * FORMS}", flush=True)
            self.assertEqual(set(ledger), set(range(2 * FORMS)))
            self.assertEqual({value["greeting"] for _, value in world.target.ledger}, {"grüß Gott"})
            keys = {key for key, _ in world.target.ledger}
            self.assertEqual(len(keys), 2 * FORMS, "a repeat carries the Idempotency-Key of the first")


if __name__ == "__main__":
    unittest.main()
