#include "app/new_component.hpp"

namespace millrace::app {

std::vector<NewFile> new_python_component() {
  return {
      {"component.json", R"text({
  "title": "@NAME@",
  "version": "1.0.0",
  "protocol": "lines",
  "command": ["python3", "-u", "main.py"],
  "actions": {
    "shout": {
      "title": "Shout",
      "description": "Says the text of a message louder.",
      "fields": {
        "mark": { "viewClass": "TextFieldView", "label": "What stands at the end", "required": false }
      },
      "metadata": {
        "in": { "type": "object", "properties": { "text": { "type": "string", "required": true } } },
        "out": { "type": "object", "properties": { "text": { "type": "string" } } }
      }
    }
  }
}
)text"},
      {"main.py",
       R"text("""A component of Millrace: one line of JSON in for each message, any number out, the last of them end, error or rebound."""
import json
import sys


def shout(body, config):
    if "text" not in body:
        raise ValueError("there is no text")
    yield {"text": body["text"].upper() + config.get("mark", "")}


FUNCTIONS = {"shout": shout}


def answer(given):
    """What is said about one message."""
    try:
        for body in FUNCTIONS[given["function"]](given["message"]["body"], given["config"]):
            yield {"id": given["id"], "data": body}
        yield {"id": given["id"], "end": True}
    except ConnectionError as error:  # the target cannot be reached: again later
        yield {"id": given["id"], "rebound": str(error)}
    except Exception as error:  # it can never succeed: a dead letter
        yield {"id": given["id"], "error": {"code": type(error).__name__, "message": str(error)}}


if __name__ == "__main__":
    for line in sys.stdin:
        for said in answer(json.loads(line)):
            print(json.dumps(said), flush=True)
)text"},
      {"test_main.py", R"text("""python3 -m unittest: the component, started as Millrace starts it."""
import json
import os
import subprocess
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def said_about(*bodies, config=None):
    with open(os.path.join(HERE, "component.json"), encoding="utf-8") as file:
        command = json.load(file)["command"]
    lines = [json.dumps({"id": f"m-{number}", "execution": "e-1", "attempt": 1, "function": "shout", "config": config or {},
                         "snapshot": {}, "message": {"body": body, "headers": {}}}) for number, body in enumerate(bodies)]
    done = subprocess.run(command, cwd=HERE, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=30, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Shout(unittest.TestCase):
    def test_a_text_is_said_louder(self):
        self.assertEqual(said_about({"text": "hello"}, config={"mark": "!"}),
                         [{"id": "m-0", "data": {"text": "HELLO!"}}, {"id": "m-0", "end": True}])

    def test_a_message_without_text_is_an_error_and_the_next_one_is_worked_on(self):
        first, second, third = said_about({}, {"text": "on"})
        self.assertEqual(first["error"]["message"], "there is no text")
        self.assertEqual(second["data"], {"text": "ON"})
        self.assertTrue(third["end"])


if __name__ == "__main__":
    unittest.main()
)text"}};
}

}  // namespace millrace::app
