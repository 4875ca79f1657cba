"""What a document links to, or a document or source names as a path of the repository, is there."""
import re

from rules.dead_files import resolved
from tree import Finding

_link = re.compile(r"\]\(([^)\s]+)\)")
_document = re.compile(r"\bdocs/[\w./-]+\.(?:md|json)")
_path = re.compile(r"`((?:src|tests|docs|bench|examples|cmake)/[\w./-]*[\w/])`")


def exists(tree, path):
    return path in tree or any(other.startswith(path.rstrip("/") + "/") for other in tree.paths())


def check(tree):
    for path in tree.paths(".md"):
        for number, line in tree.lines(path):
            for target in _link.findall(line):
                if not re.match(r"[a-z]+:|#", target) and not exists(tree, resolved(path, target.split("#")[0])):
                    yield Finding(path, number, f"there is no {target}")
            for named in _path.findall(line):
                if path != "CHANGELOG.md" and not exists(tree, named):
                    yield Finding(path, number, f"there is no {named}")
    for path in tree.paths(".hpp", ".cpp", ".py", "dev", "CMakeLists.txt"):
        if not path.startswith("tests/tidy/"):
            for number, line in tree.lines(path):
                for named in _document.findall(line):
                    if not exists(tree, named):
                        yield Finding(path, number, f"there is no {named}")


VIOLATIONS = [{"src/a.cpp": "// see docs/gone.md\n"}, {"docs/a.md": "[b](b.md)\n"}, {"docs/a.md": "see `src/app/gone.cpp`\n"}, {"docs/a.md": "[up](../README.md)\n"}]
FINE = [{"docs/a.md": "[b](b.md#part) [web](https://example.com) `src/app/main.cpp` `src/app/`\n", "docs/b.md": "",
         "src/app/main.cpp": ""}]
