"""`millrace broker`: start, clear refusals, stop, and what the next start finds. Speaks with amqp-tools."""
import os
import signal
import subprocess
import tempfile
import unittest

from running import MILLRACE, millrace


class Broker:
    def __init__(self, data, *arguments, listen="127.0.0.1:0"):
        self.process = subprocess.Popen([MILLRACE, "broker", "--listen", listen, "--data", data, *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("listening on 127.0.0.1:"), line + self.process.stderr.read()
        self.port = int(line.rsplit(":", 1)[1])

    def url(self, user="guest:guest"):
        return f"amqp://{user}@127.0.0.1:{self.port}/%2f"

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


def tool(name, url, *arguments):
    return subprocess.run([name, "-u", url, *arguments], capture_output=True, text=True, timeout=20)


class BrokerCommand(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-broker-")
        self.addCleanup(folder.cleanup)
        self.data = os.path.join(folder.name, "data")

    def broker(self, *arguments, **options):
        broker = Broker(self.data, *arguments, **options)
        self.addCleanup(broker.process.wait)
        self.addCleanup(broker.process.kill)
        self.addCleanup(broker.process.stderr.close)
        self.addCleanup(broker.process.stdout.close)
        return broker

    def test_messages_are_there_after_a_stop_by_either_signal(self):
        for number, body in ((signal.SIGTERM, "one"), (signal.SIGINT, "two")):
            broker = self.broker()
            self.assertEqual(tool("amqp-declare-queue", broker.url(), "-d", "-q", "kept").returncode, 0)
            self.assertEqual(tool("amqp-publish", broker.url(), "-r", "kept", "-p", "-b", body).returncode, 0)
            self.assertEqual(broker.stop(number), (0, ""))
            broker = self.broker()
            self.assertEqual(tool("amqp-get", broker.url(), "-q", "kept").stdout, body)
            self.assertEqual(broker.stop()[0], 0)

    def test_only_the_users_named_may_connect(self):
        broker = self.broker("--user", "ann:pass:word", "--user", "bob:x")
        self.assertEqual(tool("amqp-declare-queue", broker.url("ann:pass%3Aword"), "-q", "hers").returncode, 0)
        refused = tool("amqp-declare-queue", broker.url(), "-q", "his")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("403", refused.stderr)

    def test_a_port_in_use_and_a_folder_in_use_are_named(self):
        broker = self.broker()
        other = self.data + "-2"
        taken = millrace("broker", "--listen", f"127.0.0.1:{broker.port}", "--data", other)
        self.assertEqual(taken.returncode, 4)
        self.assertIn(f"127.0.0.1:{broker.port}", taken.stderr)
        folder = millrace("broker", "--listen", "127.0.0.1:0", "--data", self.data)
        self.assertEqual(folder.returncode, 3)
        self.assertIn(f"in use by process {broker.process.pid}", folder.stderr)

    def test_a_bad_command_line_is_refused_with_what_is_wanted(self):
        for arguments, wanted in ((("--listen", "5672"), "ADDR:PORT"), (("--listen", "127.0.0.1:x"), "ADDR:PORT"),
                                  (("--user", "nobody"), "NAME:PASSWORD"),
                                  (("--listen", "0.0.0.0:0"), "--user")):
            refused = millrace("broker", *arguments, "--data", self.data)
            self.assertEqual(refused.returncode, 2, arguments)
            self.assertIn(wanted, refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
