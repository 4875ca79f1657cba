"""A worker process by the worker contract, on any broker, and a stand-in for the platform's door for workers."""
import base64
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
        self.presences, self.snapshots = [], []
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
                self.answer(200, json.dumps(settings).encode())

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


def transform(expression, attempts=20):
    """Settings of a step that is jsonata.transform."""
    return {"id": STEP, "comp_id": "jsonata", "function": "transform", "config": {"expression": expression}, "snapshot": {},
            "millrace": {"retry": {"initial_ms": 1000, "factor": 2, "max_ms": 60000, "attempts": attempts}, "has_successors": True}}


class Worker:
    """`millrace worker` of step `shape` of flow `orders`; its log is in `lines`."""

    def __init__(self, door, amqp, confirms=True):
        environment = {
            "PATH": os.environ["PATH"], "ELASTICIO_FLOW_ID": FLOW, "ELASTICIO_STEP_ID": STEP, "ELASTICIO_EXEC_ID": "run",
            "ELASTICIO_CONTAINER_ID": USER, "ELASTICIO_COMP_ID": "jsonata", "ELASTICIO_FUNCTION": "transform",
            "ELASTICIO_API_URI": door.url, "ELASTICIO_API_USERNAME": USER, "ELASTICIO_API_KEY": PASSWORD, "ELASTICIO_AMQP_URI": amqp,
            "ELASTICIO_LISTEN_MESSAGES_ON": f"{FLOW}@1.{STEP}", "ELASTICIO_PUBLISH_MESSAGES_TO": f"flow.{FLOW}@1",
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

    def __init__(self, channel, kind="quorum"):
        self.channel = channel
        self.exchange, self.source, self.sink = f"flow.{FLOW}@1", f"{FLOW}@1.{STEP}", f"{FLOW}@1.sink"
        channel.exchange_declare(self.exchange, "direct", durable=True)
        arguments = {"x-queue-type": kind} if kind else {}
        for queue, key in ((self.source, f"{STEP}:input"), (self.sink, f"{STEP}:output"), (f"{FLOW}.dead-letters", f"{STEP}:error")):
            channel.queue_declare(queue, durable=True, arguments=arguments)
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
