#!/usr/bin/python3
"""Real AMQP clients against `millrace broker` on loopback. Reads from the environment: MILLRACE, MILLRACE_BROKER (the same broker,
whose users come and go) and LIBRABBITMQ_CLIENT (executables), WORK (a folder for npm's packages). A missing client is a failure with its install line, not a skip."""

import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
MILLRACE = os.environ["MILLRACE"]
BROKER_OF_WORKERS = os.environ["MILLRACE_BROKER"]
C_CLIENT = os.environ["LIBRABBITMQ_CLIENT"]
WORK = pathlib.Path(os.environ["WORK"])
USER, PASSWORD = "guest", "guest"
MESSAGES = 300


class Broker:
    """On both loopbacks, as a user starts it."""

    def __init__(self, data):
        self.data, self.port = data, 0
        self.start()

    def start(self):
        self.begin([MILLRACE, "broker", "--listen", f"localhost:{self.port}", "--data", self.data, "--log-level", "error"])

    def begin(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, "the broker did not start"
        self.port = int(line.rsplit(":", 1)[-1])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=15) == 0, "the broker did not stop in order"

    @property
    def uri(self):
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}"


class BrokerOfWorkers(Broker):
    """Takes orders, as the orchestrator gives them."""

    def start(self):
        self.begin([BROKER_OF_WORKERS, "--listen", "127.0.0.1:0", "--data", self.data, "--user", f"{USER}:{PASSWORD}"])

    def order(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == line.split()[0]


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=40, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def require_clients():
    missing = [f"apt-get install {package}" for program, package in
               (("amqp-publish", "amqp-tools"), ("node", "nodejs"), ("npm", "npm")) if not shutil.which(program)]
    if not importlib.util.find_spec("pika"):
        missing.append("apt-get install python3-pika  (and run this with /usr/bin/python3)")
    if not pathlib.Path(C_CLIENT).exists():
        missing.append("apt-get install librabbitmq-dev, then cmake again")
    if missing:
        sys.exit("a client is missing:\n  " + "\n  ".join(missing))
    WORK.mkdir(parents=True, exist_ok=True)
    for name in (*HERE.glob("*.json"), *HERE.glob("*.js")):
        shutil.copy(name, WORK)
    lock, installed = (HERE / "package-lock.json").read_text(), WORK / "installed.lock"
    if not installed.exists() or installed.read_text() != lock:
        run("npm", "ci", "--no-audit", "--no-fund", cwd=WORK)
        installed.write_text(lock)


def clients(broker):
    """Name and the command to which a task is appended."""
    return {
        "pika": ["/usr/bin/python3", "-B", HERE / "pika_client.py", broker.uri],
        "amqplib": ["node", WORK / "amqplib_client.js", broker.uri],
        "rabbitmq-client": ["node", WORK / "rabbitmq_client.js", broker.uri],
        "librabbitmq": [C_CLIENT, "127.0.0.1", broker.port, USER, PASSWORD],
    }


def amqp_tools(broker):
    url = ["-u", broker.uri + "/%2f"]
    run("amqp-declare-queue", *url, "-d", "-q", "tools")
    run("amqp-publish", *url, "-r", "tools", "-p", "-b", "hello from the shell")
    assert run("amqp-get", *url, "-q", "tools").strip() == "hello from the shell"
    for i in range(3):
        run("amqp-publish", *url, "-r", "tools", "-p", "-b", f"{i}")
    assert run("amqp-consume", *url, "-q", "tools", "-c", "3", "cat") == "012"
    assert "0" in run("amqp-delete-queue", *url, "-q", "tools")
    missing = subprocess.run(["amqp-get", *url, "-q", "tools"], capture_output=True, text=True, timeout=10)
    assert missing.returncode != 0 and "404" in missing.stderr, missing.stderr


def in_parallel(checks):
    """Runs name -> function, prints each with its time, and raises the first failure."""
    failures = []

    def one(name, check):
        begun = time.monotonic()
        try:
            check()
            print(f"ok    {name} ({time.monotonic() - begun:.1f} s)", flush=True)
        except Exception as failure:  # reported with its name, and the run goes on to the others
            failures.append(name)
            print(f"FAIL  {name}\n{failure}", flush=True)

    threads = [threading.Thread(target=one, args=check) for check in checks.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise SystemExit("failed: " + ", ".join(failures))


def survive_kill(broker):
    in_parallel({f"{name}: publish with confirms": lambda c=c, n=name: run(*c, "publish", f"survive-{n}", MESSAGES)
                 for name, c in clients(broker).items()})
    broker.kill()
    broker.start()
    in_parallel({f"{name}: all there after SIGKILL": lambda c=c, n=name: run(*c, "drain", f"survive-{n}", MESSAGES)
                 for name, c in clients(broker).items()})


def fenced(broker):
    """A worker stopped with a commit on its way wakes after its user is retired: the commit has no effect."""
    broker.order("add worker-1 secret")
    uri = broker.uri.replace(f"{USER}:{PASSWORD}", "worker-1:secret")
    worker = subprocess.Popen(["/usr/bin/python3", "-B", HERE / "fenced_worker.py", uri], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert worker.stdout.readline() == "ready\n"
    worker.send_signal(signal.SIGSTOP)
    worker.stdin.write("commit\n")
    worker.stdin.flush()
    broker.order("retire worker-1")
    worker.send_signal(signal.SIGCONT)
    out, err = worker.communicate(timeout=20)
    assert out == "refused\n", out + err
    run("/usr/bin/python3", "-B", HERE / "fenced_worker.py", broker.uri, "check")


def main():
    begun = time.monotonic()
    require_clients()
    data = tempfile.mkdtemp(prefix="millrace-foreign-")
    broker, workers = Broker(data + "/broker"), BrokerOfWorkers(data + "/workers")
    try:
        checks = {f"{name}: everything": lambda c=c: run(*c, "everything") for name, c in clients(broker).items()}
        checks["pika: features"] = lambda: run("/usr/bin/python3", "-B", HERE / "features/features.py", broker.uri)
        checks["pika: asynchronous"] = lambda: run("/usr/bin/python3", "-B", HERE / "pika_async.py", broker.uri)
        checks["amqplib: its own suite"] = lambda: run("node", WORK / "amqplib_own_suite.js", broker.uri)
        checks["rabbitmq-client: behaviour"] = lambda: run("node", WORK / "rabbitmq_behaviour.js", broker.uri)
        checks["amqp-tools"] = lambda: amqp_tools(broker)
        checks["fencing"] = lambda: fenced(workers)
        in_parallel(checks)
        survive_kill(broker)
        broker.stop()
    finally:
        broker.process.kill()
        workers.process.kill()
        shutil.rmtree(data)
    print(f"all in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
