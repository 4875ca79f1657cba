"""HTTP/1.1 as bytes: requests that no client library would send, and whole responses."""
import json
import socket
from dataclasses import dataclass, field


@dataclass
class Response:
    status: int
    headers: list = field(default_factory=list)  # (name in lower case, value)
    body: bytes = b""

    def header(self, name):
        """The first value, or None."""
        return next((value for known, value in self.headers if known == name), None)

    def json(self):
        return json.loads(self.body)


class Connection:
    """One connection; `send` what you like, `response` reads one response by its length."""

    def __init__(self, address, timeout=30):
        self.socket = socket.create_connection(address, timeout)
        self._read = b""

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def response(self, bodyless=False):
        """The next response; None if the server has closed the connection without one."""
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                assert not self._read, f"half a response: {self._read!r}"
                return None
        head, self._read = self._read.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        response = Response(int(lines[0].split(" ")[1]), headers)
        length = 0 if bodyless or response.status < 200 else int(response.header("content-length") or 0)
        while len(self._read) < length:
            assert self._more(), f"the body of {response} was cut off"
        response.body, self._read = self._read[:length], self._read[length:]
        return response

    def is_closed(self):
        """Waits until the server closes; False if it sends something instead."""
        return not self._read and not self._more()

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self._read += data
        return bool(data)

    def cut(self):
        """Closes with a reset, as a machine that falls over."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def request(method, path, headers=(), body=b"", version="HTTP/1.1"):
    """A request's bytes, with Host and a Content-Length unless the headers have them or are said to lack them (None)."""
    body = body if isinstance(body, bytes) else body.encode()
    given = list(headers.items() if isinstance(headers, dict) else headers)
    names = {name.lower() for name, _ in given}
    if "host" not in names:
        given.insert(0, ("Host", "localhost"))
    if body and not names & {"content-length", "transfer-encoding"}:
        given.append(("Content-Length", str(len(body))))
    lines = "".join(f"{name}: {value}\r\n" for name, value in given if value is not None)
    return f"{method} {path} {version}\r\n{lines}\r\n".encode("latin-1") + body


def call(address, method, path, headers=(), body=b""):
    """One request over a connection of its own."""
    with Connection(address) as connection:
        return connection.send(request(method, path, headers, body)).response(bodyless=method == "HEAD")
