#!/usr/bin/python3
"""The same two-step flow on the unmodified npm library elasticio-sailor-nodejs (a trigger emits N messages, an action echoes
them) on Millrace and on Debian's RabbitMQ 3.10 with a bare topology, one after the other on one machine: messages a second out
of the second step. On both, messages are persistent and confirmed, the library's rate limits are lifted, and the step's prefetch is
1 or 50. On RabbitMQ a confirm waits for the disk; on Millrace a message's outputs become durable with its acknowledgement.
Millrace loads a file before the library, so that an emission does not wait for a timer where no rate limits it
(src/hosting/sailor/preload.hpp); RabbitMQ is measured without that, as people have it, and with the same file.
Prints a table and last a line of JSON. Root, loopback, a folder in /tmp."""

import argparse
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import pika

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "broker"))

from run import connect, free_port, rabbitmq  # noqa: E402

COMPONENT = os.path.join(HERE, "component")
PASSWORD, IV = "bench", "0123456789abcdef"
PREFETCH = (1, 50)
PATIENCE = 300  # seconds for a run

FLOW = """\
name: bench
steps:
  - id: emit
    trigger: bench.emit
    config: {{ every: 24h, count: "{messages}" }}
  - id: echo
    action: bench.echo
    after: emit
    concurrency: {prefetch}
"""


def log_load():
    return "{:.2f}".format(os.getloadavg()[0])


