"""A source file has at most 600 lines; past 400 there is usually a second file inside. C++ has at most 120 columns,
literals aside."""
from cpp import code
from tree import Finding

LINES_MAX = 600
LINES_WARNING = 400
COLUMNS_MAX = 120
SOURCES = (".hpp", ".cpp", ".c", ".py", ".js", ".mjs", ".sh", "CMakeLists.txt", ".cmake", "/run", "dev")


def check(tree):
    for path in tree.paths(*SOURCES):
        count = tree.text(path).count("\n")
        if count > LINES_MAX:
            yield Finding(path, 0, f"{count} lines, more than {LINES_MAX}: split it by meaning")
        elif count >= LINES_WARNING:
            yield Finding(path, 0, f"{count} lines: look for the second file inside", warning=True)
        if not path.endswith((".hpp", ".cpp")) or path.endswith("_tables.cpp"):
            continue
        for number, line in enumerate(code(tree.text(path), comments=True).splitlines(), 1):
            if len(line) > COLUMNS_MAX:
                yield Finding(path, number, f"{len(line)} columns, more than {COLUMNS_MAX}")


VIOLATIONS = [{"src/a.cpp": "\n" * 601}, {"dev": "\n" * 601}, {"src/a.cpp": "x" * 121 + "\n"}]
FINE = [{"src/a.cpp": 'x("' + "y" * 200 + '");' + "\n" * 500, "docs/table.md": "x" * 200}]
