"""`millrace broker` is killed with SIGKILL again and again while messages are published with confirms and moved on in transactions:
what was confirmed is there, once; what was settled does not come back. MILLRACE_KILLS says how often, MILLRACE_SEED repeats when."""
import os
import random
import signal
import threading
import time
import unittest

import pika
from pika.exceptions import AMQPError

from brokers import Broker, BrokerCase

KILLS = int(os.environ.get("MILLRACE_KILLS", "200"))
PUBLISHERS, MOVERS, BATCH = 3, 2, 8
INBOX, OUTBOX = "inbox", "outbox"


class Ledger:
    """What the clients know for certain. Numbers are given once, so each message is one of its kind."""

    def __init__(self):
        self.lock = threading.Lock()
        self.given = 0
        self.confirmed, self.moved, self.came_back = set(), set(), []

    def number(self):
        with self.lock:
            self.given += 1
            return self.given


class Client(threading.Thread):
    """Works on a connection until the broker is gone, then on the next one, until it is told to end."""

    def __init__(self, port, ledger, work):
        super().__init__(daemon=True)
        self.port, self.ledger, self.work = port, ledger, work
        self.ending, self.failure = threading.Event(), None
        self.start()

    def run(self):
        while not self.ending.is_set():
            try:
                connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port, heartbeat=0))
                self.work(connection.channel(), self.ledger, self.ending)
            except (AMQPError, OSError):
                time.sleep(0.005)
            except Exception as failure:  # told by the main thread
                self.failure = failure
                return

    def finish(self):
        self.ending.set()
        self.join(30)
        if self.failure:
            raise self.failure


def publish(channel, ledger, ending):
    channel.confirm_delivery()
    while not ending.is_set():
        number = ledger.number()
        channel.basic_publish("", INBOX, b"%d" % number, mandatory=True)
        ledger.confirmed.add(number)


def move(channel, ledger, ending):
    """Output and acknowledgement are one transaction: a message is in one of the queues, never in both or in none."""
    channel.tx_select()
    while not ending.is_set():
        batch = []
        while len(batch) < BATCH:
            method, _, body = channel.basic_get(INBOX)
            if method is None:
                break
            number = int(body)
            if number in ledger.moved:
                ledger.came_back.append(number)
            channel.basic_publish("", OUTBOX, body)
            channel.basic_ack(method.delivery_tag)
            batch.append(number)
        channel.tx_commit()
        ledger.moved.update(batch)


class BrokerKills(BrokerCase):
    def test_nothing_confirmed_is_lost_and_nothing_settled_comes_back(self):
        seed = int(os.environ.get("MILLRACE_SEED", random.SystemRandom().randrange(1_000_000)))
        chance, ledger = random.Random(seed), Ledger()
        broker = self.broker("--log-level", "error")
        channel = self.channel(broker)
        for queue in (INBOX, OUTBOX):
            channel.queue_declare(queue, durable=True)
        channel.connection.close()
        clients = [Client(broker.port, ledger, work) for work in [publish] * PUBLISHERS + [move] * MOVERS]
        pause, begun = threading.Event(), time.monotonic()
        for _ in range(KILLS):
            pause.wait(chance.uniform(0.05, 0.3))
            broker.process.send_signal(signal.SIGKILL)
            broker.kill()
            broker = Broker(self.data, "--log-level", "error", listen=(f"127.0.0.1:{broker.port}",))
        self.addCleanup(broker.kill)
        for client in clients:
            client.finish()
        inbox, outbox = (self.drained(broker, queue) for queue in (INBOX, OUTBOX))
        lost = ledger.confirmed - set(inbox) - set(outbox)
        twice = len(inbox) + len(outbox) - len(set(inbox) | set(outbox))
        back = set(ledger.came_back) | (ledger.moved & set(inbox))
        told = (f"{KILLS} kills in {time.monotonic() - begun:.0f} s, {len(ledger.confirmed)} confirmed, {len(ledger.moved)} moved on "
                f"in transactions: {len(lost)} lost, {twice} twice, {len(back)} settled came back (seed {seed})")
        print(told, flush=True)
        self.assertEqual((lost, twice, back), (set(), 0, set()), told)
        self.assertGreater(len(ledger.moved), KILLS, "hardly anything happened between the kills")

    def drained(self, broker, queue):
        channel = self.channel(broker)
        count, taken = channel.queue_declare(queue, passive=True).method.message_count, []
        if count:
            for _, _, body in channel.consume(queue, auto_ack=True):
                taken.append(int(body))
                if len(taken) == count:
                    break
        channel.connection.close()
        return taken


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")  # of sockets whose other end was killed
