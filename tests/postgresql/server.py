"""A PostgreSQL for one test: a cluster in a folder of its own, on a free port of 127.0.0.1, with an own user where the test is root (the
server refuses that). Killed and started again at will, on the same port. Needs Debian's postgresql.

As a program: server.py COMMAND… runs the command with MILLRACE_TEST_POSTGRESQL set to the URL of a database."""
import ctypes
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))

from processes import children, kill, parent_of  # noqa: E402

PASSWORD = "ripe p@ss"


def programs():
    """The folder of the newest version that is installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(path.split("/")[4]))
    if not found:
        raise SystemExit("this test starts a PostgreSQL: apt-get install postgresql")
    return os.path.dirname(found[-1])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgresql:
    def __init__(self):
        self.programs = programs()
        self.user = "postgres" if os.geteuid() == 0 else None
        self.folder = tempfile.mkdtemp(prefix="millrace-postgresql-", dir="/tmp")
        self.port = free_port()
        self.process = None
        if self.user:
            os.chown(self.folder, pwd.getpwnam(self.user).pw_uid, -1)
        secret = os.path.join(self.folder, "secret")
        with open(secret, "w", encoding="utf-8") as file:
            file.write(PASSWORD)
        os.chmod(secret, 0o644)
        self._run("initdb", "-D", self.path("data"), "--auth=scram-sha-256", "--username=mill", f"--pwfile={secret}", "--no-sync",
                  "--locale=C.UTF-8")
        self.start()

    def path(self, name):
        return os.path.join(self.folder, name)

    def _run(self, program, *arguments, check=True):
        done = subprocess.run([os.path.join(self.programs, program), *arguments], capture_output=True, text=True, timeout=120,
                              check=False, user=self.user, cwd=self.folder, env={**os.environ, "PGPASSWORD": PASSWORD, "LC_ALL": "C"})
        assert not check or done.returncode == 0, (program, arguments, done.stderr)
        return done.stdout.strip()

    def start(self):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.programs, "postgres"), "-D", self.path("data"), "-p", str(self.port), "-h", "127.0.0.1",
                 "-k", self.folder], stdout=log, stderr=log, user=self.user, cwd=self.folder, start_new_session=True,
                preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGQUIT))  # ends with us
        deadline = time.monotonic() + 60
        while subprocess.run([os.path.join(self.programs, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                             check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(self.path("log"), encoding="utf-8") as log:
                    raise AssertionError("PostgreSQL did not start:\n" + log.read())
            time.sleep(0.05)

    def sql(self, text, database="postgres"):
        return self._run("psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", "mill",
                         "-d", database, "-c", text)

    def database(self, name):
        """The URL of a new one."""
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def url(self, name):
        return f"postgresql://mill:{PASSWORD.replace('@', '%40').replace(' ', '%20')}@127.0.0.1:{self.port}/{name}"

    def kill(self):
        """All its processes at once, as when the machine dies; each of them has a process group of its own."""
        self.process.send_signal(signal.SIGSTOP)  # it makes no more
        family = children(self.process.pid)
        for pid in (*family, self.process.pid):
            kill(pid)
        self.process.wait()
        deadline = time.monotonic() + 20
        while any(parent_of(pid) is not None for pid in family):
            assert time.monotonic() < deadline, "processes of PostgreSQL outlive a SIGKILL"
            time.sleep(0.01)

    def stop(self):
        """Closes its connections first (fast shutdown)."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


if __name__ == "__main__":
    with Postgresql() as server:
        code = subprocess.run(sys.argv[1:], check=False,
                              env={**os.environ, "MILLRACE_TEST_POSTGRESQL": server.url("postgres")}).returncode
    sys.exit(code)
