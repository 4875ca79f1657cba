"""A Docker Engine for one test: its own dockerd, in network, mount and process namespaces of its own, so that it meets no other
engine of the machine and nothing of it is left when the test has ended, however it ended. Needs root and Debian's docker.io."""
import ctypes
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

CONTAINED = "MILLRACE_TEST_CONTAINED"


def contain():
    """Runs this program again in namespaces of its own; returns in there. With its first process everything in it ends."""
    if os.environ.get(CONTAINED):
        bring_loopback_up()
        return
    if os.geteuid() != 0 or not shutil.which("dockerd"):
        sys.exit("the tests of containers start a Docker Engine: run them as root, with Debian's docker.io "
                 "(apt-get install docker.io)")
    os.environ[CONTAINED] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                          "docker-init", "--",  # a dead containerd that nobody reaps looks alive to dockerd
                          sys.executable, "-B", *sys.argv])


def bring_loopback_up():
    """SIOCSIFFLAGS (netdevice(7)): IFF_UP on lo."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x1))


class Engine:
    """`docker(...)` is the command line on it. Starts in a second or two. With `tls` it also listens at `tls_address`, for who
    proves himself with `certificates` (ca.pem, cert.pem, key.pem)."""

    def __init__(self, tls=False):
        # Overlays do not stand on overlays, but a machine's /var/tmp is rarely one.
        self.folder = tempfile.mkdtemp(prefix="millrace-docker-", dir="/var/tmp")
        self.socket = os.path.join(self.folder, "engine.sock")
        self.address = "unix://" + self.socket
        self.log = os.path.join(self.folder, "dockerd.log")
        self.process = None
        self.tls_options = self.make_tls() if tls else ()
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["dockerd", "-H", self.address, "--data-root", self._path("data"), "--exec-root", self._path("exec"),
                 "--pidfile", self._path("pid"), "--bridge", "none",
                 "--exec-opt", "native.cgroupdriver=cgroupfs",  # systemd would look for our processes outside
                 *self.tls_options], stdout=log, stderr=log,
                preexec_fn=lambda: ctypes.CDLL(None).prctl(1, 9))  # dies with us
        deadline = time.monotonic() + 60
        while subprocess.run(self.command("version"), capture_output=True, check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("dockerd did not start:\n" + self.log_end())
            time.sleep(0.1)

    def make_tls(self):
        self.certificates = self._path("certificates")
        os.mkdir(self.certificates)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.tls_address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"

        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.certificates, capture_output=True, check=True)
        ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        openssl("req", "-x509", *ec, "-subj", "/CN=test authority", "-keyout", "ca-key.pem", "-out", "ca.pem")
        for name, usage in (("server", "serverAuth"), ("", "clientAuth")):
            key, cert = (f"{name}-key.pem", f"{name}-cert.pem") if name else ("key.pem", "cert.pem")
            with open(os.path.join(self.certificates, "extensions"), "w", encoding="utf-8") as file:
                file.write(f"extendedKeyUsage = {usage}\nsubjectAltName = IP:127.0.0.1\n")
            openssl("req", "-new", *ec, "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", "request.pem")
            openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial",
                    "-days", "2", "-extfile", "extensions", "-out", cert)
        return ("-H", self.tls_address, "--tlsverify", "--tlscacert", os.path.join(self.certificates, "ca.pem"),
                "--tlscert", os.path.join(self.certificates, "server-cert.pem"),
                "--tlskey", os.path.join(self.certificates, "server-key.pem"))

    def build_millrace(self, millrace):
        """The program's image by packaging/docker/build.sh: its tag and size in MB."""
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packaging/docker/build.sh")
        made = subprocess.run([script, millrace], capture_output=True, text=True, check=False,
                              env={**os.environ, "DOCKER_HOST": self.address})
        assert made.returncode == 0, made.stderr
        tag, size, _ = made.stdout.split()
        return tag, int(size)

    def kill(self):
        self.process.kill()
        self.process.wait()
        if os.path.exists(self._path("pid")):
            os.unlink(self._path("pid"))

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
        with open("/proc/self/mounts", encoding="utf-8") as table:
            mounts = [line.split()[1] for line in table]
        for mount in reversed(mounts):  # dockerd leaves its data folder mounted upon itself
            if mount.startswith(self.folder + "/"):
                subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(self.folder)

    def _path(self, name):
        return os.path.join(self.folder, name)

    def command(self, *arguments):
        return ["/usr/bin/docker", "-H", self.address, *arguments]

    def docker(self, *arguments, check=True):
        """What it says on standard output."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120, check=False)
        assert not check or done.returncode == 0, (arguments, done.stderr)
        return done.stdout.strip()

    def output(self, *arguments):
        """What it says on standard output and error, however it ends."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120, check=False)
        return done.stdout + done.stderr

    def inspect(self, *names):
        return json.loads(self.docker("inspect", *names)) if names else []

    def containers(self, *filters):
        """Names of the running ones: containers("label=millrace.step=shape")."""
        options = [word for one in filters for word in ("--filter", one)]
        return sorted(self.docker("ps", "--format", "{{.Names}}", *options).split())

    def derive(self, tag, base, *entry_point):
        """An image like another one that begins with something else."""
        with tempfile.TemporaryDirectory(prefix="millrace-image-") as folder:
            with open(os.path.join(folder, "Dockerfile"), "w", encoding="utf-8") as file:
                file.write(f"FROM {base}\nENTRYPOINT {json.dumps(entry_point)}\nCMD []\n")
            self.docker("build", "--quiet", "--tag", tag, folder)

    def log_end(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-15:])