class StepApi(http.server.BaseHTTPRequestHandler):
    """What the library asks of a platform at its start."""
    protocol_version = "HTTP/1.1"
    config = {}

    def do_GET(self):
        step = self.path.rsplit("/", 1)[1]
        body = json.dumps({"id": step, "comp_id": "bench", "function": step, "config": self.config, "snapshot": {},
                           "is_passthrough": False, "variables": {}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def step_environment(step, api_port, amqp_port, prefetch):
    names = {
        "FLOW_ID": "bench", "EXEC_ID": "e", "STEP_ID": step, "CONTAINER_ID": "c", "WORKSPACE_ID": "w", "USER_ID": "u",
        "COMP_ID": "bench", "FUNCTION": step, "API_URI": f"http://127.0.0.1:{api_port}", "API_USERNAME": "a", "API_KEY": "k",
        "AMQP_URI": f"amqp://guest:guest@127.0.0.1:{amqp_port}", "LISTEN_MESSAGES_ON": f"{step}:messages",
        "PUBLISH_MESSAGES_TO": "bench", "DATA_ROUTING_KEY": f"{step}:data", "ERROR_ROUTING_KEY": "error",
        "REBOUND_ROUTING_KEY": "rebound", "SNAPSHOT_ROUTING_KEY": "snapshot", "MESSAGE_CRYPTO_PASSWORD": PASSWORD,
        "MESSAGE_CRYPTO_IV": IV, "RABBITMQ_PREFETCH_SAILOR": str(prefetch), "AMQP_PERSISTENT_MESSAGES": "true",
        "DATA_RATE_LIMIT": "1000000", "ERROR_RATE_LIMIT": "1000000", "SNAPSHOT_RATE_LIMIT": "1000000", "RATE_INTERVAL": "100"}
    return {**os.environ, **{f"ELASTICIO_{name}": value for name, value in names.items()}, "LOG_LEVEL": "error"}


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited {PATIENCE} s for {what}")
        time.sleep(0.02)


def through_rabbitmq(folder, messages, prefetch, preload=None):
    """Messages a second that come out of the action, from the first to the last. `preload`: a file that Node.js loads first."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StepApi)
    StepApi.config = {"count": str(messages)}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = free_port()
    steps = []
    with rabbitmq(folder, port):
        channel = connect(port).channel()
        channel.exchange_declare("bench", "direct", durable=True)
        for queue, key in (("emit:messages", "emit:input"), ("echo:messages", "emit:data"), ("sink", "echo:data"),
                           ("errors", "error")):
            channel.queue_declare(queue, durable=True)
            channel.queue_bind(queue, "bench", key)
        try:
            for step in ("emit", "echo"):
                words = ["node", *(["--require", preload] if preload else []), "./node_modules/elasticio-sailor-nodejs/run.js"]
                steps.append(subprocess.Popen(words, cwd=COMPONENT,
                                              env=step_environment(step, server.server_port, port, prefetch),
                                              stdout=subprocess.DEVNULL))
            depth = lambda queue: channel.queue_declare(queue, passive=True).method  # noqa: E731
            wait_for(lambda: depth("emit:messages").consumer_count and depth("echo:messages").consumer_count, "the components")
            tick = subprocess.run(["node", os.path.join(HERE, "tick.js"), COMPONENT, PASSWORD, IV], capture_output=True,
                                  check=True).stdout
            channel.basic_publish("bench", "emit:input", tick, pika.BasicProperties(headers={"messageId": "tick"}))
            wait_for(lambda: depth("sink").message_count > 0, "the first message")
            begin, first = time.monotonic(), depth("sink").message_count
            wait_for(lambda: depth("sink").message_count >= messages, "the last message")
            took = time.monotonic() - begin
            if depth("errors").message_count:
                sys.exit("the component reported errors")
        finally:
            for step in steps:
                step.kill()
                step.wait()
            server.shutdown()
    return (messages - first) / took


def through_millrace(program, folder, messages, prefetch):
    os.mkdir(folder)
    data, flow = os.path.join(folder, "data"), os.path.join(folder, "flow.yaml")
    with open(flow, "w", encoding="utf-8") as file:
        file.write(FLOW.format(messages=messages, prefetch=prefetch))
    subprocess.run([program, "component", "add", COMPONENT, "--name", "bench", "--data", data], check=True, stdout=subprocess.DEVNULL)
    platform = subprocess.Popen([program, "run", flow, "--data", data, "--http", "127.0.0.1:0"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def status():
        done = subprocess.run([program, "status", "--json", "--data", data], capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {"done": 0, "dead": 0}
    try:
        wait_for(lambda: status()["done"] > 0, "the first message")
        begin, first = time.monotonic(), status()["done"]
        wait_for(lambda: status()["done"] >= messages, "the last message")
        took = time.monotonic() - begin
        if status()["dead"]:
            sys.exit("there are dead letters")
    finally:
        platform.terminate()
        platform.wait()
    return (messages - first) / took


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--millrace", required=True)
    parser.add_argument("--messages", type=int, default=5_000)
    options = parser.parse_args()
    program = os.path.abspath(options.millrace)
    folder = tempfile.mkdtemp(prefix="millrace-bench-")
    results = {}
    try:
        for prefetch in PREFETCH:
            results[prefetch] = {
                "rabbitmq": through_rabbitmq(f"{folder}/r{prefetch}", options.messages, prefetch),
                "millrace": through_millrace(program, f"{folder}/m{prefetch}", options.messages, prefetch),
                "rabbitmq_with_preload": through_rabbitmq(f"{folder}/p{prefetch}", options.messages, prefetch,
                                                          f"{folder}/m{prefetch}/data/components/bench/.millrace-preload.js")}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{options.messages:,} messages of 300 B through two Node.js steps; load average {log_load()}\n")
    print(f"{'':14}{'RabbitMQ 3.10':>18}{'Millrace':>14}{'ratio':>9}{'RabbitMQ, same preload':>26}{'ratio':>9}")
    for prefetch, row in results.items():
        plain, loaded = row["rabbitmq"], row["rabbitmq_with_preload"]
        print(f"prefetch {prefetch:<5}{plain:>14,.0f}/s {row['millrace']:>11,.0f}/s {row['millrace'] / plain:>8.1f}"
              f"{loaded:>24,.0f}/s {row['millrace'] / loaded:>8.1f}")
    print(json.dumps({f"prefetch_{prefetch}": row for prefetch, row in results.items()}))


if __name__ == "__main__":
    main()
