"""A client that says byte by byte what no library would: for silence, floods, odd frames and every type of field."""

import socket
import struct

import pika

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8


def framed(kind, payload, channel=1, end=b"\xce"):
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + end


def publishing(queue, body, properties=b"\0\0"):
    """The frames of one publish to a queue; a body of one frame."""
    publish = pika.frame.Method(1, pika.spec.Basic.Publish(routing_key=queue)).marshal()
    header = framed(HEADER, struct.pack(">HHQ", 60, 0, len(body)) + properties)
    return publish + header + (framed(BODY, body) if body else b"")


class Wire:
    """An open connection with channel 1; reads only when asked."""

    def __init__(self, uri, heartbeat=0, frame_max=131072, capabilities=(), receive_buffer=None):
        self.parameters = pika.URLParameters(uri)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect((self.parameters.host, self.parameters.port))
        self.buffer = b""
        self.socket.sendall(b"AMQP\x00\x00\x09\x01")
        self.expect(pika.spec.Connection.Start)
        login = self.parameters.credentials
        self.send(pika.spec.Connection.StartOk({"capabilities": dict.fromkeys(capabilities, True)}, "PLAIN",
                                               f"\0{login.username}\0{login.password}", "en_US"), channel=0)
        self.tune = self.expect(pika.spec.Connection.Tune)
        self.send(pika.spec.Connection.TuneOk(2047, frame_max, heartbeat), channel=0)
        self.send(pika.spec.Connection.Open(self.parameters.virtual_host), channel=0)
        self.expect(pika.spec.Connection.OpenOk)
        self.send(pika.spec.Channel.Open())
        self.expect(pika.spec.Channel.OpenOk)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, method, channel=1):
        self.socket.sendall(pika.frame.Method(channel, method).marshal())

    def frame(self, kind, payload, channel=1, end=b"\xce"):
        self.socket.sendall(framed(kind, payload, channel, end))

    def publish(self, queue, body, properties=b"\0\0"):
        self.socket.sendall(publishing(queue, body, properties))

    def read_frame(self):
        """(type, channel, payload), or None at the end of the connection."""
        while len(self.buffer) < 7 or len(self.buffer) < 8 + struct.unpack(">I", self.buffer[3:7])[0]:
            try:
                more = self.socket.recv(1 << 20)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.buffer += more
        kind, channel, size = struct.unpack(">BHI", self.buffer[:7])
        payload, self.buffer = self.buffer[7:7 + size], self.buffer[8 + size:]
        return kind, channel, payload

    def expect(self, method):
        """The next frame is this method: returned as pika decodes it."""
        frame = self.read_frame()
        assert frame and frame[0] == METHOD, f"{frame} instead of {method.NAME}"
        seen = struct.unpack(">I", frame[2][:4])[0]
        assert seen == method.INDEX, f"{pika.spec.methods.get(seen, seen)} instead of {method.NAME}: {frame[2]}"
        return method().decode(frame[2], 4)

    def content(self):
        """Properties as they stand on the wire, and the body, of what comes after a get-ok or deliver."""
        kind, _, header = self.read_frame()
        assert kind == HEADER
        size, body = struct.unpack(">Q", header[4:12])[0], b""
        while len(body) < size:
            body += self.read_frame()[2]
        return header[12:], body
