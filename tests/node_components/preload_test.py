"""What Node.js loads before elastic.io's library: an emission waits for no timer where the library's limit is lifted, and for its throttle
where somebody has set one; a component's own use of other packages is left alone."""
import os
import subprocess
import tempfile
import unittest

from running import MILLRACE

HERE = os.path.dirname(os.path.abspath(__file__))
# What waits for a timer shows as an active one.
PROGRAM = """
const throttle = require('p-throttle');
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
const call = throttle((value) => Promise.resolve(value), LIMIT, 100);
const answer = call(7);
console.log(timers(), typeof call.abort, typeof throttle.AbortError);
answer.then((value) => console.log(value));
"""


class Preload(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        data = tempfile.TemporaryDirectory(prefix="millrace-preload-")
        cls.addClassCleanup(data.cleanup)
        subprocess.run([MILLRACE, "component", "add", os.path.join(HERE, "mill"), "--name", "mill", "--data", data.name], check=True,
                       capture_output=True, timeout=120)
        cls.folder = os.path.join(data.name, "components", "mill")

    def run_with(self, limit, *options):
        done = subprocess.run(["node", *options, "-e", PROGRAM.replace("LIMIT", str(limit))], cwd=self.folder, capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split("\n")[:2]

    def test_a_limit_that_is_lifted_is_no_timer(self):
        self.assertEqual(self.run_with(1_000_000), ["1 function function", "7"])
        self.assertEqual(self.run_with(1_000_000, "--require", "./.millrace-preload.js"), ["0 function function", "7"])

    def test_a_limit_that_somebody_has_set_holds(self):
        self.assertEqual(self.run_with(10, "--require", "./.millrace-preload.js"), ["1 function function", "7"])


if __name__ == "__main__":
    unittest.main()
