"""Folders and files are named by what they are about, not by their being of use."""
from tree import Finding

EMPTY_WORDS = {"util", "utils", "common", "helper", "helpers", "misc", "manager", "managers", "stuff", "base"}


def check(tree):
    for path in tree.paths():
        for part in path.split("/"):
            words = part.split(".")[0].split("_")
            if EMPTY_WORDS & {words[0], words[-1]}:
                yield Finding(path, 0, f"{part}: name it by what it is about")


VIOLATIONS = [{"src/util/a.cpp": ""}, {"src/app/string_utils.cpp": ""}, {"tests/common/a.py": ""}]
FINE = [{"src/core/id.cpp": "", "src/component/base64.cpp": ""}]
