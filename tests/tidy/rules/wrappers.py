"""A library is included only where docs/dependencies.md says, in the column of its wrapper; tests may include what they like."""
import re

from cpp import system_includes
from tree import Finding

TABLE = "docs/dependencies.md"
# What an include begins with, and the first word of the library's row.
LIBRARIES = {"boost/asio": "Boost.Asio", "boost/beast": "Boost.Beast", "boost/url": "Boost.URL", "boost/json": "Boost.JSON",
             "curl/": "libcurl", "openssl/": "OpenSSL", "yaml-cpp/": "yaml-cpp", "pcre2": "PCRE2", "sodium": "libsodium", "sqlite3": "SQLite", "libpq-fe": "libpq", "xxhash": "xxHash", "xxh_": "xxHash", "absl/": "Abseil",
             "spdlog/": "spdlog", "fmt/": "fmt", "CLI/": "CLI11", "doctest/": "doctest"}
OURS = re.compile(r"^[a-z_0-9/]+(?:\.h)?$")  # the system's and the standard library's


def rows(tree):
    """Library → where it may be included, as paths; None: everywhere."""
    found = {}
    for line in tree.text(TABLE).splitlines() if TABLE in tree else ():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 6 and not cells[1].startswith(("-", "library")):
            paths = tuple(re.findall(r"`(src/[^`]+)`", cells[3]))
            found[cells[1].split()[0]] = None if cells[3].startswith("everywhere") else paths
    return found


def library_of(include):
    for beginning, library in LIBRARIES.items():
        if include.startswith(beginning):
            return library
    return None if OURS.match(include) and "/" not in include or include.startswith(("sys/", "netinet/", "arpa/", "linux/", "net/")) \
        else include


def check(tree):
    table = rows(tree)
    for path in tree.paths(".hpp", ".cpp", under=["src"]):
        if path.endswith("_test.cpp"):
            continue
        for line, include in system_includes(tree, path):
            library = library_of(include)
            if library is None:
                continue
            if library not in table:
                yield Finding(path, line, f"<{include}>: the library is not in {TABLE}")
            elif table[library] is not None and not path.startswith(table[library]):
                yield Finding(path, line, f"<{include}>: its wrapper is {', '.join(table[library])} ({TABLE})")


_table = {TABLE: "| library | what for | its wrapper | why |\n|---|---|---|---|\n| yaml-cpp 0.7 | files | `src/flow/document.cpp` | x |\n"
                 "| fmt 9 | text | everywhere | x |\n"}
VIOLATIONS = [
    {**_table, "src/flow/load.cpp": "#include <yaml-cpp/yaml.h>\n"},
    {**_table, "src/flow/load.cpp": "#include <spdlog/spdlog.h>\n"},
    {**_table, "src/flow/load.cpp": "#include <absl/strings.h>\n"},
]
FINE = [{**_table, "src/flow/document.cpp": "#include <yaml-cpp/yaml.h>\n#include <fmt/format.h>\n#include <sys/stat.h>\n#include <vector>\n",
         "src/flow/load_test.cpp": "#include <doctest/doctest.h>\n"}]
