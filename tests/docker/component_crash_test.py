"""A flow with a component on elastic.io's unmodified library, whose workers are containers: they are killed with `docker kill` under
load, and the platform once. No form is lost."""
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.append(HERE)

from engine import Engine, contain  # noqa: E402
from crash_test import ContainerWorld  # noqa: E402
from web_form import MILLRACE, Senders, chance_of_run, until  # noqa: E402

FORMS = 800
KILLS = 8
SENDERS = 4
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
    concurrency: 10
    input: '{ "number": body.number }'
    config: { apiKey: key, greeting: "grüß Gott" }
    retry: { initial: 200ms, factor: 2, max: 2s, attempts: %(attempts)d }
  - id: publish
    action: http.request
    after: grind
    config: { method: POST, url: "${CMS_URL}/posts", timeout: %(timeout)s }
    retry: { initial: 200ms, factor: 2, max: 2s, attempts: 100 }
"""


class ComponentCrash(unittest.TestCase):
    def test_containers_of_a_node_js_component_are_killed_under_load(self):
        engine = Engine()
        self.addCleanup(engine.close)
        base, _ = engine.build_millrace(MILLRACE)
        made = subprocess.run([os.path.join(ROOT, "packaging/docker/build_nodejs.sh"), base], capture_output=True, text=True,
                              env={**os.environ, "DOCKER_HOST": engine.address})
        self.assertEqual(made.returncode, 0, made.stderr)
        chance = chance_of_run()
        world = ContainerWorld(engine, flow=FLOW)
        world.command("component", "add", os.path.join(ROOT, "tests/node_components/mill"), "--name", "mill")

        def complaint():
            return world.command("status") + world.log_end()

        def running():
            return engine.containers("label=millrace.step=grind")

        with world:
            senders = Senders(world, SENDERS)
            self.addCleanup(senders.no_more)
            killed = 0
            for kills in range(KILLS):
                senders.put(range(FORMS * kills // KILLS, FORMS * (kills + 1) // KILLS))
                # Under load: it has just done some of the messages, and has others in hand.
                enough = len(world.target.ledger) + chance.randrange(1, 30)
                until(lambda: len(world.target.ledger) > enough and running(), 90, complaint)
                there = running()  # one of them may have ended just now
                for name in chance.sample(there, k=min(len(there), chance.choice((1, 1, 2)))):
                    engine.docker("kill", name, check=False)
                    killed += 1
                if kills == KILLS // 2:
                    world.kill_platform()
                    world.start()
            senders.no_more()
            senders.finish()
            until(lambda: len(set(world.numbers_in_ledger())) >= FORMS, 180, complaint)
            ledger = world.numbers_in_ledger()
            print(f"{FORMS} forms, {killed} containers killed, repeats at the target: {len(ledger) - FORMS}", flush=True)
            self.assertGreaterEqual(killed, KILLS)
            self.assertEqual(set(ledger), set(range(FORMS)))
            self.assertEqual({value["greeting"] for _, value in world.target.ledger}, {"grüß Gott"})
            self.assertEqual(len({key for key, _ in world.target.ledger}), FORMS, "a repeat has the key of the first")
        self.assertEqual(engine.docker("ps", "--all", "--quiet", "--filter", "label=millrace.platform"), "")


if __name__ == "__main__":
    contain()
    unittest.main()
