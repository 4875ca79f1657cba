"""No name of a package registry's host: which mirror serves a package is the machine's affair."""
import re

from tree import Finding

_host = re.compile(r"registry\.(?:npmjs|yarnpkg)\.|\b(?:deb|ftp|security|snapshot|packages)\.debian\.org|registry-1\.docker|"
                   r"pypi\.org|npmmirror|proxy\.golang")
_resolved = re.compile(r'^\s*"resolved"\s*:')


def check(tree):
    for path in tree.paths():
        if path == "tests/tidy/rules/registries.py":
            continue
        for number, line in tree.lines(path):
            if _host.search(line):
                yield Finding(path, number, "a registry's host name")
            if path.endswith("package-lock.json") and _resolved.match(line):
                yield Finding(path, number, '"resolved": make the lock file with omit-lockfile-registry-resolved=true')


VIOLATIONS = [
    {"dev": "curl https://registry.npmjs.org/x\n"},
    {"dev": "echo deb http://deb.debian.org/debian bookworm main\n"},
    {"tests/a/package-lock.json": '  "resolved": "https://example.com/x.tgz",\n'},
]
FINE = [{"dev": "apt-get install curl\n", "docs/a.md": "Debian's packages\n"}]
