"""A `millrace broker` under test."""
import os
import signal
import subprocess
import tempfile
import unittest

import pika
from pika.exceptions import AMQPError

from running import MILLRACE


class Broker:
    """`listen`: its plain doors; `lines` are those that name its doors, `port` is the last one's."""

    def __init__(self, data, *arguments, listen=("127.0.0.1:0",)):
        self.data = data
        doors = [word for door in listen for word in ("--listen", door)]
        self.process = subprocess.Popen([MILLRACE, "broker", *doors, "--data", data, *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = [self.process.stdout.readline().strip() for _ in range(len(listen) + arguments.count("--tls"))]
        assert all(line.startswith("listening ") for line in self.lines), f"{self.lines} {self.process.stderr.read()}"
        self.port = int(self.lines[-1].rsplit(":", 1)[1])

    def url(self, user="guest:guest", vhost="%2f"):
        return f"amqp://{user}@127.0.0.1:{self.port}/{vhost}"

    def stop(self, number=signal.SIGTERM):
        """In order: its exit code, and what it said on standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def close(connection):
    try:
        if connection.is_open:
            connection.close()
    except AMQPError:
        pass  # its broker was killed


class BrokerCase(unittest.TestCase):
    """Brokers on one data folder of the test's own, gone after it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-broker-")
        self.addCleanup(folder.cleanup)
        self.data = os.path.join(folder.name, "data")

    def broker(self, *arguments, **options):
        broker = Broker(self.data, *arguments, **options)
        self.addCleanup(broker.kill)
        return broker

    def channel(self, broker):
        """A pika channel on a connection of its own."""
        connection = pika.BlockingConnection(pika.URLParameters(broker.url()))
        self.addCleanup(close, connection)
        return connection.channel()
