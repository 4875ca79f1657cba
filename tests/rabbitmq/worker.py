"""A worker process by the worker contract, on any broker, and a stand-in for the platform's door for workers."""
import base64
import contextlib
import http.server
import json
import os
import subprocess
import threading

MILLRACE = os.environ.get("MILLRACE", "build/release/millrace")
FLOW, STEP, USER, PASSWORD = "orders", "shape", "worker-1", "secret"


class FakeDoor:
    """Answers with the step's settings, and keeps what the worker tells: `presences`, `snapshots`. Not the platform's own."""

    def __init__(self, settings):
        self.presences, self.snapshots, self.settings = [], [], settings
        door = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self, status, body=b""):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def taken(self):
                login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                assert self.headers["Authorization"] == f"Basic {login}", self.headers
                return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

            def do_GET(self):
                self.taken()
                self.answer(200, json.dumps(door.settings).encode())

            def do_POST(self):
                text = self.taken()
                if self.path.endswith("/presence"):
                    door.presences.append(json.loads(text))
                self.answer(204)

            def do_PUT(self):
                door.snapshots.append(self.taken())
                self.answer(204)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def presence(self):
        """What was told last."""
        nothing = {"connected": False, "in_work": 0, "done": 0, "filtered": 0, "dead": 0, "rebounds": 0}
        return self.presences[-1] if self.presences else nothing

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class FakeTarget:
    """Where http.request sends to: `answer(n)` is called with each message's number, then it answers 200."""

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                answer(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["n"])
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

            def handle(self):
                with contextlib.suppress(OSError):  # the worker is gone
                    super().handle()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def transform(expression, attempts=20):
    """Settings of a step that is jsonata.transform."""
    return {"id": STEP, "comp_id": "jsonata", "function": "transform", "config": {"expression": expression}, "snapshot": {},
            "millrace": {"retry": {"initial_ms": 1000, "factor": 2, "max_ms": 60000, "attempts": attempts}, "has_successors": True}}


def request(url, concurrency):
    """Settings of a step that is http.request."""
    return {"id": STEP, "comp_id": "http", "function": "request", "config": {"method": "POST", "url": url}, "snapshot": {},
            "millrace": {"retry": {"initial_ms": 100, "factor": 2, "max_ms": 60000, "attempts": 20}, "has_successors": True,
                         "concurrency": concurrency}}


class Worker:
    """`millrace worker` of step `shape` of flow `orders`; its log is in `lines`."""

    def __init__(self, door, amqp, confirms=True, function="jsonata.transform", version=1):
        component, name = function.split(".")
        environment = {
            "PATH": os.environ["PATH"], "ELASTICIO_FLOW_ID": FLOW, "ELASTICIO_STEP_ID": STEP, "ELASTICIO_EXEC_ID": "run",
            "ELASTICIO_CONTAINER_ID": USER, "ELASTICIO_COMP_ID": component, "ELASTICIO_FUNCTION": name,
            "ELASTICIO_API_URI": door.url, "ELASTICIO_API_USERNAME": USER, "ELASTICIO_API_KEY": PASSWORD, "ELASTICIO_AMQP_URI": amqp,
            "ELASTICIO_LISTEN_MESSAGES_ON": f"{FLOW}@{version}.{STEP}", "ELASTICIO_PUBLISH_MESSAGES_TO": f"flow.{FLOW}@{version}",
            "ELASTICIO_DATA_ROUTING_KEY": f"{STEP}:output", "ELASTICIO_ERROR_ROUTING_KEY": f"{STEP}:error",
            "ELASTICIO_REBOUND_ROUTING_KEY": f"{STEP}:rebound", "ELASTICIO_SNAPSHOT_ROUTING_KEY": f"{STEP}:snapshot"}
        if confirms:
            environment["MILLRACE_COMMITS"] = "confirms"
        self.process = subprocess.Popen([MILLRACE, "worker"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def says(self, text):
        return any(text in line for line in self.lines)

    def stop(self):
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()


class Queues:
    """The step's topology, over a connection of pika: messages in, messages out."""

    def __init__(self, channel, kind="quorum", version=1, delivery_limit=None):
        self.channel = channel
        self.exchange, self.source, self.sink = f"flow.{FLOW}@{version}", f"{FLOW}@{version}.{STEP}", f"{FLOW}@{version}.sink"
        channel.exchange_declare(self.exchange, "direct", durable=True)
        self.dead_letters = f"{FLOW}.dead-letters"
        limited = {"x-delivery-limit": delivery_limit, "x-dead-letter-exchange": self.exchange, "x-overflow": "reject-publish",
                   "x-dead-letter-routing-key": f"{STEP}:error", "x-dead-letter-strategy": "at-least-once"} if delivery_limit else {}
        for queue, key, more in ((self.source, f"{STEP}:input", limited), (self.sink, f"{STEP}:output", {}),
                                 (self.dead_letters, f"{STEP}:error", {})):
            channel.queue_declare(queue, durable=True, arguments={**({"x-queue-type": kind} if kind else {}), **more})
            channel.queue_purge(queue)
            channel.queue_bind(queue, self.exchange, key)

    def put(self, first, last, properties):
        for number in range(first, last):
            self.channel.basic_publish(self.exchange, f"{STEP}:input", json.dumps({"body": {"n": number}}).encode(),
                                       properties(delivery_mode=2, headers={"messageId": f"m-{number}", "threadId": f"m-{number}"}))

    def count(self, queue):
        return self.channel.queue_declare(queue, durable=True, passive=True).method.message_count

    def take(self, count):
        """So many messages off the sink, or all that come until nothing has come for a second: headers and bodies."""
        taken = []
        for method, properties, body in self.channel.consume(self.sink, auto_ack=True, inactivity_timeout=1):
            if method is None:
                break
            taken.append((properties.headers, json.loads(body)["body"]))
            if len(taken) == count:
                break
        self.channel.cancel()
        return taken
