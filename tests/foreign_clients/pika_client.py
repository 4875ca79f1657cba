#!/usr/bin/python3
"""Debian's python3-pika against the broker: pika_client.py URI everything | publish QUEUE COUNT | drain QUEUE COUNT"""

import sys
import uuid

import pika
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker, ConnectionClosedByBroker, NackError, UnroutableError

URI = sys.argv[1]
DURABLE = pika.BasicProperties(delivery_mode=2)


def connect():
    return pika.BlockingConnection(pika.URLParameters(URI))


def expect_close(code, action):
    connection = connect()
    channel = connection.channel()
    try:
        action(channel)
        channel.basic_qos(prefetch_count=1)  # waits for an answer, so that what came before it is seen
    except (ChannelClosedByBroker, ConnectionClosedByBroker) as closed:
        assert closed.reply_code == code, f"expected {code}, got {closed}"
    else:
        raise AssertionError(f"expected {code}, got nothing")
    if connection.is_open:
        connection.close()


def take(channel, queue, count, **options):
    taken = []
    for method, properties, body in channel.consume(queue, inactivity_timeout=10, **options):
        assert method, f"only {len(taken)} of {count} came"
        taken.append((method, properties, body))
        if len(taken) == count:
            break
    return taken


def routing(channel, queue, exchange):
    channel.exchange_declare(exchange, exchange_type="topic", durable=True)
    channel.queue_declare(queue, durable=True)
    channel.queue_bind(queue, exchange, "orders.*")
    channel.confirm_delivery()
    channel.basic_publish(exchange, "orders.new", b"first", DURABLE, mandatory=True)
    try:
        channel.basic_publish(exchange, "nowhere", b"lost", DURABLE, mandatory=True)
    except UnroutableError as returned:
        assert returned.messages[0].body == b"lost" and returned.messages[0].method.reply_code == 312
    else:
        raise AssertionError("an unroutable mandatory message was not returned")
    method, _, body = channel.basic_get(queue, auto_ack=True)
    assert body == b"first" and method.routing_key == "orders.new" and not method.redelivered
    assert channel.basic_get(queue)[0] is None


def properties_survive(channel, queue):
    sent = pika.BasicProperties(content_type="text/plain", message_id="m-1", correlation_id="c", delivery_mode=2, priority=3,
                                reply_to="r", timestamp=1700000000, type="t", app_id="a",
                                headers={"n": 1, "s": "text", "b": True, "l": [1, "two"], "t": {"deep": None}})
    channel.basic_publish("", queue, b"x", sent)
    _, got, _ = channel.basic_get(queue, auto_ack=True)
    assert got == sent, f"{got} != {sent}"


def settling(channel, queue):
    channel.basic_qos(prefetch_count=2)
    for i in range(4):
        channel.basic_publish("", queue, b"%d" % i, DURABLE)
    first, second = take(channel, queue, 2)
    assert [first[2], second[2]] == [b"0", b"1"]
    channel.basic_nack(second[0].delivery_tag, requeue=True)
    channel.basic_ack(first[0].delivery_tag)
    channel.cancel()
    rest = take(channel, queue, 2)
    assert rest[0][2] == b"1" and rest[0][0].redelivered and rest[1][2] == b"2", rest
    channel.basic_ack(rest[1][0].delivery_tag, multiple=True)
    channel.cancel()
    method, _, body = channel.basic_get(queue)
    assert body == b"3"
    channel.basic_reject(method.delivery_tag, requeue=False)
    assert channel.basic_get(queue)[0] is None


def transactions(connection, queue):
    channel = connection.channel()
    channel.tx_select()
    channel.basic_publish("", queue, b"undone", DURABLE)
    channel.tx_rollback()
    channel.basic_publish("", queue, b"done", DURABLE)
    channel.tx_commit()
    method, _, body = channel.basic_get(queue)
    assert body == b"done"
    channel.basic_ack(method.delivery_tag)
    channel.tx_rollback()
    channel.basic_nack(method.delivery_tag, requeue=True)
    channel.tx_commit()
    method, _, body = channel.basic_get(queue)
    assert body == b"done" and method.redelivered
    channel.basic_ack(method.delivery_tag)
    channel.tx_commit()
    assert channel.basic_get(queue)[0] is None
    channel.close()


def errors():
    queue = f"pika-errors-{uuid.uuid4()}"
    expect_close(404, lambda c: c.queue_declare("no-such-queue", passive=True))
    expect_close(404, lambda c: c.basic_publish("no-such-exchange", "k", b""))
    expect_close(403, lambda c: c.exchange_declare("amq.mine", exchange_type="direct"))
    expect_close(406, lambda c: (c.queue_declare(queue, durable=True), c.queue_declare(queue, durable=False)))
    expect_close(406, lambda c: c.basic_ack(99))
    expect_close(503, lambda c: c.exchange_declare("x", exchange_type="no-such-type"))
    holder = connect()
    holder.channel().queue_declare(queue + "-mine", exclusive=True)
    expect_close(405, lambda c: c.queue_declare(queue + "-mine", exclusive=True))
    holder.close()
    expect_close(404, lambda c: c.queue_declare(queue + "-mine", passive=True))


def everything():
    name = f"pika-{uuid.uuid4()}"
    connection = connect()
    channel = connection.channel()
    routing(channel, name, name + "-x")
    properties_survive(channel, name)
    settling(channel, name)
    transactions(connection, name)
    big = bytes(range(256)) * 4096
    channel.basic_publish("", name, big, DURABLE)
    assert channel.basic_get(name, auto_ack=True)[2] == big
    generated = channel.queue_declare("", exclusive=True).method.queue
    assert generated.startswith("amq.gen-")
    for i in range(5):
        channel.basic_publish("", generated, b"x")
    assert channel.queue_declare(generated, passive=True).method.message_count == 5
    assert channel.queue_purge(generated).method.message_count == 5
    channel.queue_delete(name)
    channel.exchange_delete(name + "-x")
    connection.close()
    errors()
    try:
        pika.BlockingConnection(pika.URLParameters(URI.replace("://", "://nobody:").replace(":guest@", "wrong@")))
    except AMQPConnectionError:
        pass
    else:
        raise AssertionError("a wrong password was taken")


def publish(queue, count):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(queue, durable=True)
    channel.confirm_delivery()
    for i in range(count):
        channel.basic_publish("", queue, b"message %d" % i, DURABLE)


def drain(queue, count):
    connection = connect()
    channel = connection.channel()
    bodies = [body for _, _, body in take(channel, queue, count, auto_ack=True)]
    assert bodies == [b"message %d" % i for i in range(count)], bodies
    connection.close()


if __name__ == "__main__":
    task, *arguments = sys.argv[2:]
    if task == "everything":
        everything()
    else:
        {"publish": publish, "drain": drain}[task](arguments[0], int(arguments[1]))
