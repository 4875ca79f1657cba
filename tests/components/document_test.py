"""The examples of docs/component-protocol.md, taken from the document: each is installed and does its work in a flow."""
import json
import os
import re
import tempfile
import unittest

from running import OnePlatform, millrace, post, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLOW = """name: {name}
steps:
  - {{ id: form, trigger: webhook.receive, config: {{ path: {name} }} }}
  - {{ id: shout, action: {name}.shout, after: form, config: {{ mark: "!" }} }}
  - {{ id: show, action: message.log, after: shout }}
"""


def examples():
    """{file name: (component.json, code)} by the document."""
    with open(os.path.join(ROOT, "docs", "component-protocol.md"), encoding="utf-8") as file:
        text = file.read()
    definition = json.loads(re.search(r"component\.json names what is started:\n\n```json\n(.*?)```", text, re.S).group(1))
    found = {}
    for name, command, code in re.findall(r"^`(shout\.\w+)`(?:, with `(.*?)`.*?)?\n\n```\w+\n(.*?)^```", text, re.S | re.M):
        said = json.loads("{" + command + "}") if command else {}
        found[name] = ({**definition, **said}, code)
    return found


class Document(OnePlatform):
    @classmethod
    def flows(cls):
        cls.names = []
        for file_name, (definition, code) in examples().items():
            name = file_name.replace(".", "-")
            with tempfile.TemporaryDirectory(prefix="millrace-example-") as folder:
                for path, content in (("component.json", json.dumps(definition)), (file_name, code)):
                    with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
                        file.write(content)
                added = millrace("component", "add", folder, "--name", name, "--data", cls.data)
                assert added.returncode == 0, added.stderr
            cls.names.append(name)
        return {name: FLOW.format(name=name) for name in cls.names}, {}

    def test_there_is_one_in_each_of_three_languages(self):
        self.assertEqual(self.names, ["shout-py", "shout-js", "shout-sh"])

    def test_each_shouts_and_says_what_it_cannot(self):
        host, port = self.address
        for number, name in enumerate(self.names, 1):
            with self.subTest(name):
                url = f"http://{host}:{port}/{name}"
                self.assertEqual(post(url, json.dumps({"text": "it's loud here"})), 202)
                until(lambda: any(f"{name}/show" in line and "IT'S LOUD HERE!" in line for line in self.platform.errors),
                      30, lambda: "\n".join(self.platform.errors))
                self.assertEqual(post(url, json.dumps({"words": 1})), 202)
                until(lambda: self.dead_letters().count("there is no text") == number, 30,
                      lambda: self.dead_letters() + "\n".join(self.platform.errors))

    def dead_letters(self):
        return millrace("dead-letters", "list", "--data", self.data).stdout


if __name__ == "__main__":
    unittest.main()
