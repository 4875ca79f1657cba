"""`millrace test` as a user meets it: which tests run, what is reported and how, exit codes, bad input."""
import json
import os
import tempfile
import time
import unittest
import xml.etree.ElementTree

from running import millrace

EXAMPLE = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "web-form-to-cms", "flow.yaml")
FLOW = """
name: hello
steps:
  - { id: form, trigger: webhook.receive, config: { path: hello } }
  - { id: tell, action: http.request, after: form, config: { method: POST, url: "${URL}/tell" } }
"""
TEST = """
env: { URL: http://a.test }
stubs: [{ http: POST http://a.test/tell, answer: { body: { ok: true } } }]
cases:
  - name: good
    given: [{ webhook: { body: { n: 1 } } }]
    expect: { answers: [{ status: 202 }], steps: { tell: { outputs: [{ body: { ok: true } }] } } }
  - name: bad <&>
    given: [{ webhook: { body: { n: 1 } } }]
    expect: { steps: { tell: { requests: [{ body: { n: 2 } }] } } }
"""


class FlowTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.flow = self.file("hello.yaml", FLOW)

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_the_order_of_each_key_is_kept_wherever_the_platform_is_killed(self):
        flow = self.file("keys.yaml", FLOW.replace("name: hello", "name: keys").replace(
            "after: form,", "after: form, ordered_by: body.key, retry: { initial: 1m, factor: 1, attempts: 5 },"))
        self.file("keys.test.yaml", """
env: { URL: http://a.test }
stubs: [{ http: POST http://a.test/tell, body_contains: { n: 1 }, answers: [503, 503, 200] }, { http: POST *, answer: 200 }]
cases:
  - name: both keys
    given:
      - { webhook: { body: { key: a, n: 1 } } }
      - { webhook: { body: { key: a, n: 2 } } }
      - { webhook: { body: { key: b, n: 3 } } }
    expect: { steps: { tell: { that: "$join(requests[body.key = 'a'].($string(body.n))) ~> $match(/^1+2+$/)" } } }
""")
        result = millrace("test", flow, "--crash-everywhere")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn("the same outcome each time", result.stdout)

    def good_only(self):
        return TEST[:TEST.index("  - name: bad")]

    def test_the_example_passes_a_day_of_retries_in_no_time_and_survives_being_killed_everywhere(self):
        began = time.monotonic()
        result = millrace("test", EXAMPLE, "--crash-everywhere")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertLess(time.monotonic() - began, 30)
        self.assertRegex(result.stdout, r"ok .*a day of patience.*1d\d+m\d+s of virtual time")
        self.assertRegex(result.stdout, r"step notify \(email\.send\): 2 of 10 crash points repeat its mail \(the same Message-ID <")
        self.assertRegex(result.stdout, r"step publish \(http\.request\): 2 of 10 crash points repeat its request "
                                        r"\(POST http://cms\.test/posts, the same Idempotency-Key ")
        self.assertIn("the same outcome each time", result.stdout)
        self.assertTrue(result.stdout.endswith("4 passed, 0 failed\n"))
        strict = millrace("test", EXAMPLE, "--crash-everywhere", "--no-repeats", "--filter", "mail")
        self.assertEqual(strict.returncode, 1)

    def test_a_failure_names_place_path_and_both_values_and_ends_with_1(self):
        test = self.file("hello.test.yaml", TEST)
        result = millrace("test", self.flow)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{test}:10:56: cases[1].expect.steps.tell.requests[0].body.n: expected 2, got 1\n", result.stdout)
        self.assertTrue(result.stdout.endswith("1 passed, 1 failed\n"))
        self.assertEqual(millrace("test", self.flow, "--filter", "good").returncode, 0)
        self.assertEqual(millrace("test", self.flow, "--filter", "g*d").returncode, 0)
        self.assertEqual(millrace("test", self.flow, "--filter", "*ood").returncode, 0)

    def test_json_junit_and_verbose(self):
        self.file("hello.test.yaml", TEST)
        junit = os.path.join(self.folder, "report.xml")
        result = millrace("test", self.flow, "--json", "--junit", junit)
        report = json.loads(result.stdout)
        self.assertEqual((report["passed"], report["failed"]), (1, 1))
        problem = report["files"][0]["cases"][1]["problems"][0]
        self.assertEqual((problem["line"], problem["column"], problem["message"]), (10, 56, "expected 2, got 1"))
        root = xml.etree.ElementTree.parse(junit).getroot()
        self.assertEqual((root.get("tests"), root.get("failures")), ("2", "1"))
        cases = root.findall("testsuite/testcase")
        self.assertEqual([case.get("name") for case in cases], ["good", "bad <&>"])
        self.assertEqual([case.get("classname") for case in cases], ["hello", "hello"])
        self.assertIsNone(cases[0].find("failure"))
        self.assertIn("expected 2, got 1", cases[1].find("failure").text)
        verbose = millrace("test", self.flow, "--verbose", "--filter", "good").stdout
        self.assertIn('tell → POST http://a.test/tell: 200\n', verbose)
        self.assertIn('tell made {"ok":true}\n', verbose)
        unwritable = millrace("test", self.flow, "--filter", "good", "--junit", "/nowhere/report.xml")
        self.assertEqual(unwritable.returncode, 1)
        self.assertIn("cannot write /nowhere/report.xml", unwritable.stderr)

    def test_which_files_are_a_flows_tests(self):
        other = self.file("other.yaml", FLOW.replace("hello", "other"))
        self.file("hello.test.yaml", self.good_only())
        self.file("other.more.test.yaml", self.good_only().replace("good", "others"))
        self.file("extra.test.json", json.dumps({"env": {"URL": "http://a.test"}, "cases": [
            {"name": "extra", "given": [], "expect": {"steps": {"tell": {"requests": 0}}}}]}))
        names = lambda *arguments: [case["name"] for file in json.loads(millrace("test", *arguments, "--json").stdout)["files"]
                                    for case in file["cases"]]
        self.assertEqual(names(self.flow), ["extra", "good"])
        self.assertEqual(names(other), ["extra", "others"])
        self.assertEqual(names(self.flow, "--tests", os.path.join(self.folder, "hello.test.yaml")), ["good"])

    def test_variables_come_from_the_test_file_and_the_env_file_only(self):
        test = self.file("hello.test.yaml", self.good_only().replace("env: { URL: http://a.test }", ""))
        environment = {**os.environ, "URL": "http://a.test"}
        result = millrace("test", self.flow, env=environment)
        self.assertEqual(result.returncode, 2)
        self.assertIn(f"the variable URL is not set (set it under \"env\" in {test}, or with --env-file)", result.stderr)
        env_file = self.file("env", "URL=http://a.test\n")
        self.assertEqual(millrace("test", self.flow, "--env-file", env_file).returncode, 0)

    def test_a_step_of_an_installed_component_is_refused_with_the_mend(self):
        flow = self.file("mill.yaml", FLOW.replace("http.request", "mill.act"))
        self.file("mill.test.yaml", TEST)
        result = millrace("test", flow)
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, r'mill\.yaml:5.*there is no action "mill\.act".*only Millrace\'s own components.*`millrace run`')

    def test_bad_files_and_command_lines_end_with_2(self):
        result = millrace("test", self.flow)
        self.assertEqual(result.returncode, 2)
        self.assertIn(f"{self.flow}: has no tests beside it (write hello.test.yaml, see docs/flow-tests.md)\n", result.stderr)
        test = self.file("hello.test.yaml", TEST.replace("expect:", "expcet:", 1))
        result = millrace("test", self.flow)
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn(f"{test}:7:5: cases[0].expcet: unknown field (did you mean \"expect\"?)\n", result.stderr)
        self.file("hello.test.yaml", TEST.replace("tell: { outputs", "tel: { outputs"))
        self.assertIn("the flow hello has no step \"tel\" (did you mean \"tell\"?)", millrace("test", self.flow).stderr)
        self.file("hello.test.yaml", "flow: another\n" + TEST)
        self.assertIn("holds no flow \"another\"", millrace("test", self.flow).stderr)
        for text in ("", "[", "\0\1\2", "- 1", "cases: 3", "cases: [3]", "{" * 1000, "a: &a [*a]"):
            self.file("hello.test.yaml", text)
            result = millrace("test", self.flow)
            self.assertEqual((result.returncode, result.stdout), (2, ""), text)
            self.assertIn("hello.test.yaml", result.stderr)
        self.file("hello.test.yaml", TEST)
        self.assertEqual(millrace("test", self.flow, "--filter", "none of them").returncode, 2)
        self.assertEqual(millrace("test", self.flow, "--tests", "/nowhere.test.yaml").returncode, 2)
        self.assertEqual(millrace("test", "/nowhere.yaml").returncode, 2)
        self.assertIn("/nowhere.yaml: cannot be read", millrace("test", "/nowhere.yaml").stderr)
        self.assertIn("cannot be read: Is a directory", millrace("test", self.folder).stderr)
        self.assertIn("is a test file (name the flow file", millrace("test", test).stderr)
        self.assertEqual(millrace("test").returncode, 2)
        self.assertEqual(millrace("test", self.flow, "--crash-points", "3").returncode, 2)


if __name__ == "__main__":
    unittest.main()
