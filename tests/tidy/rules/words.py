"""One word a thing, in code, command line and documents (CONTRIBUTING.md, words). These words are not used, because others of
ours stand for what they mean; names of foreign things stand in FOREIGN."""
import re

from tree import Finding

BANNED = {
    "workflow": "flow", "pipeline": "flow", "node": "step", "job": "execution, or what it is", "connector": "component",
    "plugin": "component", "manager": "what it does", "helper": "what it is about", "util": "what it is about",
}
# Syntax trees and YAML documents have nodes: that is the field's word, and no step is meant; nor by the program of that name.
NODES_OF_A_TREE = ("src/jsonata/", "src/flow/", "src/flow_tests/", "src/installed/", "src/imports/", "src/app/new_component", "docs/jsonata",
                   "src/hosting/", "docs/component-protocol")
FOREIGN = re.compile(r"bench node|cpp\|node\|python|cpp, node|or node, or cpp|nodes_config|graph\.nodes|https?://\S+|Node-RED|Node\.js|nodejs|node_modules|NODE_EXTRA_CA_CERTS|importlib\.util|credHelpers|RABBITMQ_ENABLED_PLUGINS_FILE|/plugins")
_word = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_document = (".md", ".yaml", ".yml")
_source = (".hpp", ".cpp", ".c", ".py", ".js", ".mjs", ".sh", ".cmake", "CMakeLists.txt", "dev")


def found_in(line):
    for word in _word.findall(FOREIGN.sub("", line)):
        singular = word.lower().removesuffix("s")
        if singular in BANNED:
            yield singular


def check(tree):
    for path in tree.paths(*_document, *_source, "flow.schema.json"):
        if path.startswith("tests/tidy/"):
            continue
        # Scripts call the program `node`; only what is ours and what people read is judged for that word.
        node_may_stand = path.startswith(NODES_OF_A_TREE) or not (path.startswith("src/") or path.endswith(_document))
        for number, line in tree.lines(path):
            if "Not used:" in line or line.lstrip().startswith("#include"):
                continue
            for word in found_in(line):
                if word != "node" or not node_may_stand:
                    yield Finding(path, number, f'"{word}": say {BANNED[word]}')
    if tree.help_of:
        for number, line in enumerate(tree.help_of([]).splitlines(), 1):
            for word in found_in(line):
                yield Finding("millrace --help", number, f'"{word}": say {BANNED[word]}')


VIOLATIONS = [
    {"src/app/a.cpp": "class FlowManager {};\n"},
    {"src/app/a.cpp": "int job_count = 0;\n"},
    {"src/app/a.cpp": "// starts the pipeline\n"},
    {"docs/a.md": "Each node of the flow.\n"},
    {"README.md": "Workflows run here.\n"},
    {"docs/a.md": "", "help": {"": "  plugins   What there is\n"}},
]
FINE = [{"src/jsonata/ast.hpp": "struct Node;\n", "docs/a.md": "Node-RED runs on Node.js (nodejs) with node_modules.\n",
         "src/app/a.cpp": "#include <utility>\n", "CONTRIBUTING.md": "Not used: workflow, node, job.\n"}]
