"""The README's flow in containers: each step's container and the platform are killed in turn under load, then the engine itself:
no form is lost. A platform that is started again adopts what still runs."""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path += [HERE, os.path.join(ROOT, "tests", "end_to_end")]

from engine import Engine, contain  # noqa: E402
from web_form import MILLRACE, Senders, World, until  # noqa: E402

FORMS = 1_500
ROUNDS = 2
SENDERS = 4
STEPS = ("shape", "publish", "notify")
HOST = "host.docker.internal"


class ContainerWorld(World):
    """Targets listen where containers find them; the platform's workers are containers of `engine`."""

    def __init__(self, engine, **options):
        super().__init__(listen_on="0.0.0.0", called=HOST, **options)
        self.engine = engine

    def run_command(self):
        return [*super().run_command(), "--driver", "docker", "--docker", self.engine.address]


class PlatformInContainer(ContainerWorld):
    """The platform is a container as well, which is killed like the others."""

    def __init__(self, engine, image):
        super().__init__(engine)
        self.image = image
        self.lives = 0
        os.mkdir(self.data)
        os.chown(self.data, 65532, 65532)

    def run_command(self):
        self.lives += 1
        group = str(os.stat(self.engine.socket).st_gid)
        return self.engine.command(
            "run", "--rm", "--name", f"platform-{self.lives}", "--network", "host", "--group-add", group,
            "-v", f"{self.engine.socket}:/var/run/docker.sock", "-v", f"{self.flow}:/flow.yaml:ro", "-v", f"{self.data}:/data",
            "-e", "CMS_URL=" + self.target.url, "-e", "SMTP_URL=" + self.mails.url,
            self.image, "run", "/flow.yaml", "--data", "/data", "--http", f"127.0.0.1:{self.port}", "--driver", "docker")

    def kill_platform(self):
        self.engine.docker("kill", f"platform-{self.lives}")
        self.platform.wait()


class Crash(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = Engine()
        cls.addClassCleanup(cls.engine.close)
        cls.image, size = cls.engine.build_millrace(MILLRACE)
        print(f"image {cls.image}: {size} MB", flush=True)
        assert size < 40
        cls.engine.derive("somebodys", cls.image, "/usr/bin/millrace", "broker", "--data", "/tmp/b")
        cls.engine.docker("run", "--detach", "--name", "somebodys", "--tmpfs", "/tmp:mode=1777", "--network", "none", "somebodys")

    def setUp(self):
        self.world = None
        self.senders = None

    def tearDown(self):
        self.assertEqual(self.engine.containers(), ["somebodys"], "what is not ours is not touched, what is ours is gone")
        self.assertEqual(self.engine.docker("ps", "--all", "--quiet", "--filter", "label=millrace.platform"), "")
        self.assertEqual(self.engine.docker("network", "ls", "--quiet", "--filter", "label=millrace.platform"), "")

    def of(self, world):
        self.world = world
        return world

    def begin(self, count):
        self.senders = Senders(self.world, SENDERS)
        self.senders.put(range(count))
        self.senders.no_more()

    def complaint(self):
        return self.world.command("status") + self.world.log_end()

    def all_are_up(self):
        return len(self.engine.containers("label=millrace.platform")) == 4

    def nothing_is_lost(self, count, what):
        until(lambda: len(set(self.world.numbers_in_mailbox())) >= count, 120, self.complaint)
        ledger, mailbox = self.world.numbers_in_ledger(), self.world.numbers_in_mailbox()
        print(f"{count} forms, {what}, repeats: target {len(ledger) - count}, mailbox {len(mailbox) - count}", flush=True)
        self.assertEqual(set(ledger), set(range(count)))
        self.assertEqual(set(mailbox), set(range(count)))
        self.assertEqual(len({key for key, _ in self.world.target.ledger}), count, "a repeat has the key of the first")

    def test_each_container_and_the_platform_killed_in_turn(self):
        with self.of(PlatformInContainer(self.engine, self.image)) as world:
            until(self.all_are_up, 60, self.complaint)
            self.begin(FORMS)
            for _ in range(ROUNDS):
                for step in STEPS:
                    done = len(self.senders.accepted)
                    until(lambda: len(self.senders.accepted) > done + 20 or not self.senders.are_at_work(), 60, self.complaint)
                    for name in self.engine.containers(f"label=millrace.step={step}"):
                        self.engine.docker("kill", name, check=False)
                until(self.all_are_up, 60, self.complaint)
                self.assertIn("killed by SIGKILL", world.command("status"))
                done = len(self.senders.accepted)
                until(lambda: len(self.senders.accepted) > done + 20 or not self.senders.are_at_work(), 60, self.complaint)
                world.kill_platform()
                world.start()
                until(self.all_are_up, 60, self.complaint)
            self.senders.finish()
            self.nothing_is_lost(FORMS, f"each step's containers and the platform killed {ROUNDS} times")
            adopted = world.log().count("worker adopted")
            print(f"{adopted} of {4 * ROUNDS} containers were adopted", flush=True)
            self.assertEqual(adopted, 4 * ROUNDS)

    def test_the_engine_is_killed_and_comes_back(self):
        count = FORMS // 3
        with self.of(ContainerWorld(self.engine)) as world:
            until(self.all_are_up, 60, self.complaint)
            self.begin(count)
            until(lambda: len(self.senders.accepted) > count // 4, 60, self.complaint)
            self.engine.kill()
            until(lambda: "cannot be looked after since" in world.command("status"), 30, self.complaint)
            self.engine.start()
            self.engine.docker("start", "somebodys")
            self.senders.finish()
            until(self.all_are_up, 60, self.complaint)
            self.assertNotIn("cannot be looked after", world.command("status"))
            self.nothing_is_lost(count, "the engine killed once")


if __name__ == "__main__":
    contain()
    unittest.main()
