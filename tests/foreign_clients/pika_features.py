#!/usr/bin/python3
"""RabbitMQ's extensions and the corners of AMQP 0-9-1, asked for with pika: pika_features.py URI. One function a feature."""

import sys
import time
import uuid

import pika
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker, NackError, UnroutableError

URI = sys.argv[1]


class Desk:
    """A connection with a channel in confirm mode, and names of its own."""

    def __enter__(self):
        self.connection = pika.BlockingConnection(pika.URLParameters(URI))
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        return self

    def __exit__(self, *_):
        if self.connection.is_open:
            self.connection.close()

    def name(self):
        return "features-" + uuid.uuid4().hex

    def queue(self, exclusive=True, **arguments):
        named = {"x-" + key.replace("_", "-"): value for key, value in arguments.items()}
        return self.channel.queue_declare("", exclusive=exclusive, arguments=named).method.queue

    def exchange(self, kind="direct", **options):
        name = self.name()
        self.channel.exchange_declare(name, kind, auto_delete=options.pop("auto_delete", True), **options)
        return name

    def put(self, queue, body, exchange="", **properties):
        self.channel.basic_publish(exchange, queue, body, pika.BasicProperties(**properties), mandatory=True)

    def take(self, queue, seconds=0):
        """The body of the first message, or None; waits for one if asked to."""
        end = time.monotonic() + seconds
        while True:
            method, properties, body = self.channel.basic_get(queue, auto_ack=True)
            if method or time.monotonic() >= end:
                self.properties = properties
                return body and body.decode() if method else None
            self.connection.process_data_events(0.01)

    def depth(self, queue):
        return self.channel.queue_declare(queue, passive=True).method.message_count

    def until(self, condition, seconds=5):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come true"
            self.connection.process_data_events(0.01)


def refused(code, action):
    """`action` on a fresh channel is refused with that code."""
    with Desk() as desk:
        try:
            action(desk)
        except (ChannelClosedByBroker, ConnectionClosedByBroker) as closed:
            assert closed.reply_code == code, f"{closed.reply_code} {closed.reply_text} instead of {code}"
            return
    raise AssertionError(f"nothing was refused with {code}")


def exchange_to_exchange():
    with Desk() as desk:
        source, queue = desk.exchange("topic", auto_delete=False), desk.queue()
        middle = desk.exchange("fanout", internal=True)
        desk.channel.exchange_bind(middle, source, "a.#")
        desk.channel.exchange_bind(source, middle)  # a circle is no trouble
        desk.channel.queue_bind(queue, middle)
        desk.put("a.b", "through", exchange=source)
        assert desk.take(queue) == "through" and desk.take(queue) is None
        desk.channel.exchange_unbind(middle, source, "a.#")
        try:
            desk.put("a.b", "lost", exchange=source)
            raise AssertionError("it was routed")
        except UnroutableError:
            pass
        desk.channel.exchange_unbind(source, middle)
        desk.channel.exchange_delete(source)
    refused(403, lambda d: d.put("k", "x", exchange=d.exchange(internal=True)))
    refused(404, lambda d: d.channel.exchange_bind(d.name(), "amq.direct"))


def alternate_exchange():
    with Desk() as desk:
        queue, other = desk.queue(), desk.exchange("fanout")
        first = desk.exchange("direct", arguments={"alternate-exchange": other})
        desk.channel.queue_bind(queue, other)
        desk.put("nobody", "elsewhere", exchange=first)
        assert desk.take(queue) == "elsewhere"


def auto_delete():
    with Desk() as desk:
        exchange, queue = desk.exchange(), desk.queue()
        desk.channel.queue_bind(queue, exchange, "k")
        desk.channel.queue_unbind(queue, exchange, "k")
        shared = desk.name()
        desk.channel.queue_declare(shared, auto_delete=True)
        tag = desk.channel.basic_consume(shared, lambda *_: None)
        desk.channel.basic_cancel(tag)
    refused(404, lambda d: d.channel.exchange_declare(exchange, passive=True))
    refused(404, lambda d: d.channel.queue_declare(shared, passive=True))


def exclusive():
    with Desk() as desk:
        queue = desk.queue()
        for action in (lambda d: d.channel.queue_declare(queue, passive=True), lambda d: d.channel.basic_get(queue),
                       lambda d: d.channel.basic_consume(queue, lambda *_: None), lambda d: d.channel.queue_delete(queue),
                       lambda d: d.channel.queue_declare(queue, exclusive=True)):
            refused(405, action)
        desk.channel.basic_consume(queue, lambda *_: None, exclusive=True)
        try:
            desk.channel.basic_consume(queue, lambda *_: None)
            raise AssertionError("a second consumer beside an exclusive one")
        except ChannelClosedByBroker as closed:
            assert closed.reply_code == 403


