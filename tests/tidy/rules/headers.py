"""Headers begin with #pragma once and keep Asio, Beast and curl out: each of them costs every includer seconds of compile time."""
from cpp import code, system_includes
from tree import Finding

HEAVY = ("boost/asio", "boost/beast", "curl/")
WRAPPERS = {"src/io/posix/curl_library.hpp"}  # for the few files that wrap the library


def check(tree):
    for path in tree.paths(".hpp", ".h", under=["src", "tests", "bench"]):
        first = next((line for line in code(tree.text(path)).splitlines() if line.strip()), "")
        if first.strip() != "#pragma once":
            yield Finding(path, 1, "a header begins with #pragma once")
        for line, include in system_includes(tree, path):
            if include.startswith(HEAVY) and path not in WRAPPERS:
                yield Finding(path, line, f"<{include}> in a header: hide it behind a pointer to what the .cpp defines")


VIOLATIONS = [
    {"src/a.hpp": "struct A {};\n"},
    {"src/a.hpp": "#pragma once\n#include <boost/asio/io_context.hpp>\n"},
    {"src/a.hpp": "#pragma once\n#include <boost/beast/http.hpp>\n"},
]
FINE = [{"src/a.hpp": "// words\n#pragma once\n#include <boost/json/value.hpp>\n", "src/a.cpp": "#include <boost/asio.hpp>\n"}]
