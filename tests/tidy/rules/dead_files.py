"""Nothing lies about unused: every source is built, every header included by another file than its own source, every script
called, every document and example linked."""
import re

from cpp import own_includes
from tree import Finding

# What people and machines call by themselves.
ENTRANCES = {"dev", ".ci/run", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "ARCHITECTURE.md", "LICENSE", "CMakeLists.txt",
             "CMakePresets.json", "src/CMakeLists.txt", "tests/CMakeLists.txt", "bench/CMakeLists.txt", ".gitignore",
             ".clang-format", ".clang-tidy", "docs/logo.svg"}
SCRIPTS = (".py", ".sh", ".js", ".mjs", ".cmake")


def check(tree):
    yield from unbuilt_sources(tree)
    yield from unincluded_headers(tree)
    yield from uncalled_scripts(tree)
    yield from unlinked_documents(tree)


def unbuilt_sources(tree):
    """src/LAYER/ is globbed if it has a CMakeLists.txt; elsewhere a CMakeLists.txt on the way up names the file."""
    for path in tree.paths(".cpp", ".c"):
        parts = path.split("/")
        if parts[0] == "src" and len(parts) > 2 and f"src/{parts[1]}/CMakeLists.txt" in tree:
            continue
        above = ["/".join([*parts[:depth], "CMakeLists.txt"]) for depth in range(1, len(parts))]
        others = [*above, *tree.paths(".cmake")]
        if not any(names(tree.text(other), parts[-1]) for other in others if other in tree):
            yield Finding(path, 0, "no CMakeLists.txt builds it")


def names(text, name):
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text) is not None


def unincluded_headers(tree):
    includers = {}
    for path in tree.paths(".hpp", ".cpp"):
        for _, include in own_includes(tree, path):
            includers.setdefault(include, set()).add(path)
    for path in tree.paths(".hpp"):
        stem = path.removesuffix(".hpp")
        own = {path, f"{stem}.cpp", f"{stem}_test.cpp"}
        spellings = {path.split("/", 1)[-1], path.split("/")[-1]}
        if not set().union(*(includers.get(spelling, set()) for spelling in spellings)) - own:
            yield Finding(path, 0, "nobody but its own source includes it")


def uncalled_scripts(tree):
    """By its name, without its ending as Python and CMake import it; CTest's file names are put together: NAME_test.py."""
    texts = {path: tree.text(path) for path in tree.paths() if not path.endswith("package-lock.json")}
    for path in tree.paths(*SCRIPTS):
        name = path.split("/")[-1]
        stem = name.rsplit(".", 1)[0]
        if path in ENTRANCES or path.startswith("tests/tidy/rules/"):
            continue
        wanted = {name, stem, f"./{stem}"}
        suite = "/".join(path.split("/")[:-1]) + "/CMakeLists.txt"
        if stem.endswith("_test") and suite in tree and names(tree.text(suite), stem.removesuffix("_test")):
            continue
        callers = [other for other, text in texts.items() if other != path and not other.endswith(".md")]
        if not any(names(texts[other], word) for other in callers for word in wanted):
            yield Finding(path, 0, "nothing calls it")


def unlinked_documents(tree):
    linked = set()
    for path in tree.paths(".md"):
        for target in re.findall(r"\]\(([^)#\s]+)", tree.text(path)):
            linked.add(resolved(path, target))
    for path in tree.paths(".md", under=["docs", "examples", "bench", "tests"]):
        if path not in linked:
            yield Finding(path, 0, "no document links to it")
    for path in tree.paths(".yaml", under=["examples"]):
        if not any(path == other or path.startswith(other.rstrip("/") + "/") for other in linked):
            yield Finding(path, 0, "no document links to this example")


def resolved(path, target):
    """A link's target as a path from the root."""
    parts = path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


VIOLATIONS = [
    {"tests/a/CMakeLists.txt": "add_executable(x other.cpp)", "tests/a/main.cpp": ""},
    {"src/core/CMakeLists.txt": "", "src/core/a.hpp": "", "src/core/a.cpp": '#include "core/a.hpp"\n'},
    {"tests/lonely.py": "", "dev": "tests/other.py\n"},
    {"docs/lonely.md": "", "README.md": "[more](docs/other.md)\n"},
    {"examples/b/flow.yaml": "", "README.md": "[more](examples/a/flow.yaml)\n"},
]
FINE = [{"src/core/CMakeLists.txt": "", "src/core/a.hpp": "", "src/core/b.cpp": '#include "core/a.hpp"\n', "tests/x.py": "",
         "tests/a/CMakeLists.txt": "foreach(name crash)\nadd_executable(x main.cpp)", "tests/a/crash_test.py": "import x\n",
         "tests/a/main.cpp": "", "docs/a.md": "", "README.md": "[more](docs/a.md)\n"}]
