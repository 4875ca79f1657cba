"""The Debian package is built, and installed by dpkg on a copy of this machine: an overlay over its root, in namespaces of its own, of
which nothing is left. The service is started as its unit file says, as systemd would; none runs here."""
import configparser
import filecmp
import os
import pwd
import shlex
import shutil
import socket
import stat
import subprocess
import tempfile
import unittest
import urllib.request

from engine import contain
from running import MILLRACE, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
UNIT = "/lib/systemd/system/millrace.service"
DATA = "/var/lib/millrace"
CONFIG = "/etc/millrace/millrace.yaml"
FLOW = """\
name: greeting
steps:
  - id: in
    trigger: webhook.receive
    config: { path: "${GREETING}" }
  - id: answer
    action: http.reply
    after: in
    input: '"Hello, " & body.name'
"""


class Unit(dict):
    """The [Service] section: a setting's last value, and all of Environment."""

    def __init__(self, path):
        read = configparser.RawConfigParser(strict=False, delimiters="=", comment_prefixes="#", interpolation=None)
        read.optionxform = str
        read.read(path)
        super().__init__(read["Service"])


class Machine:
    """This machine's root folder with an overlay over it, so that what is changed is gone with it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="millrace-debian-")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", self.folder], check=True)
        upper, work, self.root = (os.path.join(self.folder, name) for name in ("upper", "work", "root"))
        for folder in (upper, work, self.root):
            os.mkdir(folder)
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", self.root],
                       check=True)
        subprocess.run(["mount", "-t", "proc", "proc", self.path("/proc")], check=True)
        subprocess.run(["mount", "--rbind", "/dev", self.path("/dev")], check=True)
        os.makedirs(self.path("/tmp"), exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", self.path("/tmp")], check=True)

    def path(self, inside):
        return self.root + inside

    def read(self, inside):
        with open(self.path(inside), encoding="utf-8") as file:
            return file.read()

    def write(self, inside, text):
        with open(self.path(inside), "w", encoding="utf-8") as file:
            file.write(text)

    def run(self, *command, user=None, check=True):
        who = [f"--userspec={user}:{user}"] if user else []
        done = subprocess.run(["chroot", *who, self.root, *command], capture_output=True, text=True, timeout=120, check=False,
                              stdin=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "HOME": "/nonexistent"})
        if check:
            assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done

    def user(self, name):
        entry = next(line for line in self.read("/etc/passwd").splitlines() if line.startswith(name + ":")).split(":")
        return pwd.struct_passwd([*entry[:2], int(entry[2]), int(entry[3]), *entry[4:]])


class Service:
    """What systemd does with the unit file: the state folder, the user, the environment, and waiting for READY=1."""

    def __init__(self, machine):
        self.machine = machine
        self.unit = unit = Unit(machine.path(UNIT))
        owner = machine.user(unit["User"])
        folder = machine.path("/var/lib/" + unit["StateDirectory"])
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        os.chmod(folder, int(unit["StateDirectoryMode"], 8))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind("\0millrace-packaging-test")
            told.settimeout(30)
            self.process = subprocess.Popen(
                ["chroot", f"--userspec={unit['User']}:{unit['Group']}", machine.root, *shlex.split(unit["ExecStart"])],
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NOTIFY_SOCKET": "@millrace-packaging-test"})
            said = told.recv(100)
        assert said == b"READY=1", said

    def stop(self):
        self.process.terminate()
        return self.process.wait(int(self.unit["TimeoutStopSec"]))

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def get(url, body=None):
    with urllib.request.urlopen(urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"}), timeout=30) as answer:
        return answer.status, answer.read().decode()


def build(folder):
    built = subprocess.run([os.path.join(ROOT, "packaging/debian/build.sh"), MILLRACE, folder], capture_output=True, text=True,
                           check=False)
    assert built.returncode == 0, built.stderr
    return built.stdout.strip()


class DebianPackage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.package = build(cls.machine.path("/tmp")).removeprefix(cls.machine.root)

    def start(self):
        service = Service(self.machine)
        self.addCleanup(service.kill)
        return service

    def millrace(self, *arguments):
        return self.machine.run("/usr/bin/millrace", *arguments, "--data", DATA, user="millrace").stdout

    def test_it_is_installed_runs_is_upgraded_and_goes_and_what_people_wrote_stays(self):
        machine = self.machine
        machine.run("dpkg", "--install", self.package)
        self.check_files()

        machine.write("/etc/millrace/flows.env", "GREETING=good/morning\n")
        service = self.start()
        self.assertEqual(get("http://127.0.0.1:8081/readyz")[0], 200)
        machine.write("/tmp/flow.yaml", FLOW)
        self.millrace("deploy", "/tmp/flow.yaml")
        self.assertIn("Hello, Grace", get("http://127.0.0.1:8080/good/morning", b'{"name":"Grace"}')[1])
        self.assertIn("greeting", self.millrace("status"))
        self.assertEqual(stat.S_IMODE(os.stat(machine.path(DATA)).st_mode), 0o700)
        self.assertEqual(service.stop(), 0)

        machine.write(CONFIG, machine.read(CONFIG) + "log_level: warning\n")
        machine.run("dpkg", "--install", self.package)
        self.assertIn("log_level: warning", machine.read(CONFIG))
        self.assertEqual(self.file("/etc/millrace/flows.env"), (0o640, "root", "millrace"))
        service = self.start()
        self.assertIn("Hello, Ada", get("http://127.0.0.1:8080/good/morning", b'{"name":"Ada"}')[1])
        self.assertEqual(service.stop(), 0)

        machine.run("dpkg", "--remove", "millrace")
        self.assertFalse(os.path.exists(machine.path("/usr/bin/millrace")))
        self.assertTrue(os.path.exists(machine.path(CONFIG)))
        said = machine.run("dpkg", "--purge", "millrace").stdout
        self.assertIn(f"{DATA} stays", said)
        self.assertFalse(os.path.exists(machine.path("/etc/millrace")))
        self.assertTrue(os.path.exists(machine.path(DATA + "/store.db")))

    def check_files(self):
        """Every path of the unit file is there, its user too, and the service is enabled for the next start of the machine."""
        unit = Unit(self.machine.path(UNIT))
        named = [word for word in shlex.split(unit["ExecStart"]) if word.startswith("/")]
        self.assertEqual(named, ["/usr/bin/millrace", CONFIG])
        for path in named:
            self.assertTrue(os.path.exists(self.machine.path(path)), path)
        self.assertEqual(unit["User"], "millrace")
        self.assertEqual(self.machine.user("millrace").pw_dir, DATA)
        self.assertEqual("/var/lib/" + unit["StateDirectory"], DATA)
        self.assertIn(f"data: {DATA}\n", self.machine.read(CONFIG))
        self.assertTrue(os.path.lexists(self.machine.path("/etc/systemd/system/multi-user.target.wants/millrace.service")))
        self.assertEqual(self.file("/etc/millrace/flows.env"), (0o640, "root", "millrace"))
        shown = self.machine.run("/usr/bin/millrace", "config", "show", "--config", CONFIG).stdout
        self.assertRegex(shown, r"(?m)^data\s.*/var/lib/millrace\s.*file")

    def file(self, path):
        found = os.stat(self.machine.path(path))
        names = [next(line.split(":")[0] for line in self.machine.read(table).splitlines() if int(line.split(":")[2]) == number)
                 for table, number in (("/etc/passwd", found.st_uid), ("/etc/group", found.st_gid))]
        return (stat.S_IMODE(found.st_mode), *names)

    def test_the_same_program_makes_the_same_package(self):
        again = self.machine.path("/tmp/again")
        os.mkdir(again)
        self.assertTrue(filecmp.cmp(self.machine.path(self.package), build(again), shallow=False))


if __name__ == "__main__":
    if not shutil.which("dpkg-shlibdeps"):
        raise SystemExit("the package is made with Debian's dpkg-dev (apt-get install dpkg-dev)")
    contain()
    unittest.main()
