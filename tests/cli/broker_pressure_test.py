"""`millrace broker` under pressure: publishers that flood it, clients that never read. Its memory stays bounded, the others go on."""
import json
import os
import select
import struct
import sys
import time
import unittest

import pika

from brokers import BrokerCase
from running import millrace

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from wire import Wire, publishing  # noqa: E402

MEGABYTE = 1 << 20


def resident(broker):
    with open(f"/proc/{broker.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


class Flood:
    """Sends publishes of 16 KiB as fast as they are taken, from a socket that does not wait."""

    def __init__(self, uri, queue, capabilities=()):
        self.wire = Wire(uri, capabilities=capabilities)
        self.queue, self.rest, self.sent = queue, b"", 0
        self.wire.socket.setblocking(False)

    def push(self, seconds):
        """Whole messages on their way after `seconds`, or None once nothing more is taken for half a second."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.rest:
                self.rest = publishing(self.queue, struct.pack(">Q", self.sent) * 2048)
                self.sent += 1
            if not select.select([], [self.wire.socket], [], 0.5)[1]:
                return None
            try:
                self.rest = self.rest[self.wire.socket.send(self.rest):]
            except BlockingIOError:
                pass
        return self.sent


class BrokerUnderPressure(BrokerCase):
    def connections(self):
        return json.loads(millrace("broker", "connections", "--json", "--data", self.data).stdout)["connections"]

    def test_a_flood_into_memory_is_slowed_told_of_it_and_lost_nothing(self):
        broker = self.broker("--memory-limit", "60MB")
        channel = self.channel(broker)
        channel.queue_declare("transient")  # not durable: its messages are in memory only
        flood = Flood(broker.url(), "transient", capabilities=["connection.blocked"])
        self.addCleanup(flood.wire.socket.close)
        self.assertIsNone(flood.push(20), "nothing slowed it")
        self.assertLess(resident(broker), 160 * MEGABYTE)
        flood.wire.socket.setblocking(True)
        self.assertIn("low on memory", flood.wire.expect(pika.spec.Connection.Blocked).reason)

        # Others that do not publish go on: what lies there is taken, and so there is room.
        taken = self.drain(channel, "transient", flood)
        self.assertEqual(taken, list(range(flood.sent)))
        flood.wire.expect(pika.spec.Connection.Unblocked)

    def drain(self, channel, queue, flood):
        taken = []
        flood.wire.socket.setblocking(False)
        for method, _, body in channel.consume(queue, auto_ack=True, inactivity_timeout=5):
            if method is None:
                break
            taken.append(struct.unpack(">Q", body[:8])[0])
            if flood.rest:
                try:
                    flood.rest = flood.rest[flood.wire.socket.send(flood.rest):]
                except BlockingIOError:
                    pass
            elif len(taken) == flood.sent:
                break
        flood.wire.socket.setblocking(True)
        return taken

    def test_a_consumer_that_never_reads_does_not_grow_the_broker(self):
        broker = self.broker()
        channel = self.channel(broker)
        channel.queue_declare("much", durable=True)
        idle = [Wire(broker.url(), receive_buffer=4096) for _ in range(3)]
        for one in idle:
            one.send(pika.spec.Basic.Consume(queue="much", no_ack=True))  # prefetch is without limit
        channel.confirm_delivery()
        for _ in range(700):
            channel.basic_publish("", "much", bytes(100_000))
        waiting = sum(connection["output_waiting"] for connection in self.connections())
        self.assertLess(waiting, 3 * 9 * MEGABYTE)
        self.assertGreater(channel.queue_declare("much", passive=True).method.message_count, 400)
        for one in idle:
            one.socket.close()
        lively = self.channel(broker)
        lively.basic_qos(prefetch_count=10)
        lively.queue_purge("much")
        channel.basic_publish("", "much", b"and others are served")
        self.assertEqual(lively.basic_get("much", auto_ack=True)[2], b"and others are served")

    def test_whoever_asks_without_reading_is_asked_to_wait(self):
        broker = self.broker()
        channel = self.channel(broker)
        channel.queue_declare("big", durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", "big", bytes(100_000))
        before = resident(broker)
        with Wire(broker.url(), receive_buffer=4096) as asking:
            asking.socket.setblocking(False)
            ask = pika.frame.Method(1, pika.spec.Basic.Get(queue="big")).marshal()
            ask += pika.frame.Method(1, pika.spec.Basic.Recover(requeue=True)).marshal()
            rest, end = ask * 20_000, time.monotonic() + 5  # two gigabytes of answers
            while rest and time.monotonic() < end and select.select([], [asking.socket], [], 0.5)[1]:
                rest = rest[asking.socket.send(rest):]
            self.assertLess(resident(broker) - before, 40 * MEGABYTE)
            until(lambda: any(connection["paused"] for connection in self.connections()))
        until(lambda: channel.queue_declare("big", passive=True).method.message_count == 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
