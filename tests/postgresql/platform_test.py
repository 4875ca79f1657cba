"""A platform whose store is in PostgreSQL: the server stopped, started again and killed under it, gone at the start; a second platform on
the same database; and what a wrong URL says."""
import os
import subprocess
import tempfile
import threading
import unittest

from client import Serve
from running import MILLRACE, until
from server import PASSWORD, Postgresql

FLOW = """name: orders
steps:
  - id: form
    trigger: webhook.receive
    config: { path: orders }
  - id: write
    action: message.log
    after: form
"""


class PlatformOnPostgresql(unittest.TestCase):
    databases = 0

    @classmethod
    def setUpClass(cls):
        cls.server = Postgresql()
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-postgresql-data-")
        self.addCleanup(folder.cleanup)
        self.data = os.path.join(folder.name, "data")
        PlatformOnPostgresql.databases += 1
        self.url = self.server.database(f"mill{self.databases}")

    def serve(self, data=None):
        served = Serve(data or self.data, {"MILLRACE_STORE": self.url})
        self.addCleanup(served.__exit__)
        return served

    def refused(self, *arguments, **environment):
        """What a start that fails says; it never says the password."""
        done = subprocess.run([MILLRACE, "serve", "--data", self.data, "--http", "127.0.0.1:0", "--api", "127.0.0.1:0", *arguments],
                              capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment})
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn(PASSWORD, done.stderr)
        self.assertNotIn("s3cret", done.stderr)
        return done.stderr

    def test_what_was_published_outlives_a_kill_of_the_platform_and_of_postgresql(self):
        served = self.serve()
        self.assertEqual(served.client().deploy("orders", FLOW).status, 201)
        self.assertFalse(os.path.exists(os.path.join(self.data, "store.db")))
        served.kill()
        self.server.kill()
        self.server.start()
        served.start()
        kept = served.client().get("/v1/flows/orders")
        self.assertEqual((kept.status, kept.json["name"], kept.json["state"]), (200, "orders", "running"), kept.body)

    def test_a_platform_goes_on_without_postgresql_and_finds_it_again(self):
        served = self.serve()
        api = served.client()
        self.assertEqual(api.deploy("orders", FLOW).status, 201)
        for end in (self.server.stop, self.server.kill):
            end()
            try:
                gone = api.get("/v1/flows", check=False)
                self.assertGreaterEqual(gone.status, 500, gone.body)
                self.assertNotIn(PASSWORD.encode(), gone.body)
                webhook = next(line for line in served.lines if line.startswith("http ")).split()[1]
                posted = subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "-d", "{}", "-H",
                                         "Content-Type: application/json", webhook + "/orders"],
                                        capture_output=True, text=True, check=False)
                self.assertEqual(posted.stdout, "202")  # messages do not need the store
            finally:
                self.server.start()
            until(lambda: api.get("/v1/flows", check=False).status == 200, 20, lambda: served.errors)
            self.assertTrue(any("the store is lost" in line for line in served.errors), served.errors)
            self.assertTrue(any("the store is back" in line for line in served.errors), served.errors)
        self.assertEqual(api.deploy("orders", FLOW + "# again\n").status, 201)

    def test_a_platform_that_starts_before_postgresql_waits_for_it(self):
        self.serve().stop()
        self.server.stop()
        started = []
        waiting = threading.Thread(target=lambda: started.append(self.serve()))
        try:
            waiting.start()
            waiting.join(1.5)
            self.assertTrue(waiting.is_alive())
        finally:
            self.server.start()
        waiting.join(30)
        self.assertTrue(any("the store cannot be reached" in line and f":{self.server.port}" in line or "port" in line
                            for line in started[0].errors), started[0].errors)

    def test_a_database_is_one_platforms(self):
        self.serve()
        self.data += "-other"
        self.assertIn("another platform uses this store", self.refused(MILLRACE_STORE=self.url))

    def test_a_data_folder_keeps_to_its_kind_of_store(self):
        self.serve().stop()
        said = self.refused()
        self.assertIn("--store", said)
        self.assertIn(f"127.0.0.1:{self.server.port}", said)
        self.data += "-with-a-file"
        with Serve(self.data) as other:
            other.stop()
        self.assertIn("store.db", self.refused(MILLRACE_STORE=self.url))

    def test_what_is_wrong_is_said_without_the_password(self):
        port = self.server.port
        for url, expected in ((f"postgresql://mill:s3cret@127.0.0.1:{port}/mill", "authentication failed"),
                              (self.server.url("nowhere"), 'database "nowhere" does not exist'),
                              ("postgresql://mill:s3cret@127.0.0.1:many/mill", '"many"'),
                              ("mysql://mill:s3cret@127.0.0.1/mill", "must be postgresql://")):
            self.assertIn(expected, self.refused("--store", url), url)
        shown = subprocess.run([MILLRACE, "config", "show", "--store", f"postgresql://mill:s3cret@127.0.0.1:{port}/mill"],
                               capture_output=True, text=True, check=True).stdout
        self.assertIn(f"postgresql://mill:***@127.0.0.1:{port}/mill", shown)

    def test_tables_of_a_newer_millrace_are_refused_and_stay(self):
        self.serve().stop()
        name = self.url.rsplit("/", 1)[1]
        self.server.sql("UPDATE millrace_store SET version = 99", name)
        self.assertIn("newer Millrace", self.refused(MILLRACE_STORE=self.url))
        self.assertEqual(self.server.sql("SELECT version FROM millrace_store", name), "99")


if __name__ == "__main__":
    unittest.main()
