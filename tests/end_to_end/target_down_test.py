"""The target is down for 20 s, refusing, then answering 503, then hanging: messages wait and all arrive."""
import threading
import unittest

from web_form import World, until

FORMS = 600


class TargetDown(unittest.TestCase):
    def test_messages_wait_for_the_target_and_none_is_lost(self):
        with World() as world:
            pause = threading.Event()
            sent = 0

            def send(count):
                nonlocal sent
                for number in range(sent, sent + count):
                    world.send(number)
                sent += count

            send(FORMS // 4)
            for mode in ("refused", "unavailable", "hanging"):
                world.target.mode = mode
                send(FORMS // 4)
                pause.wait(6.7)
            world.target.mode = "up"
            until(lambda: len(set(world.numbers_in_mailbox())) >= FORMS, 60,
                  lambda: world.command("status") + world.log_end())
            ledger, mailbox = world.numbers_in_ledger(), world.numbers_in_mailbox()
            print(f"{FORMS} forms, repeats: target {len(ledger) - FORMS}, mailbox {len(mailbox) - FORMS}", flush=True)
            self.assertEqual(set(ledger), set(range(FORMS)))
            self.assertEqual(set(mailbox), set(range(FORMS)))


if __name__ == "__main__":
    unittest.main()
