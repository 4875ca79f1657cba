"""`./dev bench idle`: many deployed idle flows on one platform: memory, start-up, and the first webhook of a cold flow.

Each flow is webhook → transform → http.request and idle: no worker runs. Prints a table and last a line of JSON."""
import argparse
import http.client
import http.server
import json
import os
import subprocess
import tempfile
import threading
import time

FLOW = """\
name: {name}
steps:
  - id: form
    trigger: webhook.receive
    config: {{ path: {name} }}
  - id: shape
    action: jsonata.transform
    after: form
    config:
      expression: |
        {{ "number": body.number, "contact": $lowercase(body.email), "products": body.products[stock > 0].name }}
  - id: publish
    action: http.request
    after: shape
    config: {{ method: POST, url: "${{SINK_URL}}/posts" }}
"""


SCHEDULED = """\
name: {name}
steps:
  - id: clock
    trigger: timer.tick
    config: {{ {schedule} }}
  - {{ id: write, action: message.log, after: clock }}
"""
# None of them is due while it is looked at.
SCHEDULES = ('cron: "0 7 1 1 *", time_zone: Europe/Berlin', 'cron: "30 2 29 2 *"', "every: 300h, jitter: 1h")


class Sink(http.server.BaseHTTPRequestHandler):
    arrivals = []

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        Sink.arrivals.append(time.monotonic())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Platform:
    def __init__(self, millrace, data, sink):
        began = time.monotonic()
        self.process = subprocess.Popen(
            [millrace, "serve", "--data", data, "--http", "127.0.0.1:0", "--api", "127.0.0.1:0", "--worker-idle", "5s"],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "SINK_URL": sink})
        self.api = None
        for line in self.process.stdout:
            if line.startswith("api "):
                self.api = line.split()[1].removeprefix("http://")
            if line.strip() == "ready":
                break
        self.ready_s = time.monotonic() - began
        with open(os.path.join(data, "admin.token"), encoding="utf-8") as file:
            self.token = file.read().strip()
        self.connection = http.client.HTTPConnection(self.api, timeout=60)

    def ask(self, method, path, body=None, content_type="application/json"):
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise SystemExit(f"{method} {path}: {response.status} {text[:500]}")
        return json.loads(text)

    def cpu_ms(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def memory_mb(self):
        with open(f"/proc/{self.process.pid}/smaps_rollup", encoding="ascii") as file:
            sizes = dict(line.split()[:2] for line in file.readlines()[1:])
        return round(int(sizes["Rss:"]) / 1024, 1)

    def http_port(self):
        """The webhooks' port: the listener of the process that is not the API's and knows /healthz."""
        listening = {}
        with open(f"/proc/{self.process.pid}/net/tcp", encoding="ascii") as table:
            for line in table:
                fields = line.split()
                if len(fields) > 9 and fields[3] == "0A":
                    listening[f"socket:[{fields[9]}]"] = int(fields[1].split(":")[1], 16)
        for name in os.listdir(f"/proc/{self.process.pid}/fd"):
            target = os.readlink(f"/proc/{self.process.pid}/fd/{name}")
            port = listening.get(target)
            if port and f"127.0.0.1:{port}" != self.api:
                probe = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                try:
                    probe.request("GET", "/healthz")
                    if probe.getresponse().status == 200:
                        return port
                except (OSError, http.client.HTTPException):
                    pass
                finally:
                    probe.close()
        raise SystemExit("the webhooks' port was not found")

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def cold_call(platform, port, name):
    """(ms to the 202, ms to the sink) of the first call of a flow that has no worker."""
    seen = len(Sink.arrivals)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    began = time.monotonic()
    connection.request("POST", f"/{name}", '{"number":1,"email":"A@B.EXAMPLE","products":[{"name":"gate","stock":2}]}',
                       {"Content-Type": "application/json"})
    status = connection.getresponse().status
    answered = time.monotonic()
    connection.close()
    if status != 202:
        raise SystemExit(f"/{name} answered {status}")
    end = began + 30
    while len(Sink.arrivals) == seen and time.monotonic() < end:
        time.sleep(0.001)
    if len(Sink.arrivals) == seen:
        raise SystemExit(f"nothing came out of {name}")
    return round((answered - began) * 1000, 1), round((Sink.arrivals[seen] - began) * 1000, 1)


def deploy(platform, name, text):
    platform.ask("PUT", f"/v1/flows/{name}/draft", text, "application/yaml")
    platform.ask("POST", f"/v1/flows/{name}/versions")


def measure_schedules(millrace, data, sink, count):
    """What a platform with so many schedules, none of which is due, costs: memory and CPU time over 20 s."""
    platform = Platform(millrace, data, sink)
    empty = platform.memory_mb()
    for n in range(count):
        name = f"timer-{n}"
        deploy(platform, name, SCHEDULED.format(name=name, schedule=SCHEDULES[n % len(SCHEDULES)]))
    platform.stop()
    platform = Platform(millrace, data, sink)
    time.sleep(5)
    before = platform.cpu_ms()
    time.sleep(20)
    cpu = platform.cpu_ms() - before
    scheduled = len(platform.ask("GET", "/v1/schedules")["items"])
    result = {"schedules": scheduled, "empty_rss_mb": empty, "rss_mb": platform.memory_mb(),
              "start_to_ready_s": round(platform.ready_s, 2), "cpu_ms_per_second": round(cpu / 20, 2)}
    platform.stop()
    return result


def show(result):
    for name, value in result.items():
        print(f"{name:<20} {value}")
    print(json.dumps(result))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--millrace", required=True)
    parser.add_argument("--flows", type=int, default=10_000)
    parser.add_argument("--schedules", type=int, metavar="N", help="measure N schedules that are not due instead")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sink = f"http://127.0.0.1:{server.server_address[1]}"
    if options.schedules:
        with tempfile.TemporaryDirectory(prefix="millrace-idle-") as folder:
            show(measure_schedules(options.millrace, os.path.join(folder, "data"), sink, options.schedules))
        return
    with tempfile.TemporaryDirectory(prefix="millrace-idle-") as folder:
        data = os.path.join(folder, "data")
        platform = Platform(options.millrace, data, sink)
        empty = platform.memory_mb()
        began = time.monotonic()
        for n in range(options.flows):
            name = f"flow-{n}"
            deploy(platform, name, FLOW.format(name=name))
        deploy_s = time.monotonic() - began
        deployed = platform.memory_mb()
        platform.stop()
        platform = Platform(options.millrace, data, sink)
        time.sleep(2)
        restarted = platform.memory_mb()
        port = platform.http_port()
        calls = [cold_call(platform, port, f"flow-{n}") for n in range(0, options.flows, max(1, options.flows // 5))]
        workers = len(platform.ask("GET", "/v1/workers")["items"])
        time.sleep(9)
        left = len(platform.ask("GET", "/v1/workers")["items"])
        platform.stop()
    result = {"flows": options.flows, "empty_rss_mb": empty, "deployed_rss_mb": deployed, "restarted_rss_mb": restarted,
              "deploys_per_second": round(options.flows / deploy_s), "start_to_ready_s": round(platform.ready_s, 2),
              "cold_202_ms": [call[0] for call in calls], "cold_to_sink_ms": [call[1] for call in calls],
              "workers_after_calls": workers, "workers_after_idle": left}
    show(result)


if __name__ == "__main__":
    main()
