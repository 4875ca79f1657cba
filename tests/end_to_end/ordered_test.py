"""Two steps with ordered_by and several instances, retries, scaling, SIGKILL of workers and platform: the order of each key
holds at the target, where what had no answer yet may come once more."""
import random
import threading
import unittest

from web_form import World, chance_of_run, kill, until

CUSTOMERS = 40
FORMS_EACH = 60
SENDERS = 8
KILLS = 16
FLOW = """\
name: ordered
steps:
  - id: form
    trigger: webhook.receive
    config: { path: register-interest }
  - id: shape
    action: jsonata.transform
    after: form
    instances: 2
    ordered_by: body.customer
    config: { expression: body }
  - id: publish
    action: http.request
    after: shape
    ordered_by: body.customer
    config: { method: POST, url: "${CMS_URL}/posts", timeout: %(timeout)s }
    retry: { initial: 50ms, factor: 2, max: 200ms, attempts: %(attempts)d }
"""


class Ordered(unittest.TestCase):
    def send(self, world, customers):
        for number in range(FORMS_EACH):
            for customer in customers:
                world.post({"customer": customer, "number": number}, f"{customer}-{number}")
                self.sent += 1

    def test_the_order_of_each_key_holds(self):
        chance = chance_of_run()
        self.sent = 0
        cut = threading.Semaphore(150)

        def on_request(form, _port):
            """Now and then the connection is cut instead of an answer, and the message is tried again."""
            return not (form["number"] % 7 == 3 and random.random() < 0.4 and cut.acquire(blocking=False))

        killed = {"platform": 0, "worker": 0}
        with World(flow=FLOW, on_request=on_request) as world:
            senders = [threading.Thread(target=self.send, args=(world, range(first, CUSTOMERS, SENDERS)))
                       for first in range(SENDERS)]
            for sender in senders:
                sender.start()
            pause = threading.Event()
            for kills in range(KILLS):
                pause.wait(chance.uniform(0.05, 0.4))
                if kills in (3, 11):
                    world.command("scale", "ordered/publish", "4" if kills == 3 else "1")
                if chance.random() < 0.25:
                    world.kill_platform()
                    killed["platform"] += 1
                    world.start()
                else:
                    until(lambda: kill(chance.choice(sorted(world.workers()) or [2**22 + 1])), 10, lambda: "no worker")
                    killed["worker"] += 1
            for sender in senders:
                sender.join()
            total = CUSTOMERS * FORMS_EACH
            self.assertEqual(self.sent, total)
            ledger = world.target.ledger
            until(lambda: len({(form["customer"], form["number"]) for _, form in list(ledger)}) >= total, 120,
                  lambda: f"{len(ledger)} of {total}; " + world.command("status") + world.log_end())
            repeats = self.check_order([form for _, form in ledger])
            print(f"{total} forms of {CUSTOMERS} keys, kills {killed}, {150 - cut._value} requests cut, "
                  f"{repeats} repeats, each key in order", flush=True)
            self.assertEqual(len({key for key, _ in ledger}), total, "a repeat carries the Idempotency-Key of the first")
            self.assertEqual(world.command("dead-letters", "list").strip(), "", "nothing is a dead letter")

    def test_a_new_version_goes_on_where_the_one_before_it_ends(self):
        with World(flow=FLOW) as world:
            world.target.mode = "unavailable"
            for number in range(20):
                world.post({"customer": 0, "number": number}, str(number))
            world.kill_platform()
            with open(world.flow, encoding="utf-8") as file:
                text = file.read()
            with open(world.flow, "w", encoding="utf-8") as file:
                file.write(text.replace("initial: 50ms", "initial: 60ms"))
            world.start()
            for number in range(20, 40):
                world.post({"customer": 0, "number": number}, str(number))
            self.assertIn("ordered@1.publish", world.command("queues", "--json"))
            self.assertIn("ordered@2.publish", world.command("queues", "--json"))
            self.assertEqual(world.target.ledger, [])
            world.target.mode = "up"
            until(lambda: len(world.target.ledger) >= 40, 30, lambda: world.command("status") + world.log_end())
            self.check_order([form for _, form in world.target.ledger])

    def check_order(self, forms):
        """Each key's numbers go up by one; the last one may come again. Returns how many did."""
        last = dict.fromkeys(range(CUSTOMERS), -1)
        repeats = 0
        for form in forms:
            customer, number = form["customer"], form["number"]
            self.assertIn(number - last[customer], (0, 1), f"{number} of customer {customer} after {last[customer]}")
            repeats += number == last[customer]
            last[customer] = number
        return repeats


if __name__ == "__main__":
    unittest.main()
