"""Connections: login, limits, heartbeats, and what breaks the protocol."""

import struct
import time

import pika
from pika.exceptions import AMQPConnectionError, ProbableAccessDeniedError, ProbableAuthenticationError

from desk import URI, Desk, connect, refused
from wire import BODY, HEADER, HEARTBEAT, METHOD, Wire

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

def fails(error, **parameters):
    try:
        connect(**parameters)
    except error as failure:
        return failure
    raise AssertionError(f"no {error.__name__}")


def who_may_enter():
    for name, password in (("guest", "wrong"), ("nobody", "guest"), ("guest", "")):
        failure = fails(ProbableAuthenticationError, credentials=pika.PlainCredentials(name, password))
        assert "403" in str(failure) and "ACCESS_REFUSED - Login was refused" in str(failure), failure
    failure = fails(ProbableAccessDeniedError, virtual_host="no-such-vhost")
    assert "530" in str(failure) and "vhost no-such-vhost not found" in str(failure), failure

    class External(pika.PlainCredentials):
        TYPE = "EXTERNAL"

        def response_for(self, _):
            return "EXTERNAL", b""

    pika.credentials.VALID_TYPES.append(External)
    failure = fails(AMQPConnectionError, credentials=External("x", "y"))
    assert "EXTERNAL, which is none of PLAIN and AMQPLAIN" in str(failure), failure


def what_the_server_says_of_itself():
    with Desk() as desk:
        properties = desk.connection._impl.server_properties
        assert properties["product"] == "RabbitMQ" and properties["platform"] == "Millrace", properties
        assert all(properties["capabilities"].get(name) for name in (
            "publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify", "connection.blocked",
            "consumer_priorities", "authentication_failure_close", "per_consumer_qos", "direct_reply_to")), properties


def limits_are_agreed_on():
    for frame_max, channel_max in ((4096, 1), (131072, 2047), (8192, 7)):
        other = connect(frame_max=frame_max, channel_max=channel_max)
        assert other._impl.params.frame_max == frame_max and other._impl.params.channel_max == channel_max
        other.channel()
        other.close()
    for tune_ok in (pika.spec.Connection.TuneOk(0, 1000, 0), pika.spec.Connection.TuneOk(0, 1 << 24, 0),
                    pika.spec.Connection.TuneOk(65535, 131072, 0)):
        with Wire(URI) as wire:
            wire.send(tune_ok, channel=0)  # once more, which is too often
            assert wire.expect(pika.spec.Connection.Close).reply_code == 503
    with Wire(URI, frame_max=4096) as wire:
        wire.frame(METHOD, b"x" * 4097)
        assert wire.expect(pika.spec.Connection.Close).reply_code == 501


def heartbeats():
    begun = time.monotonic()
    quiet = Wire(URI, heartbeat=1)
    with Desk() as desk, connect(heartbeat=1) as alive:
        seen = 0
        while (frame := quiet.read_frame()) is not None:
            assert frame == (HEARTBEAT, 0, b""), frame
            seen += 1
            alive.process_data_events(0.01)
        assert 1.9 < time.monotonic() - begun < 8 and seen >= 2, f"{seen} in {time.monotonic() - begun} s"
        queue = desk.queue(exclusive=False, auto_delete=True)
        alive.channel().basic_publish("", queue, b"still here")
        assert desk.take(queue, 5) == "still here"


def secrets_are_renewed():
    with Wire(URI) as wire:  # pika 1.2 has no word for it
        wire.frame(METHOD, struct.pack(">HHI", 10, 70, 3) + b"new\x03why", channel=0)
        _, _, payload = wire.read_frame()
        assert payload == struct.pack(">HH", 10, 71), payload


