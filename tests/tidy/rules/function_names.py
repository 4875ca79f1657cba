"""A function or member that a document names, `like_this()` or `Type::like_this`, is there in src/."""
import re

from cpp import code
from tree import Finding

_mention = re.compile(r"`((?:[A-Za-z_]\w*::)+~?[A-Za-z_]\w*|[A-Za-z_]\w*(?=\(\)))(?:\(\))?`")
FOREIGN = ("std::", "boost::", "YAML::", "main")


def check(tree):
    known, types = None, None
    for path in tree.paths(".md"):
        for number, line in tree.lines(path):
            for mention in _mention.findall(line):
                if mention.startswith(FOREIGN):
                    continue
                if known is None:
                    known, types = names_in_sources(tree)
                *scopes, name = mention.split("::")
                if name not in known or any(scope not in types for scope in scopes):
                    yield Finding(path, number, f"there is no {mention} in src/")


def names_in_sources(tree):
    """Every name that is declared or defined, and every class, struct, enum and namespace."""
    names, types = set(), set()
    for path in tree.paths(".hpp", ".cpp", under=["src"]):
        text = code(tree.text(path))
        names.update(re.findall(r"\b(~?[A-Za-z_]\w*)\s*[({;=]", text))
        for declared in re.findall(r"\b(?:class|struct|enum class|namespace)\s+([\w:]+)", text):
            types.update(declared.split("::"))
    return names | types, types


VIOLATIONS = [
    {"ARCHITECTURE.md": "calls `Broker::lose`\n", "src/broker/broker.hpp": "class Broker { void commit(); };"},
    {"ARCHITECTURE.md": "calls `lose()`\n", "src/broker/broker.hpp": "class Broker { void commit(); };"},
    {"ARCHITECTURE.md": "calls `Dealer::commit`\n", "src/broker/broker.hpp": "class Broker { void commit(); };"},
]
FINE = [{"ARCHITECTURE.md": "calls `Broker::commit`, `commit()`, `std::move` and `not a function`\n",
         "src/broker/broker.hpp": "class Broker { void commit(); };"}]
