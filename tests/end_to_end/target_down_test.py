"""A target that is down parks its step: few requests reach it, no message uses up its attempts, all arrive afterwards."""
import json
import threading
import unittest

from web_form import World, until

FORMS = 300
ATTEMPTS = 3  # so few that every message would be dead long before the target is back, if each were tried by itself
DOWN_S = 5
IN_WORK = 2 * 16  # instances, and the requests that each has under way at once


def step(world, name="publish"):
    flow = json.loads(world.command("status", "--json"))["flows"][0]
    return next(it for it in flow["steps"] if it["id"] == name), flow["dead_letters"]


class TargetDown(unittest.TestCase):
    def all_arrive(self, world, count):
        until(lambda: len(set(world.numbers_in_mailbox())) >= count, 90, lambda: world.command("status") + world.log_end())
        self.assertEqual(set(world.numbers_in_ledger()), set(range(count)))
        self.assertEqual(set(world.numbers_in_mailbox()), set(range(count)))
        self.assertEqual(step(world)[1], 0, world.command("dead-letters", "list"))

    def test_a_step_waits_as_a_whole_while_its_target_is_down(self):
        pause = threading.Event()
        with World(attempts=ATTEMPTS) as world:
            sent = 0

            def send(count):
                nonlocal sent
                for number in range(sent, sent + count):
                    world.send(number)
                sent += count

            send(20)
            self.all_arrive(world, sent)
            for mode in ("refused", "unavailable", "hanging"):
                with self.subTest(mode=mode):
                    before = world.target.requests
                    world.target.mode = mode
                    send(FORMS)
                    until(lambda: step(world)[0]["parked"] is not None, 20, lambda: world.command("status") + world.log_end())
                    pause.wait(DOWN_S)
                    parked = step(world)[0]["parked"]
                    self.assertEqual(parked["state"], "parked")
                    self.assertIn("http.", parked["reason"])
                    self.assertGreater(parked["waiting"], FORMS - 1)
                    self.assertIn("parked since", world.command("status"))
                    seen = world.target.requests - before
                    world.target.mode = "up"
                    self.all_arrive(world, sent)
                    until(lambda: step(world)[0]["parked"] is None, 30, lambda: world.command("status"))
                    print(f"{mode}: {FORMS} forms waited; the target saw {seen} requests in {DOWN_S} s, "
                          f"{parked['probes']} of them probes", flush=True)
                    self.assertLessEqual(seen, 2 * IN_WORK + parked["probes"])
            ledger = world.numbers_in_ledger()
            print(f"{sent} forms, 0 dead with {ATTEMPTS} attempts, repeats at the target: {len(ledger) - sent}", flush=True)

    def test_a_target_that_bids_us_wait_is_heeded_by_the_whole_step(self):
        with World(attempts=ATTEMPTS) as world:
            world.target.mode = "throttled"
            for number in range(FORMS // 2):
                world.send(number)
            until(lambda: len(world.target.ledger) > 60, 30, lambda: world.command("status"))
            parked = step(world)[0]["parked"]
            self.assertEqual(parked["state"], "throttled")
            self.assertIsNotNone(parked["done_at"])
            self.all_arrive(world, FORMS // 2)
            print(f"429: {FORMS // 2} forms at {world.target.per_second} a second: {world.target.throttled} refusals; "
                  f"learned {parked['rate']:.1f} a second", flush=True)
            self.assertLessEqual(world.target.throttled, IN_WORK + FORMS // 4)


if __name__ == "__main__":
    unittest.main()
