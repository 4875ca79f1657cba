"""The flow in README.md is the example it names, to the letter."""
import re

from tree import Finding

_shown = re.compile(r"\((examples/[^)]+\.yaml)\).*?```yaml\n(.*?)```", re.DOTALL)


def check(tree):
    if "README.md" in tree:
        for path, shown in _shown.findall(tree.text("README.md")):
            flow = tree.text(path) if path in tree else ""
            steps = flow[flow.find("name:"):]
            if shown[shown.find("name:"):] != steps:
                yield Finding("README.md", 0, f"the flow shown is not {path}")


VIOLATIONS = [{"README.md": "[x](examples/a.yaml)\n```yaml\nname: b\n```\n", "examples/a.yaml": "name: a\n"}]
FINE = [{"README.md": "[x](examples/a.yaml)\n```yaml\nname: a\n```\n", "examples/a.yaml": "# words\nname: a\n"}]
