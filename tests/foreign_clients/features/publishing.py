"""Confirms, transactions, bodies and properties of every kind."""

import contextlib
import datetime
import decimal

import pika
from pika.exceptions import UnroutableError

from desk import Desk, connect, refused


def bodies_of_every_size():
    for frame_max in (4096, 131072):
        with Desk() as desk:
            queue = desk.queue(exclusive=False, expires=60000)
            other = connect(frame_max=frame_max)
            channel = other.channel()
            payload = frame_max - 8
            for size in (0, 1, payload - 1, payload, payload + 1, 2 * payload, 10 * 1000 * 1000):
                body = bytes(range(256)) * (size // 256 + 1)
                desk.channel.basic_publish("", queue, body[:size])
                _, _, got = get(channel, queue)
                assert got == body[:size], f"{size} bytes became {len(got)}"
            other.close()


def get(channel, queue):
    return channel.basic_get(queue, auto_ack=True)


@contextlib.contextmanager
def in_one_write(connection):
    """What is sent meanwhile leaves in one write: a disk that is fast enough has each message synced before pika's next write."""
    frames, emit = [], connection._impl._adapter_emit_data
    connection._impl._adapter_emit_data = frames.append
    try:
        yield
    finally:
        connection._impl._adapter_emit_data = emit
    emit(b"".join(frames))


def confirms_cover_many():
    with Desk() as desk:
        queue, acked = desk.queue(), []
        channel = desk.connection.channel()
        channel._impl.confirm_delivery(lambda frame: acked.append(frame.method), callback=lambda _: None)
        desk.connection.process_data_events(0.05)
        with in_one_write(desk.connection):
            for i in range(500):
                channel._impl.basic_publish("", queue, b"%d" % i)
        desk.until(lambda: acked and acked[-1].delivery_tag == 500)
        assert all(isinstance(method, pika.spec.Basic.Ack) for method in acked)
        assert any(method.multiple for method in acked), "500 single acknowledgements"
        assert desk.depth(queue) == 500


def transactions_are_whole():
    with Desk() as desk:
        queue, other = desk.queue(), desk.queue()
        desk.put(queue, "input")
        channel = desk.connection.channel()
        channel.tx_select()
        tag = channel.basic_get(queue)[0].delivery_tag
        channel.basic_publish("", other, b"output")
        channel.basic_ack(tag)
        assert desk.depth(other) == 0
        channel.tx_rollback()
        channel.basic_publish("", other, b"output")
        channel.basic_ack(tag)
        returned = []
        channel.add_on_return_callback(lambda c, m, p, b: returned.append(b))
        channel.basic_publish("", desk.name(), b"nobody", mandatory=True)
        channel.tx_commit()
        desk.until(lambda: returned == [b"nobody"])
        assert (desk.take(other), desk.depth(queue)) == ("output", 0)
        channel.basic_publish("", other, b"never committed")
        channel.close()
        assert desk.depth(other) == 0
    for wrong in (lambda d: d.connection.channel().tx_commit(), lambda d: d.connection.channel().tx_rollback()):
        refused(406, wrong, "channel is not transactional")
    refused(406, lambda d: d.channel.tx_select(), "cannot switch from confirm to tx mode")

    def confirms_after_tx(desk):
        channel = desk.connection.channel()
        channel.tx_select()
        channel.confirm_delivery()
    refused(406, confirms_after_tx, "cannot switch from tx to confirm mode")


EVERY_KIND = {
    "bool": True, "int": -5, "long": 2 ** 40, "text": "schön", "bytes": b"\x00\xff", "decimal": decimal.Decimal("12.34"),
    "time": datetime.datetime(2026, 11, 26, 1, 2, 3), "nothing": None, "list": [1, "two", [None], {"deep": [b"x"]}],
    "table": {"a": {"b": {"c": [True, False]}}}, "empty list": [], "empty table": {},
}


def properties_of_every_kind():
    with Desk() as desk:
        queue, dead = desk.queue(), desk.queue()
        sent = pika.BasicProperties(
            content_type="text/plain", content_encoding="utf-8", headers=EVERY_KIND, delivery_mode=2, priority=7,
            correlation_id="c" * 255, reply_to="r", message_id="m", timestamp=1700000000, type="t", user_id="guest",
            app_id="a", cluster_id="k")
        desk.channel.basic_publish("", queue, b"", sent)
        assert get(desk.channel, queue)[1] == sent
        # The same when the broker reads the headers to change one of them.
        changed = desk.queue(dead_letter_exchange="", dead_letter_routing_key=dead)
        desk.channel.basic_publish("", changed, b"", sent)
        desk.channel.basic_reject(desk.channel.basic_get(changed)[0].delivery_tag, requeue=False)
        headers = desk.properties_of(dead).headers
        assert {name: headers[name] for name in EVERY_KIND} == EVERY_KIND


def immediate_is_not_offered():
    def action(desk):
        publish = pika.spec.Basic.Publish(exchange="", routing_key="x", immediate=True)
        desk.channel._impl._send_method(publish, (pika.BasicProperties(), b""))
        desk.channel.basic_qos()
    refused(540, action, "immediate=true")


def a_publish_that_fails_ends_its_channel_only():
    with Desk() as desk:
        channel = desk.connection.channel()
        channel._impl.basic_publish("no-such-exchange", "k", b"x")
        for i in range(10):
            channel._impl.basic_publish("", "no-such-queue", b"%d" % i)
        desk.until(lambda: channel.is_closed)
        queue = desk.queue()
        desk.put(queue, "others go on")
        assert desk.take(queue) == "others go on"
        try:
            desk.put(desk.name(), "nobody")
            raise AssertionError("it was routed")
        except UnroutableError:
            pass


FEATURES = (bodies_of_every_size, confirms_cover_many, transactions_are_whole, properties_of_every_kind,
            immediate_is_not_offered, a_publish_that_fails_ends_its_channel_only,)
