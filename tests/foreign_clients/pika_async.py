#!/usr/bin/python3
"""pika's asynchronous connection against the broker: pika_async.py URI. A scenario is a generator that yields what to ask,
a function that takes the callback, and gets what the callback got."""

import sys
import uuid

import pika
from pika.exceptions import ChannelClosedByBroker, ProbableAccessDeniedError

URI = sys.argv[1]


def name():
    return "async-" + uuid.uuid4().hex


class Run:
    """One connection with one channel, on which a scenario is played to its end within some seconds."""

    def __init__(self, scenario, **parameters):
        self.failure, self.done, self.opened = None, False, False
        wanted = pika.URLParameters(URI)
        for key, value in parameters.items():
            setattr(wanted, key, value)
        self.scenario = scenario
        self.connection = pika.SelectConnection(wanted, on_open_callback=self.open, on_open_error_callback=self.refused,
                                                on_close_callback=lambda *_: self.connection.ioloop.stop())
        self.connection.ioloop.call_later(20, lambda: self.fail(AssertionError("it took too long")))
        self.connection.ioloop.start()
        if self.failure:
            raise self.failure

    def refused(self, _, error):
        self.failure = error
        self.connection.ioloop.stop()

    def fail(self, error):
        self.failure = self.failure or error
        self.connection.ioloop.stop()

    def open(self, connection):
        connection.channel(on_open_callback=self.begin)

    def begin(self, channel):
        self.channel = channel
        self.steps = self.scenario(self, channel)
        self.next(None)

    def next(self, answer, *more):
        try:
            ask = self.steps.send((answer, *more) if more else answer)
            ask(self.next)
        except StopIteration:
            self.connection.close()
        except Exception as error:  # to be raised where run() was called, not in pika's loop
            self.fail(error)


def answers_come_in_order_around_nowait(run, channel):
    queues = [name() for _ in range(3)]
    answered = []
    channel.queue_declare(queues[0], auto_delete=True, callback=answered.append)
    channel.queue_declare(queues[1], auto_delete=True)  # without a callback: no-wait
    last = yield lambda then: channel.queue_declare(queues[2], auto_delete=True, callback=then)
    assert [frame.method.queue for frame in answered] == [queues[0]] and last.method.queue == queues[2]
    passive = yield lambda then: channel.queue_declare(queues[1], passive=True, callback=then)
    assert passive.method.queue == queues[1]
    for queue in queues:
        yield lambda then: channel.queue_delete(queue, callback=then)


def consume_and_cancel(run, channel):
    queue = name()
    yield lambda then: channel.queue_declare(queue, callback=then)
    for i in range(100):
        channel.basic_publish("", queue, b"%d" % i)
    got = []

    def take(then):
        def on_message(_, method, __, body):
            got.append(body)
            if len(got) == 1:
                channel.basic_cancel(method.consumer_tag, callback=then)
        channel.basic_consume(queue, on_message, auto_ack=True)
    cancelled = yield take
    assert isinstance(cancelled.method, pika.spec.Basic.CancelOk) and got[0] == b"0"
    yield lambda then: channel.queue_delete(queue, callback=then)


def confirms(run, channel):
    seen = []
    selected = yield lambda then: channel.confirm_delivery(lambda frame: seen.append(frame.method), callback=then)
    assert isinstance(selected.method, pika.spec.Confirm.SelectOk)
    for i in range(50):
        channel.basic_publish("", "no-such-queue", b"%d" % i)
    yield lambda then: channel.basic_qos(prefetch_count=1, callback=then)
    while not seen or seen[-1].delivery_tag < 50:
        yield lambda then: run.connection.ioloop.call_later(0.01, lambda: then(None))
    assert all(isinstance(method, pika.spec.Basic.Ack) for method in seen)


def transactions(run, channel):
    queue = name()
    yield lambda then: channel.queue_declare(queue, exclusive=True, callback=then)
    for ask, answer in ((channel.tx_select, pika.spec.Tx.SelectOk), (channel.tx_commit, pika.spec.Tx.CommitOk),
                        (channel.tx_rollback, pika.spec.Tx.RollbackOk)):
        frame = yield lambda then: ask(callback=then)
        assert isinstance(frame.method, answer)


def big_bodies(run, channel):
    queue, body = name(), b"\n".join(b"%d" % i for i in range(2 ** 21))
    yield lambda then: channel.queue_declare(queue, exclusive=True, callback=then)
    channel.basic_publish("", queue, body)
    _, method, _, got = yield lambda then: channel.basic_get(queue, then)
    assert isinstance(method, pika.spec.Basic.GetOk) and got == body


def closed(code, ask):
    """A scenario in which what `ask` does closes the channel with that code."""
    def scenario(run, channel):
        def until_closed(then):
            channel.add_on_close_callback(lambda _, reason: then(reason))
            ask(channel)
        reason = yield until_closed
        assert isinstance(reason, ChannelClosedByBroker) and reason.reply_code == code, reason
        yield lambda then: run.connection.channel(on_open_callback=then)
    return scenario


def redeclared(channel):
    queue = name()
    channel.queue_declare(queue, exclusive=True, auto_delete=True, callback=lambda _: channel.queue_declare(
        queue, durable=True, auto_delete=True, callback=lambda _: None))


def redeclared_exchange(channel):
    exchange = name()
    channel.exchange_declare(exchange, "direct", auto_delete=True, callback=lambda _: channel.exchange_declare(
        exchange, "topic", auto_delete=True, callback=lambda _: None))


def main():
    for scenario in (answers_come_in_order_around_nowait, consume_and_cancel, confirms, transactions, big_bodies,
                     closed(405, redeclared), closed(406, redeclared_exchange),
                     closed(406, lambda channel: channel.tx_commit()), closed(406, lambda channel: channel.tx_rollback()),
                     closed(404, lambda channel: channel.basic_consume("no-such-queue", lambda *_: None)),
                     closed(404, lambda channel: channel.basic_publish("no-such-exchange", "k", b""))):
        try:
            Run(scenario)
        except BaseException:
            print(f"scenario: {scenario.__qualname__}", file=sys.stderr)
            raise
    try:
        Run(confirms, virtual_host=name())
    except ProbableAccessDeniedError:
        return
    raise AssertionError("a vhost that is not there was opened")


if __name__ == "__main__":
    main()
