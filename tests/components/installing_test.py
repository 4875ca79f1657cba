"""Components that are programs of their own: added, shown, used in flows, replaced and removed, with npm as it is."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from client import Serve
from running import MILLRACE, millrace, until

PETSTORE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "petstore")
FLOW = """name: pets
steps:
  - id: pets
    trigger: petstore.getPets
    config: {{ every: 1h, status: {status}, apiKey: secret }}
  - {{ id: write, action: message.log, after: pets }}
"""

# What published components write into component.json beyond the petstore's: fields of the component, views with ideas of their own,
# help in HTML, functions of their own in JSONata.
SHAPES = {
    "title": "Shapes", "version": "2.0.0-dev.2", "buildType": "docker", "service": "request-reply", "deprecated": True,
    "authClientTypes": ["oauth2", "basic", "noauth"], "command": ["true"],
    "credentials": {"fields": {"auth": {"required": False, "viewClass": "HTTPAuthView"}}},
    "fields": {"code": {"viewClass": "CodeFieldView", "label": "Code", "required": True, "default": "run(`${this}`);"}},
    "triggers": {
        "look": {"title": "Look", "type": "polling", "order": 99, "metadata": {"in": {}, "out": {}}, "fields": {
            "object": {"viewClass": "SelectView", "model": "objectTypes", "prompt": "Please select an object", "required": True},
            "chosen": {"viewClass": "MultiSelectView", "model": "getFields", "require": ["object"], "collapseTo": "single"}}},
        "listen": {"title": "Listen", "metadata": {"in": {}}}},
    "actions": {
        "split": {"deprecated": True, "title": "Split", "fields": {"at": {"viewClass": "SelectPropertyView", "required": True}}},
        "transform": {"title": "Transform", "dynamicMetadata": True, "help": {"description": "Shapes <b>it</b>.", "link": "/x"},
                      "fields": {"expression": {"viewClass": "JSONataView", "label": "Expression", "required": True},
                                 "headers": {"viewClass": "InMetadataExtensionView", "titlePrefix": "Header"},
                                 "mode": {"viewClass": "SelectView", "required": False, "prompt": "By default: both",
                                          "model": {"size": "Of <i>fixed</i> size", "size&time": "Of both"}}}}},
}
SHAPES_FLOW = """name: shapes
steps:
  - id: look
    trigger: shapes.look
    config: { every: 1h, object: Account, chosen: [a, b], code: "`${unset}`" }
  - id: shape
    action: shapes.transform
    after: look
    config:
      auth: { type: basic, basic: { username: u, password: p } }
      expression: |
        $merge([$getPassthrough(), ${ key: value }])
      mode: size&time