def broken_protocol():
    """Frame, and the reply code of the specification (§1.2)."""
    def broken(code, send):
        with Wire(URI) as wire:
            send(wire)
            close = wire.expect(pika.spec.Connection.Close)
            assert close.reply_code == code, f"{close.reply_code} {close.reply_text} instead of {code}"
            wire.send(pika.spec.Connection.CloseOk(), channel=0)
            assert wire.read_frame() is None

    qos = pika.spec.Basic.Qos()
    broken(504, lambda w: w.send(qos, channel=2))
    broken(504, lambda w: w.send(pika.spec.Channel.Open()))
    broken(504, lambda w: w.frame(BODY, b"x", channel=3))
    broken(505, lambda w: w.frame(BODY, b"x"))
    broken(505, lambda w: w.frame(HEADER, struct.pack(">HHQH", 60, 0, 0, 0)))
    broken(505, lambda w: (w.send(pika.spec.Basic.Publish()), w.send(qos)))
    broken(505, lambda w: (w.send(pika.spec.Basic.Publish()), w.frame(BODY, b"x")))
    broken(505, lambda w: (w.send(pika.spec.Basic.Publish()), w.frame(HEADER, struct.pack(">HHQH", 50, 0, 0, 0))))
    broken(501, lambda w: (w.send(pika.spec.Basic.Publish()), w.frame(HEADER, struct.pack(">HHQH", 60, 0, 1, 0)),
                           w.frame(BODY, b"more")))
    broken(502, lambda w: (w.send(pika.spec.Basic.Publish()), w.frame(HEADER, struct.pack(">HHQH", 60, 0, 0, 0x8000))))
    broken(501, lambda w: w.frame(METHOD, b"\x00\x3c\x00\x0a", end=b"x"))
    broken(501, lambda w: w.frame(9, b""))
    broken(501, lambda w: w.frame(HEARTBEAT, b"", channel=1))
    broken(502, lambda w: w.frame(METHOD, b"\x00\x3c\x00\x14\x01"))
    broken(540, lambda w: w.frame(METHOD, b"\x00\x63\x00\x63"))
    broken(503, lambda w: w.send(pika.spec.Queue.DeclareOk("q", 0, 0)))
    broken(503, lambda w: w.send(qos, channel=0))
    broken(503, lambda w: w.send(pika.spec.Exchange.Declare(exchange="x", type="x-unheard-of")))


def the_channel_of_an_error_can_be_opened_again():
    with Wire(URI) as wire:
        wire.send(pika.spec.Queue.Declare(queue="no-such-queue", passive=True))
        wire.send(pika.spec.Basic.Qos())  # on its way already: not answered
        close = wire.expect(pika.spec.Channel.Close)
        assert (close.reply_code, close.class_id, close.method_id) == (404, 50, 10)
        assert close.reply_text == "NOT_FOUND - no queue 'no-such-queue' in vhost '/'"
        wire.send(pika.spec.Channel.CloseOk())
        wire.send(pika.spec.Channel.Open())
        wire.expect(pika.spec.Channel.OpenOk)


def fields_of_every_type():
    """Those that pika does not send among them: the bytes come back as they went."""
    fields = {b"t": b"\x01", b"b": b"\xff", b"B": b"\xff", b"s": b"\x80\x00", b"u": b"\x80\x00", b"I": b"\x80\0\0\0",
              b"i": b"\xff\xff\xff\xff", b"l": b"\x80" + bytes(7), b"f": b"\x3f\x80\0\0", b"d": b"\x3f\xf0" + bytes(6),
              b"D": b"\x02\0\0\x04\xd2", b"S": b"\0\0\0\x03abc", b"x": b"\0\0\0\x02\0\xff", b"T": bytes(7) + b"\x05",
              b"V": b"", b"F": b"\0\0\0\x03\x01aV", b"A": b"\0\0\0\x03t\x01V"}
    entries = b"".join(bytes([1]) + letter + letter + value for letter, value in fields.items())
    properties = struct.pack(">HI", 0x2000, len(entries)) + entries
    with Desk() as desk, Wire(URI) as wire:
        queue, dead = desk.queue(exclusive=False, auto_delete=True), desk.queue(exclusive=False, auto_delete=True)
        wire.publish(queue, b"body", properties)
        wire.send(pika.spec.Basic.Get(queue=queue, no_ack=True))
        wire.expect(pika.spec.Basic.GetOk)
        assert wire.content() == (properties, b"body")
        # And when the broker adds to the headers.
        rejecting = desk.queue(exclusive=False, expires=60000, dead_letter_exchange="", dead_letter_routing_key=dead)
        wire.publish(rejecting, b"body", properties)
        wire.send(pika.spec.Basic.Get(queue=rejecting))
        wire.send(pika.spec.Basic.Reject(wire.expect(pika.spec.Basic.GetOk).delivery_tag, requeue=False))
        assert wire.content() == (properties, b"body")
        desk.until(lambda: desk.depth(dead) == 1)
        wire.send(pika.spec.Basic.Get(queue=dead, no_ack=True))
        wire.expect(pika.spec.Basic.GetOk)
        assert entries in wire.content()[0]


FEATURES = (user_id, amqplain, who_may_enter, what_the_server_says_of_itself, limits_are_agreed_on, heartbeats,
            secrets_are_renewed, broken_protocol, the_channel_of_an_error_can_be_opened_again, fields_of_every_type,)
