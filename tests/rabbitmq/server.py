"""A RabbitMQ for one test: its own folder, free ports of 127.0.0.1, its own epmd. Killed and started again at will, on the same ports with
the same data. Needs Debian's rabbitmq-server.

As a program: server.py COMMAND… runs the command with MILLRACE_AMQP set to its URL."""
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

USER = PASSWORD = "guest"


def program(name):
    found = glob.glob(f"/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/{name}")
    if not found:
        raise SystemExit("this test starts a RabbitMQ: apt-get install rabbitmq-server")
    return found[0]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Rabbitmq:
    def __init__(self, settings=""):
        """`settings`: lines of rabbitmq.conf."""
        self.folder = tempfile.mkdtemp(prefix="millrace-rabbitmq-", dir="/tmp")
        self.port = free_port()
        self.url = f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}/"
        configuration = os.path.join(self.folder, "rabbitmq.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(settings)
        self.environment = {
            **os.environ, "ERL_EPMD_PORT": str(free_port()), "ERL_EPMD_ADDRESS": "127.0.0.1", "HOME": self.folder,
            "RABBITMQ_NODENAME": f"test{self.port}@localhost", "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(free_port()), "RABBITMQ_MNESIA_BASE": self.folder,
            "RABBITMQ_LOG_BASE": self.folder, "RABBITMQ_CONFIG_FILE": configuration, "RABBITMQ_PID_FILE": f"{self.folder}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{self.folder}/plugins"}
        self.process = None
        self.epmd = self._spawn(["epmd"])
        self.start()

    def _spawn(self, command):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment, cwd=self.folder,
                                    start_new_session=True)

    def start(self):
        self.process = self._spawn([program("rabbitmq-server")])
        deadline = time.monotonic() + 120
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
                    raise AssertionError("RabbitMQ did not start:\n" + log.read()[-4000:])
            time.sleep(0.1)

    def answers(self):
        """Whether it greets a client."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                client.sendall(b"AMQP\x00\x00\x09\x01")
                return client.recv(1) == b"\x01"
        except OSError:
            return False

    def control(self, *words):
        """rabbitmqctl; takes some seconds."""
        done = subprocess.run([program("rabbitmqctl"), "-q", "-n", self.environment["RABBITMQ_NODENAME"], *words], env=self.environment,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def kill(self):
        """SIGKILL, the Erlang machine with it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        os.killpg(self.epmd.pid, signal.SIGKILL)
        self.epmd.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    server = Rabbitmq()
    try:
        sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, "MILLRACE_AMQP": server.url}, check=False).returncode)
    finally:
        server.close()
