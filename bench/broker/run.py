#!/usr/bin/python3
"""Millrace's broker and Debian's RabbitMQ 3.10, one after the other on one machine, with one client (load.c): throughput with
confirms and manual acks, latency of confirms, memory. Prints a table and last a line of JSON. Root, loopback, a folder in /tmp."""

import argparse
import contextlib
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pika

THROUGHPUT = [(queue, ways, size) for queue in ("classic", "quorum") for ways in (1, 4) for size in (300, 4096)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(port, seconds=60):
    """A connection as soon as the broker takes one."""
    end = time.monotonic() + seconds
    while True:
        try:
            return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))
        except pika.exceptions.AMQPError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def memory_mb(process):
    """Resident memory of a process and its children."""
    total = 0
    for status in glob.glob("/proc/[0-9]*/status"):
        with contextlib.suppress(OSError):
            with open(status, encoding="utf-8") as file:
                fields = dict(line.split(":", 1) for line in file if ":" in line)
            if int(fields["Pid"]) == process.pid or os.getpgid(int(fields["Pid"])) == process.pid:
                total += int(fields.get("VmRSS", "0 kB").split()[0])
    return total / 1024


@contextlib.contextmanager
def running(command, environment):
    process = subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def millrace(program, folder, port):
    command = [program, "broker", "--listen", f"127.0.0.1:{port}", "--data", folder, "--log-level", "error"]
    with running(command, {}) as process:
        yield process


@contextlib.contextmanager
def rabbitmq(folder, port):
    found = glob.glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
    if not found:
        sys.exit("RabbitMQ is missing: apt-get install rabbitmq-server")
    os.mkdir(folder)
    names = {"ERL_EPMD_PORT": str(free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1"}
    settings = {**names, "HOME": folder, "RABBITMQ_NODENAME": f"bench{port}@localhost", "RABBITMQ_NODE_PORT": str(port),
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(free_port()),
                "RABBITMQ_MNESIA_BASE": folder, "RABBITMQ_LOG_BASE": folder, "RABBITMQ_CONFIG_FILE": f"{folder}/none",
                "RABBITMQ_PID_FILE": f"{folder}/pid"}
    with running(["epmd"], names), running([found[0]], settings) as process:
        yield process


def load(options, port, *words):
    done = subprocess.run([options.load, str(port), "guest", "guest", "bench", *map(str, words)], capture_output=True,
                          text=True, timeout=1200)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return [float(word) for word in done.stdout.split()]


def with_queue(port, kind, measure):
    connection = connect(port)
    channel = connection.channel()
    channel.queue_declare("bench", durable=True, arguments={"x-queue-type": kind})
    connection.close()
    result = measure()
    connection = connect(port)
    connection.channel().queue_delete("bench")
    connection.close()
    return result


def memory_of(process):
    """RSS and PSS of one process, MB."""
    with open(f"/proc/{process.pid}/smaps_rollup", encoding="utf-8") as file:
        fields = dict(line.split(":", 1) for line in file.read().splitlines()[1:])
    return [int(fields[name].split()[0]) / 1024 for name in ("Rss", "Pss")]


def backlog(options, folder):
    """Messages that wait: memory, restart, and how fast they go out from disk."""
    rows = {}
    port = free_port()
    with millrace(options.millrace, folder, port) as process:
        channel = connect(port).channel()
        channel.queue_declare("bench", durable=True)
        rows["fill, messages/s"] = load(options, port, "throughput", 1, 0, options.backlog, 300)
        rows["filled: memory RSS PSS, MB"] = memory_of(process)
    port = free_port()
    begin = time.monotonic()
    with millrace(options.millrace, folder, port) as process:
        connection = connect(port)
        count = connection.channel().queue_declare("bench", passive=True).method.message_count
        rows["restart until a client sees the queue, s"] = [time.monotonic() - begin]
        if count != options.backlog:
            sys.exit(f"{options.backlog} messages were confirmed, {count} are there after the restart")
        connection.close()
        rows["restarted: memory RSS PSS, MB"] = memory_of(process)
        rows["drain from disk, messages/s"] = load(options, port, "throughput", 0, 1, options.backlog, 300)
        rows["drained: memory RSS PSS, MB"] = memory_of(process)
    return {f"backlog of {options.backlog:,} x 300 B: {name}": row for name, row in rows.items()}


def measure(options, port, process):
    results = {"idle memory, MB": [memory_mb(process)]}
    for queue, ways, size in THROUGHPUT:
        results[f"{queue} {ways} -> {ways}, {size} B: messages/s"] = with_queue(
            port, queue, lambda: load(options, port, "throughput", ways, ways, options.messages, size))
    for queue in ("classic", "quorum"):
        for rate, name in ((1000, "1,000/s"), (0, "one at a time")):
            results[f"{queue}, {name}: confirm p50 p99, ms"] = with_queue(
                port, queue, lambda: load(options, port, "latency", rate, options.messages // 80, 300))
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--millrace", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--messages", type=int, default=400_000, help="of each throughput row")
    parser.add_argument("--backlog", type=int, default=10_000_000, help="messages that wait; 0: leave these rows out")
    parser.add_argument("--only-backlog", action="store_true", help="leave the other rows and RabbitMQ out")
    parser.add_argument("--only", choices=("millrace", "rabbitmq"))
    options = parser.parse_args()
    options.millrace, options.load = os.path.abspath(options.millrace), os.path.abspath(options.load)
    folder = tempfile.mkdtemp(prefix="millrace-bench-")
    results = {}
    try:
        for name in ("millrace", "rabbitmq"):
            if options.only not in (None, name) or options.only_backlog:
                continue
            port = free_port()
            start = millrace(options.millrace, f"{folder}/m", port) if name == "millrace" else rabbitmq(f"{folder}/r", port)
            with start as process:
                connect(port).close()
                results[name] = measure(options, port, process)
        if options.backlog > 0 and options.only != "rabbitmq":
            results.setdefault("millrace", {}).update(backlog(options, f"{folder}/backlog"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("sync: Millrace fdatasync for each group of commits; RabbitMQ as it comes (classic: fsync, quorum: fdatasync)\n")
    print(f"{'':72}" + "".join(f"{name:>20}" for name in results))
    for row in next(iter(results.values())):
        cells = (" ".join(f"{value:,.0f}" if value > 100 else f"{value:.2f}" for value in results[name].get(row, []))
                 for name in results)
        print(f"{row:72}" + "".join(f"{cell:>20}" for cell in cells))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
