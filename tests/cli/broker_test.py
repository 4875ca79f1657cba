"""`millrace broker`: start, clear refusals, stop, and what the next start finds. Speaks with amqp-tools."""
import json
import os
import signal
import socket
import subprocess
import unittest

from brokers import BrokerCase
from running import millrace


def tool(name, url, *arguments):
    return subprocess.run([name, "-u", url, *arguments], capture_output=True, text=True, timeout=20)


class BrokerCommand(BrokerCase):
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

    def test_users_may_stand_in_a_file(self):
        path = self.data + ".users"
        with open(path, "w", encoding="utf-8") as file:
            file.write("# who may come in\n\nann:pass:word\nbob:x\n")
        broker = self.broker("--user-file", path, "--user", "cid:y", "--permit", "bob:/:mine*:*:*")
        self.assertEqual(tool("amqp-declare-queue", broker.url("ann:pass%3Aword"), "-q", "hers").returncode, 0)
        self.assertEqual(tool("amqp-declare-queue", broker.url("cid:y"), "-q", "his").returncode, 0)
        self.assertIn("403", tool("amqp-declare-queue", broker.url("bob:x"), "-q", "yours").stderr)
        self.assertIn("403", tool("amqp-declare-queue", broker.url(), "-q", "guests").stderr)
        with open(path, "a", encoding="utf-8") as file:
            file.write("nobody\n")
        for wrong, wanted in ((path, ".users:5: NAME:PASSWORD"), (path + "-none", "cannot be read")):
            refused = millrace("broker", "--user-file", wrong, "--data", self.data + "-2")
            self.assertEqual(refused.returncode, 2)
            self.assertIn(wanted, refused.stderr)

    def test_a_port_in_use_and_a_folder_in_use_are_named(self):
        broker = self.broker()
        other = self.data + "-2"
        taken = millrace("broker", "--listen", f"127.0.0.1:{broker.port}", "--data", other)
        self.assertEqual(taken.returncode, 4)
        self.assertIn(f"127.0.0.1:{broker.port}", taken.stderr)
        folder = millrace("broker", "--listen", "127.0.0.1:0", "--data", self.data)
        self.assertEqual(folder.returncode, 3)
        self.assertIn(f"in use by process {broker.process.pid}", folder.stderr)

    def test_virtual_hosts_are_worlds_of_their_own_and_last(self):
        limits = ("--vhost", "orders", "--vhost", "a/b", "--user", "all:x", "--user", "ann:x",
                  "--permit", "ann:orders:mine-*:mine-*:*")
        broker = self.broker(*limits)
        self.assertEqual(tool("amqp-declare-queue", broker.url("all:x", "a%2fb"), "-d", "-q", "kept").returncode, 0)
        publish = tool("amqp-publish", broker.url("all:x", "a%2fb"), "-r", "kept", "-p", "-b", "there")
        self.assertEqual(publish.returncode, 0, publish.stderr)
        self.assertIn("404", tool("amqp-get", broker.url("all:x"), "-q", "kept").stderr)
        self.assertEqual(broker.stop()[0], 0)
        broker = self.broker(*limits)
        self.assertEqual(tool("amqp-get", broker.url("all:x", "a%2fb"), "-q", "kept").stdout, "there")
        self.assertIn("530", tool("amqp-get", broker.url("all:x", "nowhere"), "-q", "kept").stderr)
        self.assertIn("530", tool("amqp-get", broker.url("ann:x"), "-q", "kept").stderr)
        self.assertEqual(tool("amqp-declare-queue", broker.url("ann:x", "orders"), "-q", "mine-1").returncode, 0)
        self.assertIn("403", tool("amqp-declare-queue", broker.url("ann:x", "orders"), "-q", "yours").stderr)

    def test_a_running_broker_is_looked_into_and_purged(self):
        broker = self.broker()
        url = broker.url()
        tool("amqp-declare-queue", url, "-d", "-q", "looked-at")
        for body in ("one", "two", "three"):
            tool("amqp-publish", url, "-r", "looked-at", "-p", "-b", body)

        def ask(*words):
            answer = millrace("broker", *words, "--data", self.data)
            return answer.stdout if answer.returncode == 0 else answer.stderr
        self.assertRegex(ask("queues"), r"looked-at +3 +0 +0")
        self.assertEqual(json.loads(ask("queues", "--json"))["queues"][0]["published_total"], 3)
        self.assertEqual(ask("peek", "looked-at", "--count", "2").splitlines()[1::2], ["one", "two"])
        self.assertEqual(json.loads(ask("connections", "--json"))["connections"], [])
        self.assertIn("no queue 'none'", ask("peek", "none"))
        self.assertIn("no vhost", ask("purge", "looked-at", "--vhost", "x"))
        self.assertEqual(ask("purge", "looked-at"), "purged 3 messages\n")
        self.assertRegex(ask("queues"), r"looked-at +0 +0 +0")
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(os.path.join(self.data, "control.sock"))
            control.sendall(b"GET /metrics HTTP/1.1\r\nHost: millrace\r\nConnection: close\r\n\r\n")
            metrics = control.makefile(encoding="utf-8").read()
        self.assertIn('millrace_queue_messages_published_total{vhost="/",queue="looked-at"} 3', metrics)

    def test_a_bad_command_line_is_refused_with_what_is_wanted(self):
        for arguments, wanted in ((("--listen", "5672"), "ADDR:PORT"), (("--listen", "127.0.0.1:x"), "ADDR:PORT"),
                                  (("--user", "nobody"), "NAME:PASSWORD"),
                                  (("--permit", "guest:/"), "USER:VHOST"),
                                  (("--listen", "0.0.0.0:0"), "--user")):
            refused = millrace("broker", *arguments, "--data", self.data)
            self.assertEqual(refused.returncode, 2, arguments)
            self.assertIn(wanted, refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
