"""An HTTP target of fixed work: each request is answered 204 after the same time. Runs in a thread, on 127.0.0.1."""
import asyncio
import threading
import time


class SlowTarget:
    """`times` and `bodies` are those of every answered request, in the order of the answers."""

    def __init__(self, work_s):
        self.work_s = work_s
        self.times = []
        self.bodies = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=256), self._loop).result(10)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = next((line.split(":")[1] for line in head.split("\r\n") if line.startswith("content-length:")), "0")
                body = await reader.readexactly(int(length))
                await asyncio.sleep(self.work_s)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                self.times.append(time.monotonic())
                self.bodies.append(body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def rate(self, seconds):
        """Answers a second, over so many seconds from now on."""
        began, before = time.monotonic(), len(self.times)
        threading.Event().wait(seconds)
        return (len(self.times) - before) / (time.monotonic() - began)

    def close(self):
        async def close():
            self._server.close()
            mine = asyncio.current_task()
            tasks = [task for task in asyncio.all_tasks() if task is not mine]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        asyncio.run_coroutine_threadsafe(close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
