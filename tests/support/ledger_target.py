"""An HTTP target that keeps a ledger and can be down in several ways. Runs in a thread, on 127.0.0.1 and any free port."""
import asyncio
import json
import threading


class LedgerTarget:
    """`ledger` holds (Idempotency-Key, parsed body) of every request that was answered 201, in the order they came.

    `mode`: "up", "refused" (nobody listens), "unavailable" (503), "hanging" (reads, never answers), "throttled" (takes
    `per_second` requests in each second and answers the others 429 with Retry-After: 1).
    It listens on `listen_on`, and `url` names it as `called`: containers have a loopback of their own.
    `on_request(body, client_port)` is called before the answer; if it returns False, the connection is cut instead.
    """

    def __init__(self, on_request=None, listen_on="127.0.0.1", called="127.0.0.1"):
        self._listen_on = listen_on
        self.ledger = []
        self.requests = 0
        self.connections = 0
        self.per_second = 20
        self.throttled = 0
        self._second = (0, 0)
        self._on_request = on_request
        self._mode = "up"
        self._connections = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._port = 0
        self._server = None
        self._call(self._listen())
        self.url = f"http://{called}:{self._port}"

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _listen(self):
        self._server = await asyncio.start_server(self._serve, self._listen_on, self._port, backlog=256)
        self._port = self._server.sockets[0].getsockname()[1]

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, mode):
        self._call(self._change(mode))

    async def _change(self, mode):
        if self._server is not None and mode == "refused":
            self._server.close()
            self._server = None
        self._mode = mode
        for writer in list(self._connections):
            writer.transport.abort()
        if self._server is None and mode != "refused":
            await self._listen()

    async def _serve(self, reader, writer):
        self._connections.add(writer)
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {}
                for line in head[1:-2]:
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests += 1
                if not await self._answer(headers, body, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _answer(self, headers, body, writer):
        if self._mode == "hanging":
            await asyncio.sleep(3600)  # ends when the connection is aborted or the loop stops
        if self._mode == "unavailable":
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return True
        if self._mode == "throttled" and not self._has_room():
            self.throttled += 1
            writer.write(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
            return True
        value = json.loads(body)
        if self._on_request and self._on_request(value, writer.get_extra_info("peername")[1]) is False:
            return False
        self.ledger.append((headers.get("idempotency-key"), value))
        answer = json.dumps({"id": str(len(self.ledger)), **(value if isinstance(value, dict) else {})}).encode()
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                     % (len(answer), answer))
        return True

    def _has_room(self):
        now = int(self._loop.time())
        count = self._second[1] if self._second[0] == now else 0
        self._second = (now, count + 1)
        return count < self.per_second

    def __enter__(self):
        return self

    def __exit__(self, *_):
        async def close():
            if self._server is not None:
                self._server.close()
            mine = asyncio.current_task()
            tasks = [task for task in asyncio.all_tasks() if task is not mine]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._call(close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
