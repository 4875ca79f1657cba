"""Tests do not sleep: they wait for an event, use virtual time, or poll (bounded) for a named condition."""
import ast
import re

from tree import Finding

_cpp = re.compile(r"\b(?:sleep_for|sleep_until|usleep|nanosleep|(?:::)sleep)\s*\(")
_js = re.compile(r"setTimeout\(\s*\w+\s*,")  # not a time limit that rejects, but a pause
# Stand-ins that are slow because that is what they stand in for.
SLOW_ON_PURPOSE = {("tests/cli/running.py", "time.sleep(target.delay)")}


def sleeps_outside_loops(source):
    """Lines with time.sleep or asyncio.sleep that no `while` stands around."""
    def visit(node, looping):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep":
            hangs = node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value >= 600
            if not looping and not hangs:  # an hour's sleep is a target that hangs
                yield node.lineno
        for child in ast.iter_child_nodes(node):
            inner = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
            yield from visit(child, False if inner else looping or isinstance(child, ast.While))
    yield from visit(ast.parse(source), False)


def check(tree):
    for path in tree.paths("_test.cpp"):
        yield from lines_with(tree, path, _cpp)
    for path in tree.paths(".cpp", under=["tests"]):
        yield from lines_with(tree, path, _cpp)
    for path in tree.paths(".js", ".mjs", under=["tests"]):
        yield from lines_with(tree, path, _js)
    for path in tree.paths(".py", under=["tests", "examples"]):
        lines = tree.text(path).splitlines()
        for number in sleeps_outside_loops(tree.text(path)):
            if (path, lines[number - 1].strip()) not in SLOW_ON_PURPOSE:
                yield Finding(path, number, "a sleep that polls for nothing")


def lines_with(tree, path, pattern):
    for number, line in tree.lines(path):
        if pattern.search(line):
            yield Finding(path, number, "a test that sleeps")


VIOLATIONS = [
    {"tests/a_test.py": "import time\ndef test():\n    time.sleep(1)\n"},
    {"src/core/a_test.cpp": "std::this_thread::sleep_for(1ms);\n"},
    {"tests/a/client.js": "await new Promise(done => setTimeout(done, 100))\n"},
]
FINE = [{"tests/a_test.py": "import time\ndef until(c):\n    while not c():\n        time.sleep(0.01)\n",
         "tests/a/client.js": "setTimeout(() => reject(new Error('nothing came')), 5000)\n"}]
