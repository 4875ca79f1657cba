"""Forms go in while workers and the platform are killed with SIGKILL at random moments: none is lost."""
import threading
import unittest

from web_form import Senders, World, chance_of_run, kill, until

FORMS = 5_000
KILLS = 40
SENDERS = 8
NOBODY = 2**22 + 1  # beyond pid_max


class Crash(unittest.TestCase):
    def test_every_accepted_form_reaches_target_and_mailbox(self):
        chance = chance_of_run()
        killed = {"platform": 0, "worker": 0}
        with World() as world:
            senders = Senders(world, SENDERS)
            pause = threading.Event()
            for kills in range(KILLS):
                # A share of the forms for each kill, so that it comes while forms are sent.
                senders.put(range(FORMS * kills // KILLS, FORMS * (kills + 1) // KILLS))
                pause.wait(chance.uniform(0.01, 0.3))
                if chance.random() < 0.25:
                    world.kill_platform()
                    killed["platform"] += 1
                    world.start()
                else:
                    until(lambda: kill(chance.choice(sorted(world.workers()) or [NOBODY])), 10, lambda: "no worker runs")
                    killed["worker"] += 1
            senders.no_more()
            senders.finish()
            self.assertEqual(len(senders.accepted), FORMS)
            until(lambda: len(set(world.numbers_in_mailbox())) >= FORMS, 120,
                  lambda: f"{len(set(world.numbers_in_ledger()))} in the ledger, {len(set(world.numbers_in_mailbox()))} mails; "
                          + world.command("status") + world.log_end())
            ledger, mailbox = world.numbers_in_ledger(), world.numbers_in_mailbox()
            for mail, number in zip(world.mails.mails, mailbox):
                post = int(mail.get_content().strip().removeprefix("Published as "))
                self.assertEqual(ledger[post - 1], number, "a mail tells of its own form's post")
            print(f"{FORMS} forms, kills {killed}, repeats: target {len(ledger) - FORMS}, mailbox {len(mailbox) - FORMS}", flush=True)
            self.assertEqual(set(ledger), set(range(FORMS)))
            self.assertEqual(set(mailbox), set(range(FORMS)))
            keys = {key for key, _ in world.target.ledger}
            self.assertEqual(len(keys), FORMS, "a repeat carries the Idempotency-Key of the first")
            self.assertEqual(len({mail["Message-ID"] for mail in world.mails.mails}), FORMS)


if __name__ == "__main__":
    unittest.main()
