"""What the command line does with input and surroundings that are not as they should be."""
import os
import resource
import signal
import socket
import subprocess
import tempfile
import unittest

from running import MILLRACE, Platform, millrace

FLOW = """
name: hello
steps:
  - id: form
    trigger: webhook.receive
    config: { path: hello }
  - id: note
    action: message.log
    after: form
"""


class BadInput(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-cli-")
        self.addCleanup(self.folder.cleanup)
        self.flow = self.file("hello.yaml", FLOW)
        self.data = os.path.join(self.folder.name, "data")

    def file(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_flow(self, *arguments, **options):
        return millrace("run", self.flow, "--data", self.data, "--http", "127.0.0.1:0", *arguments, **options)

    def test_no_command_is_a_usage_error_and_help_lists_the_exit_codes(self):
        self.assertEqual(millrace().returncode, 2)
        self.assertEqual(millrace("run").returncode, 2)
        unknown = millrace("statu")
        self.assertEqual(unknown.returncode, 2)
        self.assertIn('there is no command "statu" (did you mean "status"?)', unknown.stderr)
        self.assertEqual(millrace("run", self.flow, "--nonsense").returncode, 2)
        bad_size = millrace("run", self.flow, "--worker-memory", "lots")
        self.assertEqual(bad_size.returncode, 2)
        self.assertIn("must be a size", bad_size.stderr)
        help_text = millrace("--help")
        self.assertEqual(help_text.returncode, 0)
        for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "130 "):
            self.assertIn("\n  " + code, help_text.stdout)
        self.assertRegex(millrace("--version").stdout, r"^millrace \d+\.\d+\.\d+\n$")

    def test_a_bad_flow_file_is_named_with_line_and_field(self):
        self.flow = self.file("bad.yaml", FLOW.replace("after: form", "aftr: form"))
        result = self.run_flow()
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, r"bad\.yaml:\d+:\d+: .*aftr.*\n")
        self.assertEqual(result.stdout, "")
        self.assertFalse(os.path.exists(self.data))

    def test_a_missing_flow_file_or_env_file_is_named(self):
        self.flow = os.path.join(self.folder.name, "absent.yaml")
        result = self.run_flow()
        self.assertEqual(result.returncode, 2)
        self.assertIn("absent.yaml", result.stderr)
        self.flow = self.file("hello.yaml", FLOW)
        result = self.run_flow("--env-file", os.path.join(self.folder.name, "absent.env"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("absent.env", result.stderr)

    def test_a_port_in_use_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            result = millrace("run", self.flow, "--data", self.data, "--http", address)
        self.assertEqual(result.returncode, 4)
        self.assertIn(address, result.stderr)
        result = millrace("run", self.flow, "--data", self.data, "--http", "nonsense")
        self.assertEqual(result.returncode, 4)
        self.assertIn("nonsense", result.stderr)

    def test_a_data_folder_in_use_names_the_process(self):
        with Platform(self.flow, data=self.data) as platform:
            result = self.run_flow()
            self.assertEqual(result.returncode, 3)
            self.assertIn(f"process {platform.process.pid}", result.stderr)
            self.assertEqual(platform.stop(), 0)

    def test_a_data_folder_of_a_killed_platform_is_free_at_once(self):
        with Platform(self.flow, data=self.data) as platform:
            platform.stop(signal.SIGKILL)
        with Platform(self.flow, data=self.data) as platform:
            self.assertEqual(platform.stop(), 0)

    def test_a_data_folder_may_have_a_long_path(self):
        self.data = os.path.join(self.folder.name, "a" * 100, "b" * 100)
        with Platform(self.flow, data=self.data) as platform:
            self.assertEqual(millrace("status", "--data", self.data).returncode, 0)
            self.assertEqual(platform.stop(), 0)

    @unittest.skipUnless(os.geteuid() == 0, "needs to become another user")
    def test_an_unwritable_data_folder_is_named(self):
        os.chmod(self.folder.name, 0o755)
        os.mkdir(self.data, mode=0o555)
        nobody = 65534
        if subprocess.run([MILLRACE, "--version"], user=nobody, capture_output=True, check=False).returncode != 0:
            self.skipTest("another user cannot run the program from here")
        result = self.run_flow(user=nobody, group=nobody)
        self.assertEqual(result.returncode, 3)
        self.assertIn(self.data, result.stderr)
        self.assertIn("Permission denied", result.stderr)

    def test_a_data_folder_that_is_a_file_is_named(self):
        self.data = self.file("data", "not a folder")
        result = self.run_flow()
        self.assertEqual(result.returncode, 3)
        self.assertIn("there is a file of that name", result.stderr)

    def test_a_full_data_folder_ends_the_start_with_a_clear_word(self):
        os.mkdir(self.data)
        mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", self.data]
        if os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            self.addCleanup(subprocess.run, ["umount", self.data], check=False)
            self.fill(self.data)
            result = self.run_flow()
        else:
            result = self.run_flow(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertRegex(result.stderr, r"full|No space|too large|space")

    @staticmethod
    def fill(folder):
        try:
            with open(os.path.join(folder, "ballast"), "wb", buffering=0) as ballast:
                while True:
                    ballast.write(b"x" * 4096)
        except OSError:
            pass

    def test_commands_for_a_platform_that_does_not_run_say_so(self):
        result = millrace("status", "--data", self.data)
        self.assertEqual(result.returncode, 1)
        self.assertIn("no platform runs", result.stderr)


if __name__ == "__main__":
    unittest.main()
