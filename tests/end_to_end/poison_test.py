"""A message that crashes its worker each time ends as a dead letter after its attempts; its neighbours are delivered.

The crash is the target's doing: when it sees the poison it kills the process at the other end of the connection.
"""
import json
import os
import unittest

from web_form import World, kill, owner_of_port, until

FORMS = 200
POISON = 77
ATTEMPTS = 3
# RabbitMQ counts what comes back without fault, too (src/rabbitmq/arguments.cpp).
GRANTED = 8 if os.environ.get("MILLRACE_AMQP") else 0

class Poison(unittest.TestCase):
    def test_poison_ends_as_a_dead_letter_and_can_be_retried(self):
        deaths = []
        cured = []

        def on_request(body, client_port):
            if not body.get("poison") or cured:
                return True
            victim = owner_of_port(client_port, world.workers())
            if victim is not None and kill(victim):
                deaths.append(victim)
            return False

        # Finding the victim takes seconds where many connections have just ended: the request is not to time out meanwhile.
        with World(attempts=ATTEMPTS, timeout="60s", on_request=on_request) as world:
            for number in range(FORMS):
                world.send(number, poison=number == POISON)
            others = set(range(FORMS)) - {POISON}

            def letters():
                return json.loads(world.command("dead-letters", "list", "--json"))["dead_letters"]

            until(lambda: set(world.numbers_in_mailbox()) >= others and letters(), 120,
                  lambda: world.command("status") + world.log_end())
            print(f"the poison killed {len(deaths)} workers", flush=True)
            self.assertEqual(set(world.numbers_in_ledger()), others)
            self.assertEqual(len(deaths), ATTEMPTS + GRANTED)
            found = letters()
            self.assertEqual(len(found), 1, found)
            self.assertEqual(found[0]["step"], "publish")
            self.assertIn("Company 77", world.command("dead-letters", "show", found[0]["id"]))
            cured.append(True)
            world.command("dead-letters", "retry", found[0]["id"])
            until(lambda: POISON in world.numbers_in_mailbox(), 30, lambda: world.command("status") + world.log_end())
            self.assertEqual(letters(), [])

if __name__ == "__main__":
    unittest.main()
