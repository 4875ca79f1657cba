"""No lambda with captures and no aggregate temporary inside a co_await expression: g++ 12.2 destroys it twice. Name the object
on the line before."""
import re

from cpp import code, line_of
from tree import Finding

_capturing = re.compile(r"(?<![\w\])])\[\s*[^\]\s][^\]]*\]\s*[({<]")
_aggregate = re.compile(r"(?:[\w>]|[(,]\s*)\{")
_lambda_body = re.compile(r"(?<![\w\])])\[\]\s*(?:\([^()]*\))?\s*(?:mutable|noexcept|\s)*(?:->\s*[\w:<>]+\s*)?\{")


def expression(text, start):
    """From `start` to the end of the statement or of the parentheses around it."""
    depth = 0
    for position in range(start, len(text)):
        character = text[position]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        if depth < 0 or (depth == 0 and character == ";"):
            return text[start:position]
    return text[start:]


def check(tree):
    for path in tree.paths(".hpp", ".cpp", under=["src", "tests", "bench"]):
        text = code(tree.text(path))
        for match in re.finditer(r"\bco_await\b", text):
            awaited = expression(text, match.end())
            if _capturing.search(awaited):
                yield Finding(path, line_of(text, match.start()), "a capturing lambda inside co_await: name it before")
            elif _aggregate.search(_lambda_body.sub("", awaited)):
                yield Finding(path, line_of(text, match.start()), "an aggregate temporary inside co_await: name it before")


VIOLATIONS = [
    {"src/a.cpp": "co_await post([this] { go(); });"},
    {"src/a.cpp": "auto x = co_await send(\n    [&, n](int k) { return k; });"},
    {"src/a.cpp": "co_await send(Request{1, 2});"},
    {"src/a.cpp": "co_await send({1, 2});"},
    {"src/a.cpp": "if (co_await ask(a, {1})) return;"},
]
FINE = [{"src/a.cpp": "auto go = [this] { run(); };\nco_await post(std::move(go));\nco_await all(values[i], f(x));\n"
                      "// co_await f([this] {});\nif (co_await ask()) { x = Y{1}; }\nco_await sort([](int a) { return a; });\n"}]
