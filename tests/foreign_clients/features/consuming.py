"""Consumers, prefetch, acknowledgements, recovery."""

import pika
from pika.exceptions import UnroutableError

from desk import Desk, connect, refused


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


def bodies(desk, queue, count):
    return [desk.take(queue) for _ in range(count)]


def returned_messages_keep_their_place():
    with Desk() as desk:
        queue = desk.queue()
        for body in "abcde":
            desk.put(queue, body)
        tags = [desk.channel.basic_get(queue)[0].delivery_tag for _ in range(4)]
        desk.channel.basic_nack(tags[2], requeue=True)
        desk.channel.basic_reject(tags[0], requeue=True)
        desk.channel.basic_nack(tags[3], multiple=True, requeue=True)  # and with it tags[1]
        seen = [desk.channel.basic_get(queue, auto_ack=True) for _ in range(5)]
        assert [(body, method.redelivered) for method, _, body in seen] == [
            (b"a", True), (b"b", True), (b"c", True), (b"d", True), (b"e", False)], seen


def acknowledging():
    with Desk() as desk:
        queue = desk.queue()
        for body in "abcd":
            desk.put(queue, body)
        tags = [desk.channel.basic_get(queue)[0].delivery_tag for _ in range(4)]
        assert tags == [1, 2, 3, 4]
        desk.channel.basic_ack(2, multiple=True)
        desk.channel.basic_ack(0, multiple=True)  # all the rest
        desk.channel.basic_ack(0, multiple=True)  # and none is no error
        desk.channel.close()
        desk.channel = desk.connection.channel()
        assert desk.take(queue) is None
    for wrong in (lambda d: d.channel.basic_ack(1), lambda d: d.channel.basic_nack(1), lambda d: d.channel.basic_reject(1),
                  lambda d: d.channel.basic_ack(3, multiple=True)):
        refused(406, lambda d, wrong=wrong: (wrong(d), d.channel.basic_qos()), "unknown delivery tag")

    def twice(desk):
        desk.put(queue := desk.queue(), "x")
        tag = desk.channel.basic_get(queue)[0].delivery_tag
        desk.channel.basic_ack(tag)
        desk.channel.basic_ack(tag)
        desk.channel.basic_qos()
    refused(406, twice, "unknown delivery tag 1")


def recovering():
    with Desk() as desk:
        queue, got = desk.queue(), []
        for body in "ab":
            desk.put(queue, body)
        desk.channel.basic_consume(queue, lambda c, m, p, b: got.append((b, m.redelivered)))
        desk.until(lambda: len(got) == 2)
        desk.channel.basic_recover(requeue=True)
        desk.until(lambda: len(got) == 4)
        assert got == [(b"a", False), (b"b", False), (b"a", True), (b"b", True)], got
    refused(540, lambda d: d.channel.basic_recover(requeue=False))


def prefetch_by_consumer_and_by_channel():
    with Desk() as desk:
        for together, expected in ((False, 4), (True, 2)):
            queue, channel, got = desk.queue(), desk.connection.channel(), []
            channel.basic_qos(prefetch_count=2, global_qos=together)
            for _ in range(2):
                channel.basic_consume(queue, lambda c, m, p, b: got.append(m.delivery_tag))
            for i in range(10):
                desk.put(queue, str(i))
            desk.until(lambda: len(got) == expected)
            assert desk.depth(queue) == 10 - expected and len(got) == expected, got
            channel.basic_ack(got[0])
            desk.until(lambda: len(got) == expected + 1)
            channel.basic_ack(0, multiple=True)
            desk.until(lambda: len(got) == 2 * expected + 1)
            channel.close()
            assert desk.depth(queue) == 10 - expected - 1
    refused(540, lambda d: d.channel.basic_qos(prefetch_size=1))


def consumers_take_turns():
    with Desk() as desk:
        queue, got = desk.queue(), []
        for name in "xyz":
            desk.channel.basic_consume(queue, lambda c, m, p, b, name=name: got.append(name), auto_ack=True)
        for i in range(6):
            desk.put(queue, str(i))
        desk.until(lambda: len(got) == 6)
        assert sorted(got) == ["x", "x", "y", "y", "z", "z"], got
    refused(406, lambda d: d.channel.basic_consume(d.queue(), lambda *_: None, arguments={"x-priority": "high"}), "x-priority")


def the_end_of_a_queue_is_told_to_consumers():
    with Desk() as desk, Desk() as other:
        name, cancelled = desk.name(), []
        desk.channel.queue_declare(name)
        desk.channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag))
        tag = desk.channel.basic_consume(name, lambda *_: None)
        other.channel.queue_delete(name)
        desk.until(lambda: cancelled == [tag])


def exclusive_and_single_consumers():
    refused(403, lambda d: (d.channel.basic_consume(q := d.queue(), lambda *_: None),
                            d.channel.basic_consume(q, lambda *_: None, exclusive=True)), "in exclusive use")
    refused(403, lambda d: d.channel.basic_consume(d.queue(single_active_consumer=True), lambda *_: None, exclusive=True))


def a_closed_channel_gives_its_messages_back():
    with Desk() as desk:
        queue = desk.queue()
        for body in "abc":
            desk.put(queue, body)
        channel, got = desk.connection.channel(), []
        channel.basic_consume(queue, lambda c, m, p, b: got.append(b))
        desk.until(lambda: len(got) == 3)
        channel.basic_ack(1)
        channel.close()
        assert bodies(desk, queue, 3) == ["b", "c", None]
        channel, got = desk.connection.channel(), []
        desk.put(queue, "not acknowledged")
        channel.basic_consume(queue, lambda c, m, p, b: got.append(b), auto_ack=True)
        desk.until(lambda: len(got) == 1)
        channel.close()
        assert desk.take(queue) is None


FEATURES = (single_active_consumer, direct_reply_to, returned_messages_keep_their_place, acknowledging, recovering, prefetch_by_consumer_and_by_channel, consumers_take_turns, the_end_of_a_queue_is_told_to_consumers, exclusive_and_single_consumers, a_closed_channel_gives_its_messages_back,)
