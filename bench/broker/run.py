#!/usr/bin/python3
"""Millrace's broker and Debian's RabbitMQ 3.10 on one machine, row by row in turn, with one client (load.c): throughput with
confirms and manual acks, latency of confirms, memory. Prints a table and last a line of JSON. Root, loopback, a folder in /tmp."""

import argparse
import contextlib
import glob
import json
import os
import shutil
import signal
import socket
import statistics
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


def group(process):
    """The pids of a process and its children."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.getpgid(int(name)) == process.pid:
                yield name


def memory_mb(process):
    """Resident memory of a process and its children."""
    total = 0
    for pid in group(process):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="utf-8") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
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
    found = {}
    port = free_port()
    with millrace(options.millrace, folder, port) as process:
        channel = connect(port).channel()
        channel.queue_declare("bench", durable=True)
        found["fill, messages/s"] = load(options, port, "throughput", 1, 0, options.backlog, 300)
        found["filled: memory RSS PSS, MB"] = memory_of(process)
    port = free_port()
    begin = time.monotonic()
    with millrace(options.millrace, folder, port) as process:
        connection = connect(port)
        count = connection.channel().queue_declare("bench", passive=True).method.message_count
        found["restart until a client sees the queue, s"] = [time.monotonic() - begin]
        if count != options.backlog:
            sys.exit(f"{options.backlog} messages were confirmed, {count} are there after the restart")
        connection.close()
        found["restarted: memory RSS PSS, MB"] = memory_of(process)
        found["drain from disk, messages/s"] = load(options, port, "throughput", 0, 1, options.backlog, 300)
        found["drained: memory RSS PSS, MB"] = memory_of(process)
    return {f"backlog of {options.backlog:,} x 300 B: {name}": [values] for name, values in found.items()}


def rows(options):
    """Each row's name, and what measures it on the broker at a port."""
    for queue, ways, size in THROUGHPUT:
        yield (f"{queue} {ways} -> {ways}, {size} B: messages/s", queue,
               lambda port, ways=ways, size=size: load(options, port, "throughput", ways, ways, options.messages, size))
    for queue in ("classic", "quorum"):
        for rate, name in ((1000, "1,000/s"), (0, "one at a time")):
            yield (f"{queue}, {name}: confirm p50 p99, ms", queue,
                   lambda port, rate=rate: load(options, port, "latency", rate, options.messages // 80, 300))


def cpu_seconds(process):
    """CPU time of a process and its children."""
    ticks = 0
    for pid in group(process):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until_quiet(processes):
    """Until neither the brokers nor the system have work left over from the row before; 10 s at most."""
    os.sync()
    for _ in range(20):
        before = sum(map(cpu_seconds, processes))
        time.sleep(0.5)
        if sum(map(cpu_seconds, processes)) - before < 0.03:
            return


def measure(options, folder):
    """The values of each row in each round, by broker: a row is measured on one broker and at once on the other, since what
    the machine can do changes by the minute; every second time in the other order."""
    names = [name for name in ("millrace", "rabbitmq") if options.only in (None, name)]
    found = {name: {} for name in names}
    with contextlib.ExitStack() as stack:
        ports, processes = {}, {}
        for name in names:
            ports[name] = free_port()
            start = (millrace(options.millrace, f"{folder}/m", ports[name]) if name == "millrace" else
                     rabbitmq(f"{folder}/r", ports[name]))
            processes[name] = stack.enter_context(start)
            connect(ports[name]).close()
            found[name]["idle memory, MB"] = [[memory_mb(processes[name])]]
        for number in range(options.rounds):
            for index, (row, queue, measure_row) in enumerate(rows(options)):
                for name in names if (number + index) % 2 == 0 else names[::-1]:
                    wait_until_quiet(processes.values())
                    values = with_queue(ports[name], queue, lambda: measure_row(ports[name]))
                    found[name].setdefault(row, []).append(values)
    return found


def medians(rounds):
    return [statistics.median(column) for column in zip(*rounds)]


def print_table(results, rounds):
    names = list(results)
    print(f"sync: Millrace fdatasync for each group of commits; RabbitMQ as it comes (classic: fsync, quorum: fdatasync)\n"
          f"medians of {rounds} rounds (memory and backlog: once); ratio: Millrace / RabbitMQ in each round, of the last value\n")
    print(f"{'':72}" + "".join(f"{name:>20}" for name in names) + f"{'ratio':>8}   of each round")
    for row in results[names[0]]:
        cells = (" ".join(f"{value:,.0f}" if value > 100 else f"{value:.2f}" for value in medians(results[name].get(row, [])))
                 for name in names)
        line = f"{row:72}" + "".join(f"{cell:>20}" for cell in cells)
        if len(names) == 2 and row in results["rabbitmq"]:
            ours, theirs = ([values[-1] for values in results[name][row]] for name in ("millrace", "rabbitmq"))
            ratios = [a / b for a, b in zip(ours, theirs)]
            line += f"{statistics.median(ratios):8.2f}   " + " ".join(f"{ratio:.2f}" for ratio in ratios)
        print(line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--millrace", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--rounds", type=int, default=3, help="in which every row is measured once on each broker")
    parser.add_argument("--messages", type=int, default=250_000, help="of each throughput row in each round")
    parser.add_argument("--backlog", type=int, default=10_000_000, help="messages that wait; 0: leave these rows out")
    parser.add_argument("--only-backlog", action="store_true", help="leave the other rows and RabbitMQ out")
    parser.add_argument("--only", choices=("millrace", "rabbitmq"))
    options = parser.parse_args()
    if options.only_backlog and options.backlog == 0:
        parser.error("--only-backlog with --backlog 0 leaves nothing to measure")
    options.millrace, options.load = os.path.abspath(options.millrace), os.path.abspath(options.load)
    folder = tempfile.mkdtemp(prefix="millrace-bench-")
    try:
        results = {} if options.only_backlog else measure(options, folder)
        if options.backlog > 0 and options.only != "rabbitmq":
            results.setdefault("millrace", {}).update(backlog(options, f"{folder}/backlog"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print_table(results, options.rounds)
    print(json.dumps({name: {row: medians(rounds) for row, rounds in found.items()} for name, found in results.items()}
                     | {"rounds": results}))


if __name__ == "__main__":
    main()
