"""What the features share: a connection with a channel in confirm mode, and what a broker refuses."""

import sys
import time
import uuid

import pika
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

URI = sys.argv[1]


def connect(**parameters):
    wanted = pika.URLParameters(URI)
    for name, value in parameters.items():
        setattr(wanted, name, value)
    return pika.BlockingConnection(wanted)


class Desk:
    """A connection with a channel in confirm mode, and names of its own."""

    def __enter__(self):
        self.connection = connect()
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

    def properties_of(self, queue, seconds=5):
        """Takes the first message: its properties."""
        assert self.take(queue, seconds) is not None, "no message came"
        return self.properties


def refused(code, action, text=""):
    """`action` on a fresh channel is refused with that code, in these words."""
    with Desk() as desk:
        try:
            action(desk)
        except (ChannelClosedByBroker, ConnectionClosedByBroker) as closed:
            assert closed.reply_code == code, f"{closed.reply_code} {closed.reply_text} instead of {code}"
            assert text in closed.reply_text, f"{closed.reply_text} without {text}"
            return
    raise AssertionError(f"nothing was refused with {code}")
