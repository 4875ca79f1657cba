"""A worker on a real RabbitMQ with quorum queues: RabbitMQ killed in mid-commit, messages that no queue takes, a blocked connection, TLS."""
import contextlib
import json
import os
import signal
import sys
import tempfile
import unittest

import pika

sys.path += [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder) for folder in (".", "../cli", "../support")]
from certificates import Authority  # noqa: E402
from running import until  # noqa: E402
from server import Rabbitmq, free_port  # noqa: E402
from worker import FLOW, STEP, FakeDoor, FakeTarget, Queues, Worker, request, transform  # noqa: E402

EXPRESSION = '{ "n": body.n, "double": body.n * 2 }'


class WorkerOnRabbitmq(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="millrace-worker-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.authority = Authority(cls.folder.name)
        cls.tls_port = free_port()
        cls.rabbitmq = Rabbitmq(f"listeners.ssl.default = 127.0.0.1:{cls.tls_port}\n"
                                f"ssl_options.certfile = {cls.authority.server}\n"
                                f"ssl_options.keyfile = {cls.authority.server_key}\n")
        cls.addClassCleanup(cls.rabbitmq.close)

    def setUp(self):
        self.workers = []
        self.door = FakeDoor(transform(EXPRESSION))
        self.addCleanup(self.door.close)
        self.queues = Queues(self.connect())

    def connect(self):
        connection = pika.BlockingConnection(pika.URLParameters(self.rabbitmq.url))
        self.addCleanup(self.disconnect, connection)
        return connection.channel()

    @staticmethod
    def disconnect(connection):
        with contextlib.suppress(pika.exceptions.AMQPError):
            connection.close()

    def until(self, condition, seconds=30):
        until(condition, seconds, lambda: (self.door.presence, [line for worker in self.workers for line in worker.lines][-20:]))

    def put(self, count):
        self.queues.put(0, count, pika.BasicProperties)
        self.until(lambda: self.queues.count(self.queues.source) == count)

    def work(self, url=None, **more):
        worker = Worker(self.door, url or self.rabbitmq.url, **more)
        self.addCleanup(worker.close)
        self.workers.append(worker)
        return worker

    def check_all(self, count):
        taken = self.queues.take(count)
        self.assertEqual({body["n"] for _, body in taken}, set(range(count)))
        return taken

    def test_nothing_is_lost_when_rabbitmq_is_killed_in_mid_commit_and_the_worker_outlives_it(self):
        count = 4000
        self.put(count)
        worker = self.work()
        self.until(lambda: self.queues.count(self.queues.sink) > count // 4)
        self.rabbitmq.kill()
        self.until(lambda: worker.says("no connection to its broker"))
        self.until(lambda: self.door.presence["connected"] is False)
        self.rabbitmq.start()
        self.queues.channel = self.connect()
        self.until(lambda: self.door.presence["connected"] and self.door.presence["in_work"] == 0 and
              self.queues.count(self.queues.source) == 0, 60)
        taken = self.queues.take(None)
        self.assertEqual({body["n"] for _, body in taken}, set(range(count)))
        ids = [headers["messageId"] for headers, _ in taken]
        self.assertEqual(len(set(ids)), count)
        print(f"{count} messages, RabbitMQ killed once: 0 lost, {len(ids) - count} repeated with the same id", file=sys.stderr)
        self.assertIsNone(worker.process.poll())
        self.assertEqual(worker.stop(), 0, worker.lines)

    def test_what_no_queue_takes_is_published_again_until_one_does_and_its_input_waits(self):
        self.put(10)
        self.queues.channel.queue_unbind(self.queues.sink, self.queues.exchange, f"{STEP}:output")
        worker = self.work()
        self.until(lambda: worker.says("NO_ROUTE"))
        self.until(lambda: self.door.presence["in_work"] == 10)
        self.assertEqual(self.queues.count(self.queues.sink), 0)
        self.queues.channel.queue_bind(self.queues.sink, self.queues.exchange, f"{STEP}:output")
        self.until(lambda: self.queues.count(self.queues.sink) == 10)
        self.check_all(10)
        self.until(lambda: self.door.presence["done"] == 10 and self.door.presence["in_work"] == 0)

    def test_what_cannot_be_worked_on_is_a_dead_letter(self):
        self.put(1)
        self.queues.channel.basic_publish(self.queues.exchange, f"{STEP}:input", b"no JSON")
        self.work()
        self.until(lambda: self.queues.count(self.queues.dead_letters) == 1)
        self.check_all(1)
        self.until(lambda: self.door.presence["dead"] == 1)

    def test_a_queue_that_is_full_refuses_messages_and_they_wait(self):
        full = f"{FLOW}@1.full"
        self.queues.channel.queue_declare(full, durable=True, arguments={
            "x-queue-type": "quorum", "x-max-length": 3, "x-overflow": "reject-publish"})
        self.addCleanup(lambda: self.queues.channel.queue_delete(full))
        for _ in range(10):  # RabbitMQ takes some more than the limit
            self.queues.channel.basic_publish("", full, b"{}")
        self.until(lambda: self.queues.count(full) > 2)
        self.queues.channel.queue_bind(full, self.queues.exchange, f"{STEP}:output")
        self.put(20)
        worker = self.work()
        self.until(lambda: worker.says("a queue is full"))
        self.queues.channel.queue_delete(full)
        self.until(lambda: self.door.presence["done"] == 20, 60)
        self.assertEqual({body["n"] for _, body in self.queues.take(None)}, set(range(20)))

    def test_while_rabbitmq_is_short_of_memory_messages_wait(self):
        self.put(50)
        self.rabbitmq.control("set_vm_memory_high_watermark", "0")
        self.addCleanup(lambda: self.rabbitmq.control("set_vm_memory_high_watermark", "0.4"))
        worker = self.work()
        self.until(lambda: worker.says("holds back publishing"))
        self.rabbitmq.control("set_vm_memory_high_watermark", "0.4")
        self.until(lambda: worker.says("takes messages again"))
        self.until(lambda: self.door.presence["done"] == 50)
        self.check_all(50)

    def test_a_worker_reaches_rabbitmq_over_tls_and_refuses_one_that_it_does_not_trust(self):
        self.put(100)
        place = f"amqps://guest:guest@localhost:{self.tls_port}/"
        stranger = self.work(place)
        self.until(lambda: stranger.says("certificate verify failed"))
        stranger.close()
        worker = self.work(f"{place}?cacertfile={self.authority.ca_file}")
        self.until(lambda: self.queues.count(self.queues.sink) == 100)
        self.check_all(100)
        self.assertEqual(worker.stop(), 0, worker.lines)

    def test_a_message_that_kills_its_worker_each_time_becomes_a_dead_letter_and_takes_no_other_with_it(self):
        count, poison, limit = 60, 20, 4
        handled, deaths = set(), []

        def answer(number):
            """The target: ends the worker that brings it the poison, before it answers."""
            if number == poison:
                deaths.append(number)
                self.workers[-1].process.kill()
            else:
                handled.add(number)

        target = FakeTarget(answer)
        self.addCleanup(target.close)
        self.door.settings = request(target.url, 10)
        self.queues = Queues(self.queues.channel, version=2, delivery_limit=limit)
        self.put(count)

        def over():
            if not self.workers or self.workers[-1].process.poll() is not None:
                self.work(function="http.request", version=2)
            return self.queues.count(self.queues.dead_letters) >= 1 and len(handled) == count - 1

        self.until(over, 90)
        self.assertEqual(len(deaths), limit + 1)
        _, _, body = self.queues.channel.basic_get(self.queues.dead_letters, auto_ack=True)
        self.assertEqual(json.loads(body)["body"]["n"], poison)

    def test_a_killed_worker_leaves_nothing_behind_but_repeats(self):
        count = 2000
        self.put(count)
        worker = self.work()
        self.until(lambda: self.queues.count(self.queues.sink) > count // 4)
        worker.process.send_signal(signal.SIGKILL)
        worker.process.wait()
        second = self.work()
        self.until(lambda: self.queues.count(self.queues.source) == 0 and self.door.presence["in_work"] == 0, 60)
        self.assertEqual({body["n"] for _, body in self.queues.take(None)}, set(range(count)))


if __name__ == "__main__":
    unittest.main()