"""


class Installing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # With its packages, so that npm is asked once.
        cls.made = tempfile.TemporaryDirectory(prefix="millrace-petstore-")
        cls.complete = os.path.join(cls.made.name, "petstore-component")
        shutil.copytree(PETSTORE, cls.complete)
        npm = subprocess.run(["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=cls.complete,
                             capture_output=True, text=True, timeout=300)
        assert npm.returncode == 0, npm.stderr

    @classmethod
    def tearDownClass(cls):
        cls.made.cleanup()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="millrace-components-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.data = os.path.join(self.folder, "data")
        # The same triggers and actions, of a program that needs no packages.
        self.small = self.copy("small/petstore-component")
        with open(os.path.join(self.small, "component.json"), encoding="utf-8") as file:
            definition = {**json.load(file), "command": ["true"]}
        with open(os.path.join(self.small, "component.json"), "w", encoding="utf-8") as file:
            json.dump(definition, file)
        os.remove(os.path.join(self.small, "package.json"))

    def run_command(self, *arguments, code=0):
        result = subprocess.run([MILLRACE, *arguments], capture_output=True, text=True, timeout=350)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout if code == 0 else result.stderr

    def component(self, *arguments, code=0):
        return self.run_command("component", *arguments, "--data", self.data, code=code)

    def file(self, text, name="flow.yaml"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def copy(self, name="broken", **files):
        """The petstore without packages, some of its files written anew (None: deleted)."""
        path = os.path.join(self.folder, name)
        shutil.copytree(PETSTORE, path)
        for file, text in files.items():
            file = os.path.join(path, file.replace("__", "."))
            if text is None:
                os.remove(file)
            else:
                with open(file, "w", encoding="utf-8") as opened:
                    opened.write(text)
        return path

    def nothing_is_left(self):
        folder = os.path.join(self.data, "components")
        return not os.path.exists(folder) or os.listdir(folder) == []

    def test_npm_installs_what_the_lock_file_says(self):
        self.assertIn("petstore  1.2.0  installed", self.component("add", PETSTORE))
        installed = os.path.join(self.data, "components", "petstore")
        self.assertTrue(os.path.exists(os.path.join(installed, "node_modules/elasticio-sailor-nodejs/run.js")))
        self.assertEqual(os.listdir(os.path.dirname(installed)), ["petstore"])

    def test_a_package_of_npm_is_fetched_and_named(self):
        with open(os.path.join(self.small, "package.json"), "w", encoding="utf-8") as file:
            json.dump({"name": "@acme/elasticio-pets-component", "version": "3.1.0"}, file)
        packed = subprocess.run(["npm", "pack", "--silent", "--pack-destination", self.folder, self.small], capture_output=True,
                                text=True, timeout=60, check=True).stdout.strip()
        self.assertIn("pets  3.1.0", self.component("add", "npm:" + os.path.join(self.folder, packed)))
        self.assertIn("pets.getPets", self.component("list"))

    def test_its_fields_are_those_of_component_json(self):
        self.component("add", self.small, "--env", "PETS_REGION=north")
        self.assertRegex(self.component("list"), r"petstore.createPet +action +Create a pet")
        shown = self.component("show", "petstore.getPets")
        for text in ("(polling trigger)", "every  duration", "apiKey  secret, required", "status  choice of available | sold, required",
                     "tags  list of cat | dog", "verbose  boolean, default true", "Emits, as JSON schema", '"name"'):
            self.assertIn(text, shown)
        self.assertIn("path  text, required", self.component("show", "petstore.onPet"))
        action = json.loads(self.component("show", "petstore.createPet", "--json"))
        self.assertEqual({field["name"]: field["type"] for field in action["fields"]},
                         {"apiKey": "secret", "url": "text", "kind": "text", "expression": "expression", "odd": "any"})
        self.assertTrue(action["metadata"]["dynamic"])
        schema = self.run_command("flow", "schema", "--data", self.data)
        self.assertIn("petstore.createPet", schema)
        self.assertNotIn("petstore", self.run_command("flow", "schema"))

    def test_flows_are_checked_by_them(self):
        self.component("add", self.small)
        def validate(text, code=2):
            return self.run_command("flow", "validate", self.file(text), "--data", self.data, code=code)
        self.assertIn("ok pets", validate(FLOW.format(status="sold"), code=0))
        self.assertIn("solid", validate(FLOW.format(status="solid")))
        error = validate(FLOW.format(status="sold").replace("apiKey", "apiKei"))
        self.assertIn("flow.yaml:5:", error)
        self.assertIn('did you mean "apiKey"?', error)
        self.assertIn("petstore.getPets", validate(FLOW.format(status="sold").replace("getPets", "getPet")))
        self.assertIn("every", validate(FLOW.format(status="sold").replace("every: 1h, ", "")))

    def test_what_published_components_write_is_understood(self):
        path = self.copy("shapes", component__json=json.dumps(SHAPES), package__json=None)
        self.component("add", path)
        look = self.component("show", "shapes.look")
        for text in ("(polling trigger)", "code  text, default", "Please select an object.", "chosen  list"):
            self.assertIn(text, look)
        self.assertIn("path  text, required", self.component("show", "shapes.listen"))
        self.assertIn("Deprecated.", self.component("show", "shapes.split"))
        transform = self.component("show", "shapes.transform")
        for text in ("Shapes it.", "auth  any", "choice of size | size&time", "size is Of fixed size", "By default: both."):
            self.assertIn(text, transform)
        self.assertIn("ok shapes", self.run_command("flow", "validate", self.file(SHAPES_FLOW), "--data", self.data))
        wrong = self.file(SHAPES_FLOW.replace("key: value }", "key: value"))
        self.assertIn("not valid JSONata", self.run_command("flow", "validate", wrong, "--data", self.data, code=2))

    def test_what_is_wrong_with_a_component_is_said_and_nothing_is_left(self):
        with open(os.path.join(PETSTORE, "component.json"), encoding="utf-8") as file:
            definition = json.load(file)
        def changed(**members):
            return json.dumps({**definition, **members})
        cases = [
            ("there is no component.json", self.copy("a", component__json=None)),
            ("component.json:2:3: is not JSON", self.copy("b", component__json='{\n  title }')),
            ("neither triggers nor actions", self.copy("c", component__json='{ "title": "x" }')),
            ("actions.a.main: missing", self.copy("d", component__json=changed(actions={"a": {"title": "x"}}))),
            ("actions.a.main: names ./gone.js", self.copy("e", component__json=changed(actions={"a": {"main": "./gone.js"}}))),
            ("a class of Java", self.copy("java", component__json=changed(
                actions={"a": {"main": "io.elastic.petstore.actions.CreatePet"}}))),
            ("triggers.t.metadata.out: names ./gone.json", self.copy("f", component__json=changed(
                triggers={"t": {"main": "./x.js", "metadata": {"out": "./gone.json"}}}))),
            ("triggers.t.type", self.copy("g", component__json=changed(triggers={"t": {"main": "x", "type": "polled"}}))),
            ("actions.a.fields.b: must be an object", self.copy("h", component__json=changed(
                actions={"a": {"main": "x", "fields": {"b": 1}}}))),
            ("command: names ./gone", self.copy("j", component__json=changed(command=["./gone"]))),
            ("package.json is not there", self.copy("i", package__json=None)),
            ("there is no folder", os.path.join(self.folder, "gone")),
        ]
        for expected, path in cases:
            with self.subTest(expected=expected):
                self.assertIn(expected, self.component("add", path, "--name", "broken", code=1))
                self.assertTrue(self.nothing_is_left())
        self.assertIn("is a component of Millrace itself", self.component("add", self.small, "--name", "http", code=1))
        self.assertIn("cannot be a component's name", self.component("add", self.small, "--name", "A b", code=1))
        self.assertIn("no source", self.component("add", "npm:", code=2))

    def test_npms_own_words_are_shown_when_it_fails(self):
        package = json.dumps({"name": "x", "version": "1.0.0", "dependencies": {"elasticio-sailor-nodejs": "0.0.99"}})
        path = self.copy(package__json=package)
        os.remove(os.path.join(path, "package-lock.json"))
        error = self.component("add", path, "--name", "broken", code=1)
        self.assertIn("`npm install", error)
        self.assertIn("npm error", error)
        self.assertTrue(self.nothing_is_left())

    def test_a_running_platform_takes_it_without_a_restart_and_gives_it_up_again(self):
        with Serve(self.data) as served:
            client = served.client()
            self.assertIn("there is no trigger", client.deploy("pets", FLOW.format(status="sold")).body.decode())
            self.component("add", self.small)
            self.assertEqual(client.deploy("pets", FLOW.format(status="sold")).status, 201)
            shown = client.get("/v1/components/petstore").json
            self.assertEqual(shown["installed"]["version"], "1.2.0")
            self.assertEqual(shown["definition"]["title"], "Petstore API")
            self.assertIn("PETS_REGION", shown["notes"][0])
            listed = {item["name"]: item["installed"] for item in client.get("/v1/components").json["items"]}
            self.assertIsNone(listed["http"])
            self.assertEqual(listed["petstore"]["source"], self.small)
            self.assertIn("already", self.component("add", self.small, code=1))
            self.component("add", self.small, "--replace")
            self.assertIn("used by the flow pets", self.component("remove", "petstore", code=1))
            far = ("--server", "http://" + served.api, "--token-file", os.path.join(served.data, "admin.token"))
            self.assertIn("petstore.getPets", self.run_command("component", "list", *far))
            self.assertIn("apiKey", self.run_command("component", "show", "petstore.getPets", *far))
            millrace("flow", "delete", "pets", "--discard", "--data", self.data)
            until(lambda: client.get("/v1/flows/pets").status == 404, 20, lambda: "the flow is still there")
            self.assertIn("removed", self.component("remove", "petstore"))
            self.assertEqual(client.get("/v1/components/petstore").status, 404)
            actions = [entry["action"] for entry in client.get("/v1/audit").json["items"]]
            self.assertEqual(actions.count("component.add"), 2)
            self.assertEqual(actions.count("component.remove"), 1)
            self.assertEqual(client.post("/v1/components", {"source": "relative"}).status, 400)
            self.assertEqual(client.post("/v1/components", {"sauce": "/x"}).status, 400)
            self.assertEqual(client.get("/v1/component-installations/none").status, 404)

    def test_it_is_asked_for_credentials_schemas_and_choices(self):
        self.component("add", self.complete)
        def ask(*arguments, config, code=0):
            return self.component(*arguments, "--config", json.dumps(config), code=code)
        self.assertIn('"verified": true', ask("verify", "petstore", config={"apiKey": "good"}))
        bad = millrace("component", "verify", "petstore", "--config", '{"apiKey": "bad"}', "--data", self.data)
        self.assertEqual((bad.returncode, json.loads(bad.stdout)), (1, {"verified": False, "reason": "the key is not good"}))
        self.assertIn('"name"', ask("metadata", "petstore.createPet", config={}))
        self.assertIn('"name"', ask("metadata", "petstore.getPets", config={}))
        with Serve(self.data) as served:
            self.assertIn("Dog of here", ask("select", "petstore.createPet", "kind", config={"url": "here"}))
            self.assertIn('"sold": "Sold"', ask("select", "petstore.getPets", "status", config={}))
            self.assertIn("no field", ask("select", "petstore.createPet", "kimd", config={}, code=1))
            self.assertIn("any value", ask("select", "petstore.createPet", "odd", config={}, code=1))
            client = served.client()
            self.assertEqual(client.post("/v1/components/petstore/verify", {"config": {"apiKey": "good"}}).json["verified"], True)
            self.assertEqual(client.post("/v1/components/petstore/select", {"function": "createPet"}).status, 400)
            self.assertEqual(client.post("/v1/components/nobody/verify", {}).status, 404)
        with open(os.path.join(self.data, "components/petstore/lib/actions/createPet.js"), "w", encoding="utf-8") as file:
            file.write("console.log('the reason why'); process.exit(3);\n")
        error = ask("metadata", "petstore.createPet", config={}, code=1)
        self.assertIn("exit code 3", error)
        self.assertIn("the reason why", error)

    def test_a_flow_waits_for_its_component_and_runs_once_it_is_there(self):
        self.component("add", self.small)
        with Serve(self.data) as served:
            self.assertEqual(served.client().deploy("pets", FLOW.format(status="sold")).status, 201)
            served.kill()
            shutil.move(os.path.join(self.data, "components/petstore"), os.path.join(self.folder, "away"))
            served.start()
            client = served.client()
            self.assertIn("petstore.getPets", client.get("/v1/flows/pets").json["problems"][0])
            self.component("add", os.path.join(self.folder, "away"), "--name", "petstore")
            until(lambda: client.get("/v1/flows/pets").json["problems"] == [], 20, lambda: "the flow does not run")

    def test_what_a_crash_left_is_swept_and_a_damaged_component_harms_no_other(self):
        self.component("add", self.small)
        folder = os.path.join(self.data, "components")
        os.makedirs(os.path.join(folder, ".new-0123", "half"))
        shutil.copytree(os.path.join(folder, "petstore"), os.path.join(folder, "damaged"), symlinks=True)
        with open(os.path.join(folder, "damaged", "component.json"), "w", encoding="utf-8") as file:
            file.write("{")
        with Serve(self.data) as served:
            self.assertEqual(sorted(os.listdir(folder)), ["damaged", "petstore"])
            self.assertTrue(any("damaged" in line and "component.json:1:2" in line for line in served.errors), served.errors)
            self.assertEqual(served.client().get("/v1/components/petstore").status, 200)
            self.assertIn("removed", self.component("remove", "damaged"))


if __name__ == "__main__":
    unittest.main()
