"""A disk that is slow, fails or is full under a running platform: what is said 202 to, and what goes on."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from raw_http import Connection, call, request
from running import Platform, Target, until

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from ledger_target import LedgerTarget  # noqa: E402

JSON = {"Content-Type": "application/json"}
FLOW = """
name: open
steps:
  - id: in
    trigger: webhook.receive
    config: { path: open }
  - id: out
    action: http.request
    after: in
    config: { method: POST, url: "${TARGET}/posts" }
    retry: { initial: 100ms, factor: 1 }
    park: false
"""


class Disk(unittest.TestCase):
    """The platform runs with a stand-in for fdatasync that waits while a file is there, and fails while another is, and
    for fstatvfs that tells of 40 MB left while a third is."""
    STAND_IN = """
        #include <errno.h>
        #include <stdlib.h>
        #include <sys/statvfs.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        int fdatasync(int file) {
          while (access(getenv("SYNC_WAITS"), F_OK) == 0) usleep(1000);
          if (access(getenv("SYNC_FAILS"), F_OK) == 0) { errno = EIO; return -1; }
          return (int)syscall(SYS_fdatasync, file);
        }
        int fstatvfs(int file, struct statvfs* info) {
          info->f_frsize = 1000000;
          info->f_bavail = access(getenv("DISK_FULL"), F_OK) == 0 ? 40 : 40000;
          return 0;
        }
    """

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="millrace-sync-")
        self.addCleanup(shutil.rmtree, self.folder)
        source, library = (os.path.join(self.folder, name) for name in ("sync.c", "sync.so"))
        self.path = os.path.join(self.folder, "open.yaml")
        self.waits, self.fails, self.full = (os.path.join(self.folder, name) for name in ("waits", "fails", "full"))
        for path, text in ((source, self.STAND_IN), (self.path, FLOW)):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        self.target = Target()
        self.addCleanup(self.target.__exit__)
        self.environment = {"TARGET": self.target.url, "LD_PRELOAD": library, "SYNC_WAITS": self.waits, "SYNC_FAILS": self.fails,
                            "DISK_FULL": self.full}

    def test_no_202_before_the_message_is_synced(self):
        with Platform(self.path, data=os.path.join(self.folder, "data"), environment=self.environment) as platform:
            address = platform.address
            self.assertEqual(call(address, "POST", "/open", JSON, b'{"n": 0}').status, 202)
            open(self.waits, "w", encoding="utf-8").close()
            keyed = {**JSON, "Idempotency-Key": "k"}
            waiting = [Connection(address, timeout=0.5).send(request("POST", "/open", keyed, b'{"n": 1}')) for _ in range(3)]
            for connection in waiting:  # the repeats wait as the first does
                self.assertRaises(TimeoutError, connection.response)
            os.unlink(self.waits)
            for connection in waiting:
                connection.socket.settimeout(30)
                self.assertEqual(connection.response().status, 202)
                connection.socket.close()
            until(lambda: len(self.target.ledger) == 2, 20, lambda: platform.errors)
            self.assertEqual(platform.stop(), 0)

    def test_a_sync_that_fails_is_503(self):
        with Platform(self.path, data=os.path.join(self.folder, "data"), environment=self.environment) as platform:
            address = platform.address
            self.assertEqual(call(address, "POST", "/open", JSON, b'{"n": 0}').status, 202)
            open(self.fails, "w", encoding="utf-8").close()
            for _ in range(3):
                response = call(address, "POST", "/open", JSON, b'{"n": 1}')
                self.assertEqual((response.status, response.header("content-type")), (503, "application/problem+json"))
            os.unlink(self.fails)
            # What failed once is not trusted again before a restart.
            self.assertEqual(call(address, "POST", "/open", JSON, b'{"n": 2}').status, 503)

    def test_a_disk_that_runs_full_takes_in_nothing_more_but_its_backlog_goes_out(self):
        with LedgerTarget() as target, Platform(self.path, data=os.path.join(self.folder, "data"),
                                                environment={**self.environment, "TARGET": target.url}) as platform:
            address = platform.address
            target.mode = "unavailable"
            for n in range(50):
                self.assertEqual(call(address, "POST", "/open", JSON, b'{"n": %d}' % n).status, 202)
            open(self.full, "w", encoding="utf-8").close()

            def refused():
                response = call(address, "POST", "/open", JSON, b'{"n": -1}')
                return response if response.status == 503 else None
            until(refused, 10, lambda: platform.errors)
            response = refused()
            self.assertIn("the disk is nearly full", response.json()["detail"])
            self.assertIsNotNone(response.header("retry-after"))
            tried = target.requests
            until(lambda: target.requests > tried + 200, 20, lambda: f"no more tries {platform.errors}")
            target.mode = "up"
            until(lambda: {value["n"] for _, value in target.ledger} >= set(range(50)), 20, lambda: platform.errors)
            os.unlink(self.full)
            until(lambda: refused() is None, 10, lambda: platform.errors)
            self.assertEqual(platform.stop(), 0)


if __name__ == "__main__":
    unittest.main()