def declarations():
    def again(first, second):
        def action(desk):
            desk.channel.queue_declare(desk_name, exclusive=True, arguments=first)
            desk.channel.queue_declare(desk_name, exclusive=True, arguments=second)
        desk_name = "features-" + uuid.uuid4().hex
        return action

    refused(406, again({"x-max-length": 1}, {"x-max-length": 2}))
    refused(406, again({"x-max-length": 1}, {}))
    refused(406, again({}, {"x-message-ttl": 5}))
    for wrong in ({"x-message-ttl": -1}, {"x-message-ttl": "soon"}, {"x-expires": 0}, {"x-max-priority": 256},
                  {"x-overflow": "up"}, {"x-dead-letter-routing-key": "k"}, {"x-queue-type": "stream"}):
        refused(406, lambda d, wrong=wrong: d.channel.queue_declare("", exclusive=True, arguments=wrong))
    refused(406, lambda d: d.channel.queue_declare(d.name(), exclusive=True, arguments={"x-queue-type": "quorum"}))
    refused(403, lambda d: d.channel.queue_declare("amq.mine"))
    refused(403, lambda d: d.channel.exchange_delete("amq.topic"))
    refused(403, lambda d: d.channel.exchange_delete(""))
    refused(403, lambda d: d.channel.queue_bind(d.queue(), "", "k"))
    refused(503, lambda d: d.channel.exchange_declare(d.name(), "x-unheard-of"))
    with Desk() as desk:
        name = desk.name()
        desk.channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
        desk.channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
        desk.channel.queue_delete(name)
        for kind in ("direct", "fanout", "topic", "headers", "match"):
            desk.channel.exchange_declare("amq." + kind, passive=True)


def expires():
    with Desk() as desk:
        name = desk.name()
        desk.channel.queue_declare(name, exclusive=True, arguments={"x-expires": 100, "x-dead-letter-exchange": ""})

        def gone():
            try:
                desk.put(name, "x")
                return False
            except UnroutableError:
                return True
        desk.until(gone)


def expiration():
    with Desk() as desk:
        queue = desk.queue()
        desk.put(queue, "stays")
        desk.put(queue, "goes", expiration="50")
        desk.put(queue, "stays, too")
        desk.until(lambda: desk.depth(queue) == 2)
        assert (desk.take(queue), desk.take(queue)) == ("stays", "stays, too")
        short = desk.queue(message_ttl=50)
        desk.put(short, "goes", expiration="60000")
        desk.until(lambda: desk.depth(short) == 0)
    refused(406, lambda d: d.put(d.queue(), "x", expiration="soon"))


