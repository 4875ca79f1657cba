"""Queues: declared, redeclared, limited, expired, deleted."""

import uuid

from pika.exceptions import ChannelClosedByBroker, NackError, UnroutableError

from desk import Desk, connect, refused


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
    with Desk() as desk:  # what comes back counts, too
        queue = desk.queue(max_length=2)
        for body in "ab":
            desk.put(queue, body)
        held = [desk.channel.basic_get(queue)[0].delivery_tag for _ in range(2)][-1]
        for body in "cd":
            desk.put(queue, body)
        desk.channel.basic_nack(held, multiple=True, requeue=True)
        assert [desk.take(queue) for _ in range(3)] == ["c", "d", None]

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


def redeclarations_name_the_difference():
    def twice(first, second):
        def action(desk):
            name = desk.name()
            desk.channel.queue_declare(name, **{"auto_delete": True, **first})
            desk.channel.queue_declare(name, **{"auto_delete": True, **second})
        return action
    refused(406, twice({"durable": True}, {"durable": False}), "inequivalent arg 'durable' for queue 'features-")
    refused(406, twice({"durable": True}, {"durable": False}), "received 'false' but current is 'true'")
    refused(406, twice({}, {"arguments": {"x-message-ttl": 5}}),
            "received the value '5' of type 'signedint' but current is none")
    refused(406, twice({"arguments": {"x-max-length": 1}}, {"arguments": {"x-max-length": 2}}),
            "received '2' but current is '1'")
    refused(405, twice({"exclusive": True}, {"exclusive": False}), "cannot obtain exclusive access to locked queue")
    with Desk() as desk:
        for same in ({"arguments": {"x-queue-type": "classic"}}, {"arguments": {"mine": 1, "x-unheard-of": 2}}):
            twice({"exclusive": True}, {"exclusive": True, **same})(desk)
            twice({"exclusive": True, **same}, {"exclusive": True})(desk)
        twice({"exclusive": True, "durable": True}, {"exclusive": True, "durable": False})(desk)  # it goes in any case


def queue_types_and_modes():
    for wrong in ({"x-queue-mode": "odd"}, {"x-single-active-consumer": "yes"}, {"x-message-ttl": 2 ** 62},
                  {"x-expires": 2 ** 40}, {"x-delivery-limit": -1}):
        refused(406, lambda d, wrong=wrong: d.channel.queue_declare("", exclusive=True, arguments=wrong),
                f"invalid arg '{next(iter(wrong))}'")
    for wrong in ({"x-max-priority": 5}, {"x-queue-mode": "lazy"}):
        refused(406, lambda d, wrong=wrong: d.channel.queue_declare(d.name(), durable=True,
                                                                    arguments={"x-queue-type": "quorum", **wrong}))
    with Desk() as desk:
        desk.queue(queue_mode="lazy")
        desk.queue(queue_mode="default", queue_version=2)


def deletions_on_conditions():
    with Desk() as desk:
        queue = desk.queue()
        desk.put(queue, "x")
        assert desk.channel.queue_delete(queue).method.message_count == 1
        assert desk.channel.queue_delete(queue).method.message_count == 0  # not there: no error
    refused(406, lambda d: (d.put(q := d.queue(), "x"), d.channel.queue_delete(q, if_empty=True)), "not empty")
    refused(406, lambda d: (d.channel.basic_consume(q := d.queue(), lambda *_: None),
                            d.channel.queue_delete(q, if_unused=True)), "in use")
    for missing in (lambda d: d.channel.queue_purge("no-such-queue"), lambda d: d.channel.basic_get("no-such-queue"),
                    lambda d: d.channel.basic_consume("no-such-queue", lambda *_: None),
                    lambda d: d.channel.queue_bind("no-such-queue", "amq.direct")):
        refused(404, missing, "no queue 'no-such-queue' in vhost '/'")


def counts():
    with Desk() as desk:
        queue = desk.queue()
        for i in range(7):
            desk.put(queue, str(i))
        desk.channel.basic_get(queue)
        declared = desk.channel.queue_declare(queue, passive=True).method
        assert (declared.message_count, declared.consumer_count) == (6, 0)
        got = desk.channel.basic_get(queue)[0]
        assert got.message_count == 5
        assert desk.channel.queue_purge(queue).method.message_count == 5  # what is out with a consumer stays
        desk.channel.basic_nack(got.delivery_tag, requeue=True)
        assert desk.take(queue) == "1"
        desk.channel.basic_consume(queue, lambda *_: None)
        assert desk.channel.queue_declare(queue, passive=True).method.consumer_count == 1


def a_name_may_be_left_out():
    with Desk() as desk:
        queue = desk.channel.queue_declare("", exclusive=True).method.queue
        assert queue.startswith("amq.gen-")
        desk.channel.queue_bind("", "amq.direct")  # the queue declared last, and its name as the key
        desk.put(queue, "x", exchange="amq.direct")
        assert desk.channel.queue_purge("").method.message_count == 1
        desk.channel.queue_delete("")
    refused(404, lambda d: d.channel.basic_get(""))


def exclusive_queues_go_with_their_connection():
    with Desk() as desk:
        name = desk.name()
        desk.channel.queue_declare(name, exclusive=True)
    refused(404, lambda d: d.channel.queue_declare(name, passive=True))


def auto_delete_waits_for_the_last_consumer():
    with Desk() as desk:
        name = desk.name()
        other = connect()
        tags = [channel.basic_consume(name, lambda *_: None) for channel in (desk.channel, other.channel())
                if channel.queue_declare(name, auto_delete=True)]
        desk.channel.basic_cancel(tags[0])
        desk.channel.queue_declare(name, passive=True)
        other.close()
        desk.until(lambda: gone(name))


def gone(queue):
    try:
        with Desk() as desk:
            desk.channel.queue_declare(queue, passive=True)
    except ChannelClosedByBroker as closed:
        return closed.reply_code == 404
    return False


FEATURES = (auto_delete, exclusive, declarations, expires, lengths, priorities, own_publishes_are_seen, redeclarations_name_the_difference, queue_types_and_modes, deletions_on_conditions, counts, a_name_may_be_left_out, exclusive_queues_go_with_their_connection, auto_delete_waits_for_the_last_consumer,)
