"""A folder of src/ includes only itself and folders before it in src/CMakeLists.txt. io/posix is for the shells named here;
io/sim for tests, and for those of flows (src/flow_tests). What a test includes beyond that comes from tests/. ARCHITECTURE.md's table has the same folders in the
same order."""
import re

from cpp import own_includes
from tree import Finding

# Who may touch sockets, processes and files: everything else is logic that runs as well on io/sim (ARCHITECTURE.md).
SHELLS = ("src/io/", "src/amqp/client/", "src/broker/server.", "src/component/platform_request.",
          "src/component/platform_credential.", "src/component/settings_request.", "src/component/snapshot_request.",
          "src/component/presence_sender.", "src/component/record_sender.", "src/component/step_worker.",
          "src/component/worker_outside.", "src/hosting/", "src/orchestrator/driver/", "src/installed/command.",
          "src/installed/image_files.", "src/installed/inquiries.", "src/installed/installer.", "src/gateway/", "src/api/", "src/app/",
          "src/flow_tests/platform_life.", "src/flow_tests/case_run.")  # of it only HttpRequest and HttpResponse
GENERATED = {"amqp/methods.hpp"}


def order(tree):
    found = re.search(r"foreach\(layer ([^)]*)\)", tree.text("src/CMakeLists.txt"))
    return found[1].split() if found else []


def check(tree):
    layers = order(tree)
    if "ARCHITECTURE.md" in tree:
        told = re.findall(r"^\| `(\w+)/` \|", tree.text("ARCHITECTURE.md"), re.MULTILINE)
        if told != layers:
            yield Finding("ARCHITECTURE.md", 0, f"its folders are not those of src/CMakeLists.txt: {' '.join(layers)}")
    for path in tree.paths(".hpp", ".cpp", under=["src"]):
        layer = path.split("/")[1]
        is_test = path.endswith("_test.cpp")
        if layer not in layers:
            yield Finding(path, 0, f"src/{layer} is no layer of src/CMakeLists.txt")
            continue
        for line, include in own_includes(tree, path):
            other = include.split("/")[0]
            if other not in layers:
                if not (is_test and f"tests/{include}" in tree):
                    yield Finding(path, line, f"{include} is not below src/ (or, in a test, below tests/)")
            elif f"src/{include}" not in tree and include not in GENERATED:
                yield Finding(path, line, f"there is no src/{include}")
            elif layers.index(other) > layers.index(layer):
                yield Finding(path, line, f"{layer}/ comes before {other}/ and must not include {include}")
            elif include.startswith("io/posix/") and not is_test and not path.startswith(SHELLS):
                yield Finding(path, line, f"{include} here: io/posix is for the shells that tests/tidy/rules/layers.py names")
            elif include.startswith("io/sim/") and not is_test and not path.startswith(("src/io/sim/", "src/flow_tests/")):
                yield Finding(path, line, f"{include}: the simulated machine is for tests")


_order = {"src/CMakeLists.txt": "foreach(layer core io broker app)"}
VIOLATIONS = [
    {**_order, "src/core/a.cpp": '#include "app/b.hpp"\n', "src/app/b.hpp": ""},
    {**_order, "src/broker/queue.cpp": '#include "io/posix/loop.hpp"\n', "src/io/posix/loop.hpp": ""},
    {**_order, "src/app/run.cpp": '#include "io/sim/disk.hpp"\n', "src/io/sim/disk.hpp": ""},
    {**_order, "src/app/run.cpp": '#include "core/gone.hpp"\n'},
    {**_order, "src/app/run.cpp": '#include "conformance/target.hpp"\n', "tests/conformance/target.hpp": ""},
    {**_order, "src/extra/a.cpp": ""},
    {**_order, "ARCHITECTURE.md": "| `core/` | x |\n| `broker/` | x |\n| `io/` | x |\n| `app/` | x |\n"},
]
FINE = [
    {**_order, "src/app/run.cpp": '#include "core/a.hpp"\n#include "io/posix/loop.hpp"\n', "src/core/a.hpp": "",
     "src/io/posix/loop.hpp": ""},
    {**_order, "src/broker/queue_test.cpp": '#include "io/sim/disk.hpp"\n#include "conformance/target.hpp"\n',
     "src/io/sim/disk.hpp": "", "tests/conformance/target.hpp": ""},
]