def dead_letters():
    with Desk() as desk:
        dead, exchange = desk.queue(), desk.exchange("fanout")
        desk.channel.queue_bind(dead, exchange)
        queue = desk.queue(dead_letter_exchange=exchange, dead_letter_routing_key="why", message_ttl=60000, max_length=1)
        desk.put(queue, "rejected", headers={"mine": 1})
        method, _, _ = desk.channel.basic_get(queue)
        desk.channel.basic_reject(method.delivery_tag, requeue=False)
        assert desk.take(dead, 5) == "rejected"
        headers = desk.properties.headers
        death = headers["x-death"][0]
        assert headers["mine"] == 1 and headers["x-first-death-reason"] == "rejected"
        assert (death["queue"], death["reason"], death["count"], death["routing-keys"]) == (queue, "rejected", 1, [queue])
        desk.put(queue, "expired", expiration="20")
        assert desk.take(dead, 5) == "expired"
        assert desk.properties.headers["x-death"][0]["original-expiration"] == "20" and desk.properties.expiration is None
        desk.put(queue, "old")
        desk.put(queue, "new")
        assert desk.take(dead, 5) == "old" and desk.properties.headers["x-death"][0]["reason"] == "maxlen"
        name = desk.name()
        desk.channel.queue_declare(name, exclusive=True, arguments={
            "x-max-length": 0, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": name})
        desk.put(name, "in a circle")
        assert desk.take(name) is None


def lengths():
    with Desk() as desk:
        queue = desk.queue(max_length=2)
        for body in "abc":
            desk.put(queue, body)
        assert [desk.take(queue) for _ in range(3)] == ["b", "c", None]
        small = desk.queue(max_length_bytes=10)
        for body in ("12345", "67890", "x"):
            desk.put(small, body)
        desk.until(lambda: desk.depth(small) < 3)
        full = desk.queue(max_length=1, overflow="reject-publish")
        desk.put(full, "first")
        for _ in range(2):
            try:
                desk.put(full, "second")
                raise AssertionError("a full queue took a message")
            except NackError:
                pass
        assert desk.take(full) == "first"
        desk.put(full, "third")
        assert desk.take(full) == "third"
        plain = desk.connection.channel()
        for body in ("kept", "dropped"):
            plain.basic_publish("", full, body)
        plain.queue_declare(full, passive=True)
        assert desk.take(full) == "kept" and desk.take(full) is None
    def transaction(desk):
        queue = desk.queue(max_length=1, overflow="reject-publish")
        channel = desk.connection.channel()
        channel.tx_select()
        desk.put(queue, "first")
        channel.basic_publish("", queue, "second")
        channel.tx_commit()
    refused(406, transaction)


def priorities():
    with Desk() as desk:
        queue = desk.queue(max_priority=5)
        for body, priority in (("low", 1), ("none", None), ("high", 5), ("higher", 9), ("low, too", 1)):
            desk.put(queue, body, priority=priority)
        assert [desk.take(queue) for _ in range(5)] == ["high", "higher", "low", "low, too", "none"]
        got, queue = [], desk.queue()
        for name, priority in (("second", 0), ("first", 10)):
            channel = desk.connection.channel()
            channel.basic_qos(prefetch_count=2)
            channel.basic_consume(queue, lambda c, m, p, b, name=name: got.append(name),
                                  arguments={"x-priority": priority})
        for i in range(3):
            desk.put(queue, str(i))
        desk.until(lambda: len(got) == 3)
        assert sorted(got) == ["first", "first", "second"], got


def single_active_consumer():
    with Desk() as desk:
        queue, got = desk.queue(single_active_consumer=True), []
        tags = [desk.channel.basic_consume(queue, lambda c, m, p, b: got.append(m.consumer_tag), auto_ack=True)
                for _ in range(2)]
        for i in range(4):
            desk.put(queue, str(i))
        desk.until(lambda: len(got) == 4)
        assert got == [tags[0]] * 4
        desk.channel.basic_cancel(tags[0])
        desk.put(queue, "next")
        desk.until(lambda: len(got) == 5)
        assert got[4] == tags[1]


def sender_selected():
    with Desk() as desk:
        a, b, c = desk.queue(), desk.queue(), desk.queue()
        desk.put(a, "to all", headers={"CC": [b, b], "BCC": [c], "other": 1})
        for queue in (a, b, c):
            assert desk.take(queue) == "to all"
            assert desk.properties.headers == {"CC": [b, b], "other": 1}
            assert desk.take(queue) is None
    refused(406, lambda d: d.put(d.queue(), "x", headers={"CC": "no list"}))


def direct_reply_to():
    door = "amq.rabbitmq.reply-to"
    with Desk() as desk, Desk() as server:
        queue, replies = server.queue(), []
        asking = desk.connection.channel()
        assert asking.queue_declare(door, passive=True).method.queue == door
        tag = asking.basic_consume(door, lambda c, m, p, b: replies.append((p.correlation_id, b)), auto_ack=True)
        for i in range(3):
            asking.basic_publish("", queue, str(i), pika.BasicProperties(reply_to=door, correlation_id=str(i)))
        for i in range(3):
            body = server.take(queue, 5)
            assert body == str(i) and server.properties.reply_to.startswith(door + ".")
            server.channel.queue_declare(server.properties.reply_to, passive=True)
            server.put(server.properties.reply_to, "re " + body, correlation_id=server.properties.correlation_id)
        desk.until(lambda: len(replies) == 3)
        assert replies == [(str(i), f"re {i}".encode()) for i in range(3)]
        gone = server.properties.reply_to
        asking.basic_cancel(tag)
        try:
            server.put(gone, "too late")
            raise AssertionError("somebody took the reply")
        except UnroutableError:
            pass
    refused(406, lambda d: d.channel.basic_consume(door, lambda *_: None, auto_ack=False))
    refused(406, lambda d: d.put(d.queue(), "x", reply_to=door))


def own_publishes_are_seen():
    with Desk() as desk:
        plain, queue = desk.connection.channel(), desk.name()
        plain.queue_declare(queue, durable=True)
        for i in range(20):
            plain.basic_publish("", queue, str(i))
            assert plain.basic_get(queue, auto_ack=True)[2] == str(i).encode()
        plain.basic_publish("", queue, "purged")
        assert plain.queue_purge(queue).method.message_count == 1
        plain.basic_publish("", queue, "deleted")
        assert plain.queue_delete(queue).method.message_count == 1


def user_id():
    with Desk() as desk:
        queue = desk.queue()
        desk.put(queue, "mine", user_id="guest")
        assert desk.take(queue) == "mine" and desk.properties.user_id == "guest"
    refused(406, lambda d: d.put(d.queue(), "x", user_id="somebody"))


def amqplain():
    parameters = pika.URLParameters(URI)

    class Amqplain(pika.PlainCredentials):
        TYPE = "AMQPLAIN"

        def response_for(self, start):
            def text(value):
                return b"S" + len(value).to_bytes(4, "big") + value.encode()
            return "AMQPLAIN", b"\x05LOGIN" + text(self.username) + b"\x08PASSWORD" + text(self.password)

    pika.credentials.VALID_TYPES.append(Amqplain)
    parameters.credentials = Amqplain(parameters.credentials.username, parameters.credentials.password)
    pika.BlockingConnection(parameters).close()


FEATURES = (exchange_to_exchange, alternate_exchange, auto_delete, exclusive, declarations, expires, expiration, dead_letters,
            lengths, priorities, single_active_consumer, sender_selected, direct_reply_to, own_publishes_are_seen, user_id,
            amqplain)

if __name__ == "__main__":
    for feature in FEATURES:
        if len(sys.argv) > 2 and feature.__name__ not in sys.argv[2:]:
            continue
        try:
            feature()
        except BaseException:
            print(f"feature: {feature.__name__}", file=sys.stderr)
            raise
