"""`millrace broker`: a queue with a dedup window takes a message-id in once within it, whatever happens in between."""
import signal
import time
import unittest

import pika

from brokers import BrokerCase


class Deduplication(BrokerCase):
    def setUp(self):
        super().setUp()
        self.begin(self.broker())

    def begin(self, running):
        self.running = running
        self.confirmed, self.plain = self.channel(running), self.channel(running)
        self.confirmed.confirm_delivery()

    def restart(self, number):
        """SIGKILL, or in order; the queue's window is as it was."""
        for channel in (self.plain, self.confirmed):
            channel.connection.close()
        self.running.process.send_signal(number)
        self.running.process.wait(timeout=20)
        self.begin(self.broker())

    def queue(self, name, window, **arguments):
        arguments = {key.replace("_", "-"): value for key, value in arguments.items()}
        self.plain.queue_declare(name, durable=True, arguments={"x-millrace-dedup-window": window, **arguments})

    def put(self, queue, body, message_id=None, exchange="", channel=None, **properties):
        (channel or self.confirmed).basic_publish(exchange, queue, body.encode(), pika.BasicProperties(
            message_id=message_id, **properties), mandatory=True)

    def take_all(self, queue):
        taken = []
        while (got := self.plain.basic_get(queue, auto_ack=True))[0]:
            taken.append(got[2].decode())
        return taken

    def until(self, condition):
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end, "it did not come true"
            time.sleep(0.02)

    def depth(self, queue):
        return self.plain.queue_declare(queue, passive=True).method.message_count

    def test_a_repeat_is_confirmed_and_dropped_even_when_the_first_is_long_gone(self):
        self.queue("once", 60_000)
        for body, message_id in (("a", "1"), ("a again", "1"), ("b", "2"), ("no id", None), ("no id", None)):
            self.put("once", body, message_id)
        self.assertEqual(self.take_all("once"), ["a", "b", "no id", "no id"])
        self.put("once", "a, after it was taken", "1")
        self.assertEqual(self.take_all("once"), [])

    def test_the_window_outlives_the_broker(self):
        self.queue("once", 60_000)
        self.put("once", "kept", "1")
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            self.restart(number)
            self.put("once", "a repeat", "1")
            self.put("once", f"new after {number}", f"new after {number}")  # and its repeat, the second time
        self.assertEqual(self.take_all("once"), ["kept", "new after 9", "new after 15"])
        self.put("once", "what was taken is known, too", "1")
        self.assertEqual(self.take_all("once"), [])

    def test_transactions_remember_what_they_commit_and_nothing_else(self):
        self.queue("once", 60_000)
        channel = self.plain.connection.channel()
        channel.tx_select()
        self.put("once", "rolled back", "1", channel=channel)
        channel.tx_rollback()
        for body, message_id in (("a", "1"), ("a again", "1"), ("b", "2")):
            self.put("once", body, message_id, channel=channel)
        channel.tx_commit()
        self.put("once", "b later", "2", channel=channel)
        self.put("once", "c", "3", channel=channel)
        channel.tx_commit()
        self.restart(signal.SIGKILL)
        self.put("once", "c later", "3")
        self.assertEqual(self.take_all("once"), ["a", "b", "c"])

    def test_what_comes_back_is_no_repeat(self):
        self.queue("work", 60_000, x_dead_letter_exchange="", x_dead_letter_routing_key="wait")
        self.plain.queue_declare("wait", durable=True, arguments={
            "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "work", "x-message-ttl": 50})
        self.put("work", "tried twice", "1")
        tag = self.plain.basic_get("work")[0].delivery_tag
        self.plain.basic_nack(tag, requeue=True)
        method, _, body = self.plain.basic_get("work")
        self.assertTrue(method.redelivered)
        self.plain.basic_reject(method.delivery_tag, requeue=False)
        self.until(lambda: self.depth("work") == 1)
        self.put("work", "a repeat", "1")
        self.assertEqual(self.take_all("work"), ["tried twice"])

    def test_each_queue_has_its_own_window(self):
        self.queue("once", 60_000)
        self.queue("also", 60_000)
        self.plain.queue_declare("every", durable=True)
        for queue in ("once", "also", "every"):
            self.plain.queue_bind(queue, "amq.fanout")
        self.put("also", "seen here", "1")
        for body in ("first", "second"):
            self.put("", body, "1", exchange="amq.fanout")
        self.assertEqual([self.take_all(queue) for queue in ("once", "also", "every")],
                         [["first"], ["seen here"], ["first", "second"]])

    def test_a_window_ends(self):
        self.queue("short", 150)
        begun = time.monotonic()
        self.put("short", "first", "1")
        self.put("short", "too soon", "1")
        if time.monotonic() - begun < 0.15:
            self.assertEqual(self.depth("short"), 1)

        def taken_again():
            self.put("short", "later", "1")
            return self.depth("short") == 2
        self.until(taken_again)
        self.assertGreaterEqual(time.monotonic() - begun, 0.15)

    def test_a_bounded_memory_forgets_the_oldest_ids(self):
        self.queue("few", 60_000, x_millrace_dedup_max=3)
        for message_id in ("1", "2", "3", "4"):
            self.put("few", message_id, message_id)
        self.put("few", "still known", "4")
        self.put("few", "forgotten", "1")
        self.assertEqual(self.take_all("few"), ["1", "2", "3", "4", "forgotten"])


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")  # of sockets whose other end was killed
