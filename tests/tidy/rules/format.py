"""C++ is as clang-format has it (.clang-format); left out where there is no clang-format."""
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from tree import Finding

_place = re.compile(r"^(\S+?):(\d+):\d+: error: ")
LEFT_OUT = None if shutil.which("clang-format") else "there is no clang-format"
STYLE = "{BasedOnStyle: Google, ColumnLimit: 120}"


def check(tree):
    program = shutil.which("clang-format")
    paths = list(tree.paths(".hpp", ".cpp"))
    if tree.root is None:
        for path in paths:
            formatted = subprocess.run([program, f"-style={STYLE}"], input=tree.text(path), capture_output=True, text=True,
                                       check=True).stdout
            if formatted != tree.text(path):
                yield Finding(path, 0, "clang-format would change it")
        return
    share = max(1, len(paths) // (os.cpu_count() or 1) + 1)
    with ThreadPoolExecutor() as pool:
        for found in pool.map(lambda some: unformatted(program, tree.root, some),
                              [paths[i:i + share] for i in range(0, len(paths), share)]):
            yield from found


def unformatted(program, root, paths):
    told = subprocess.run([program, "--dry-run", "-Werror", *paths], cwd=root, capture_output=True, text=True, check=False).stderr
    seen = {}
    for line in told.splitlines():
        if match := _place.match(line):
            seen.setdefault(match[1], int(match[2]))
    return [Finding(path, line, "clang-format would change it") for path, line in seen.items()]


VIOLATIONS = [{"src/a.cpp": "int  x ;\n"}]
FINE = [{"src/a.cpp": "int x;\n"}]
