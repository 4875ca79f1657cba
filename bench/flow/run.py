"""`./dev bench flow`: webhook → transform → http.request → 204 sink on Millrace and on Node-RED, in one run.

The same load client and sink (flow_load), body, window and machine for both. Millrace stores every message on disk, synced, at
each step; Node-RED keeps messages in memory only and answers 202 before it begins. Prints a table and last a line of JSON.
"""
import argparse
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))

FLOW = """\
name: bench
steps:
  - id: form
    trigger: webhook.receive
    config: { path: form }
  - id: shape
    action: jsonata.transform
    after: form
    config:
      expression: |
        { "number": body.number, "title": "Interest: " & body.company, "contact": $lowercase(body.email), "products": body.products[stock > 0].name }
  - id: publish
    action: http.request
    after: shape
    config: { method: POST, url: "${SINK_URL}/posts" }
"""

FUNCTION = """\
const body = msg.payload;
msg.payload = {
  number: body.number, title: 'Interest: ' + body.company, contact: body.email.toLowerCase(),
  products: body.products.filter((product) => product.stock > 0).map((product) => product.name),
};
msg.headers = { 'content-type': 'application/json' };
delete msg.req; delete msg.res;
return msg;
"""


def node_red_flow(sink):
    return [
        {"id": "t", "type": "tab", "label": "bench"},
        {"id": "in", "type": "http in", "z": "t", "url": "/form", "method": "post", "wires": [["reply", "shape"]]},
        {"id": "reply", "type": "http response", "z": "t", "statusCode": "202", "wires": []},
        {"id": "shape", "type": "function", "z": "t", "func": FUNCTION, "outputs": 1, "wires": [["publish"]]},
        {"id": "publish", "type": "http request", "z": "t", "method": "POST", "ret": "txt", "url": sink + "/posts", "persist": True,
         "wires": [[]]},
    ]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def memory(pid):
    """{rss_mb, pss_mb} of one process."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        sizes = dict(line.split()[:2] for line in file.readlines()[1:])
    return {"rss_mb": round(int(sizes["Rss:"]) / 1024, 1), "pss_mb": round(int(sizes["Pss:"]) / 1024, 1)}


def name_of(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        words = file.read().split(b"\0")
    with open(f"/proc/{pid}/environ", "rb") as file:
        variables = dict(pair.split(b"=", 1) for pair in file.read().split(b"\0") if b"=" in pair)
    step = variables.get(b"ELASTICIO_STEP_ID", b"").decode()
    return f"worker {step}" if b"worker" in words[1:2] else "platform"


def processor_seconds(pid):
    """Of the platform and its workers."""
    ticks = 0
    for one in [pid, *children(pid)]:
        with open(f"/proc/{one}/stat", encoding="ascii") as file:
            ticks += sum(int(field) for field in file.read().rsplit(")", 1)[1].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def memories(pid):
    return {name_of(one): memory(one) for one in [pid, *children(pid)]}


def first_accepted(url, began, process):
    """Seconds from the start to the first 2xx."""
    while process.poll() is None and time.monotonic() - began < 60:
        try:
            request = urllib.request.Request(url, b'{"number":999999999,"company":"x","email":"x","products":[]}',
                                             {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=5):
                return time.monotonic() - began
        except OSError:
            time.sleep(0.002)
    raise SystemExit("the program under test did not start")


class Peer:
    """One program under test: started, measured idle, loaded, stopped."""

    def __init__(self, command, environment, port):
        self.port = port
        self.runs = []
        began = time.monotonic()
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, start_new_session=True)
        self.start_ms = round(first_accepted(f"http://127.0.0.1:{port}/form", began, self.process) * 1000)

    def run(self, load, options, seconds):
        load.stdin.write(f"run {self.port} /form {seconds} {options.connections} {options.window}\n")
        load.stdin.flush()
        before = processor_seconds(self.process.pid)
        run = json.loads(load.stdout.readline())
        run["processor_us"] = round((processor_seconds(self.process.pid) - before) / max(1, run["executions"]) * 1e6, 1)
        self.runs.append(run)

    def rest(self):
        time.sleep(2)
        self.idle = memories(self.process.pid)

    def result(self):
        """The first run warmed up."""
        rounds = self.runs[1:]
        best = sorted(rounds, key=lambda run: run["executions_per_second"])[len(rounds) // 2]
        return {**best, "start_ms": self.start_ms, "idle": self.idle, "loaded": memories(self.process.pid),
                "spread": [run["executions_per_second"] for run in rounds]}

    def measure(self, load, options):
        self.rest()
        for seconds in [2] + [options.seconds] * options.rounds:
            self.run(load, options, seconds)
        return self.result()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def table(results):
    rows = [("", *results)]
    rows.append(("executions/s (median of rounds)", *(f"{r['executions_per_second']:.0f}" for r in results.values())))
    rows.append(("processor time an execution, µs", *(f"{r['processor_us']:.0f}" for r in results.values())))
    rows.append(("p50 / p99, 202 to sink, ms", *(f"{r['accept_to_sink_ms']['p50']} / {r['accept_to_sink_ms']['p99']}"
                                                 for r in results.values())))
    rows.append(("missing / rejected", *(f"{r['missing']} / {r['rejected']}" for r in results.values())))
    rows.append(("start to first 202, ms", *(str(r["start_ms"]) for r in results.values())))
    for when in ("idle", "loaded"):
        for process in sorted({name for r in results.values() for name in r[when]}):
            cells = [f"{r[when][process]['rss_mb']} / {r[when][process]['pss_mb']}" if process in r[when] else "-"
                     for r in results.values()]
            rows.append((f"{process} {when}, RSS / PSS MB", *cells))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def in_turn(commands, sink, load, options, at_the_end=None):
    """Millrace twice, each round of the one followed by one of the other. `commands`: name → port → command."""
    peers = {}
    try:
        for name, command in commands.items():
            port = free_port()
            peers[name] = Peer(command(port), {"SINK_URL": sink}, port)
        for peer in peers.values():
            peer.rest()
        for seconds in [2] + [options.seconds] * options.rounds:
            for peer in peers.values():
                peer.run(load, options, seconds)
        results = {name: peer.result() for name, peer in peers.items()}
        if at_the_end:
            at_the_end(results)
        return results
    finally:
        for peer in peers.values():
            peer.stop()


def history_results(command, sink, folder, load, options):
    def data(policy):
        return os.path.join(folder, policy)

    def look(results):
        time.sleep(1)
        status = subprocess.run([options.millrace, "status", "--json", "--data", data("full")],
                                capture_output=True, text=True, check=True).stdout
        history = json.loads(status)["history"]
        records_an_execution = 3
        executions = history["recorded"] / records_an_execution
        results["history full"]["history"] = {**history, "bytes_per_execution": round(history["bytes"] / executions)}

    commands = {f"history {policy}": lambda port, policy=policy: command(port, data(policy)) + ["--history", policy]
                for policy in ("none", "full")}
    return in_turn(commands, sink, load, options, look)


def ordered_results(command, sink, folder, load, options):
    """Both steps with as many keys as asked for, and as they are."""
    ordered = os.path.join(folder, "ordered.yaml")
    with open(ordered, "w", encoding="utf-8") as file:
        file.write(re.sub(r"(    after: .*\n)", rf"\1    ordered_by: body.number % {options.keys}\n", FLOW))
    return in_turn({"no order": lambda port: command(port, os.path.join(folder, "plain")),
                    "ordered": lambda port: command(port, os.path.join(folder, "ordered"), ordered)}, sink, load, options)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--millrace", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--window", type=int, default=256)
    parser.add_argument("--only", choices=["millrace", "node-red"])
    parser.add_argument("--history", choices=["full", "none"],
                        help="instead of Node-RED: Millrace without history and with all of it, in turn")
    parser.add_argument("--keys", type=int,
                        help="instead of Node-RED: Millrace without ordered_by and with so many keys at both steps, in turn")
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory(prefix="millrace-bench-", dir=os.getcwd()) as folder:
        port_file = os.path.join(folder, "port")
        load = subprocess.Popen([options.load, port_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while not os.path.exists(port_file) or not os.path.getsize(port_file):
            time.sleep(0.01)
        with open(port_file, encoding="ascii") as file:
            sink = f"http://127.0.0.1:{file.read().strip()}"
        flow = os.path.join(folder, "flow.yaml")
        with open(flow, "w", encoding="utf-8") as file:
            file.write(FLOW)
        red_flow = os.path.join(folder, "flows.json")
        with open(red_flow, "w", encoding="utf-8") as file:
            json.dump(node_red_flow(sink), file)
        red = os.path.join(HERE, "node-red")
        port = free_port()
        def command(at, data, flow=flow):
            return [options.millrace, "run", flow, "--data", data, "--http", f"127.0.0.1:{at}", "--log-level", "warning"]

        peers = {
            "millrace": (command(port, os.path.join(folder, "data")), {"SINK_URL": sink}),
            "node-red": (["node", os.path.join(red, "node_modules/node-red/red.js"), "--settings", os.path.join(red, "settings.js"),
                          "--userDir", os.path.join(folder, "red")], {"NODE_RED_PORT": str(port), "NODE_RED_FLOW": red_flow}),
        }
        try:
            if options.history:
                results = history_results(command, sink, folder, load, options)
                peers = {}
            elif options.keys:
                results = ordered_results(command, sink, folder, load, options)
                peers = {}
            for name, (words, environment) in peers.items():
                if options.only not in (None, name):
                    continue
                peer = Peer(words, environment, port)
                try:
                    results[name] = peer.measure(load, options)
                finally:
                    peer.stop()
        finally:
            load.stdin.close()
            load.wait(10)
    print(f"webhook → transform → http.request → 204 sink; body 300 B JSON; {options.connections} connections, at most "
          f"{options.window} executions open; {options.rounds} rounds of {options.seconds:.0f} s\n"
          f"load average {os.getloadavg()[0]:.1f}\n"
          f"Millrace: every message of every step synced to disk (fdatasync, group commit) before it counts.")
    if not options.history and not options.keys:
        print(f"Node-RED {red_version(red)}: nothing is stored.")
    table(results)
    if options.history:
        full, none = (results[f"history {policy}"]["executions_per_second"] for policy in ("full", "none"))
        print(f"history full / none: {full / none:.3f}; on disk: {results['history full']['history']}")
        results["ratio"] = round(full / none, 3)
    elif options.keys:
        ordered, plain = (results[name]["executions_per_second"] for name in ("ordered", "no order"))
        print(f"ordered by {options.keys} keys / no order: {ordered / plain:.3f}")
        results["ratio"] = round(ordered / plain, 3)
    elif len(results) == 2:
        ratio = results["millrace"]["executions_per_second"] / results["node-red"]["executions_per_second"]
        print(f"Millrace / Node-RED: {ratio:.1f}")
        results["ratio"] = round(ratio, 2)
    print(json.dumps(results))


def red_version(folder):
    with open(os.path.join(folder, "node_modules/node-red/package.json"), encoding="utf-8") as file:
        return json.load(file)["version"]


if __name__ == "__main__":
    main()
