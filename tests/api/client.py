"""A client of the API that checks every response against docs/openapi.yaml, and a `millrace serve` to talk to."""
import hashlib
import http.client
import json
import os
import re
import subprocess
import threading
import urllib.parse

import jsonschema
import yaml

from running import MILLRACE, until

SERVER = os.environ.get("MILLRACE_TEST_POSTGRESQL")  # where the store is, if not in the data folder
DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/openapi.yaml")


class Document:
    """docs/openapi.yaml, and whether a response is one of those that it describes."""

    def __init__(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            self.root = yaml.safe_load(file)
        self.patterns = []
        for path, item in self.root["paths"].items():
            pattern = re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", path) + "$")
            # The more of a path is literal, the better it fits.
            self.patterns.append((path.count("{"), pattern, path, item))
        self.patterns.sort(key=lambda entry: entry[0])

    def operations(self):
        """(method, path, operation) of each."""
        for path, item in self.root["paths"].items():
            for method in ("get", "put", "post", "delete", "patch"):
                if method in item:
                    yield method.upper(), path, item[method]

    def find(self, method, path):
        for _, pattern, _, item in self.patterns:
            if pattern.match(path) and method.lower() in item:
                return item[method.lower()]
        return None

    def resolve(self, node):
        while "$ref" in node:
            found = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def check(self, method, path, status, headers, body):
        """Raises AssertionError if the response is not as described."""
        operation = self.find(method, path)
        place = f"{method} {path} → {status}"
        if operation is None:
            assert status in (401, 404, 405), f"{place} is not described"
            described = self.resolve({"$ref": "#/components/responses/Problem"})
        else:
            responses = operation["responses"]
            assert str(status) in responses or (status >= 400 and "default" in responses), f"{place} is not described"
            described = self.resolve(responses.get(str(status)) or responses["default"])
        for name in described.get("headers", {}):
            assert name.lower() in headers, f"{place} lacks the header {name}"
        if "content" not in described:
            assert body == b"", f"{place} has a body that is not described"
            return
        media_type = headers["content-type"].split(";")[0]
        assert media_type in described["content"], f"{place} is {media_type}"
        if not media_type.endswith("json"):
            return
        schema = {**described["content"][media_type]["schema"], "components": self.root["components"]}
        try:
            jsonschema.Draft202012Validator(schema).validate(json.loads(body))
        except jsonschema.ValidationError as error:
            raise AssertionError(f"{place}: {error.message} at {list(error.absolute_path)}: {body[:500]}") from error
        if status >= 400:
            assert json.loads(body)["status"] == status, place


DESCRIBED = Document()


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    def __init__(self, address, token):
        self.address = address
        self.token = token

    def ask(self, method, path, body=None, content_type="application/json", check=True, **headers):
        url = urllib.parse.urlsplit(self.address)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        if body is not None:
            sent["Content-Type"] = content_type
            body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            received = {k.lower(): v for k, v in response.getheaders()}
            endless = received.get("content-type") == "text/event-stream"
            answer = Answer(response.status, received, b"" if endless else response.read())
        finally:
            connection.close()
        if check:
            DESCRIBED.check(method, path.split("?")[0], answer.status, answer.headers, answer.body)
        return answer

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.ask("POST", path, body, **options)

    def put_draft(self, flow, text, **options):
        return self.ask("PUT", f"/v1/flows/{flow}/draft", text, "application/yaml", **options)

    def deploy(self, flow, text):
        """Saves over whatever there is, and publishes."""
        saved = self.put_draft(flow, text, If_Match="*") if self.get(f"/v1/flows/{flow}").status == 200 else \
            self.put_draft(flow, text)
        assert saved.status in (200, 201), saved.body
        return self.post(f"/v1/flows/{flow}/versions", If_Match=saved.headers["etag"])


def schema_of(data):
    """In the database that tests/postgresql/server.py gives, a schema for each data folder: its URL."""
    name = "s" + hashlib.sha256(data.encode()).hexdigest()[:16]
    subprocess.run(["psql", "-X", "-q", SERVER, "-c", "SET client_min_messages = error", "-c", f"CREATE SCHEMA IF NOT EXISTS {name}"],
                   check=True)
    return f"{SERVER}?options=-csearch_path%3D{name}"


class Serve:
    """`millrace serve` in the background, from "ready" on; kill() and start() at will, on the same addresses."""

    def __init__(self, data, environment=None, arguments=()):
        self.data = data
        self.environment = environment or {}
        self.arguments = arguments
        self.http = self.api = "127.0.0.1:0"
        self.process = None
        self.errors = []
        if SERVER:
            self.environment = {**self.environment, "MILLRACE_STORE": schema_of(data)}
        self.start()

    def start(self):
        self.lines = []
        self.process = subprocess.Popen(
            [MILLRACE, "serve", "--data", self.data, "--http", self.http, "--api", self.api, *self.arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **self.environment})
        self._threads = [threading.Thread(target=self._read, args=pair, daemon=True)
                         for pair in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))]
        for thread in self._threads:
            thread.start()
        until(lambda: "ready" in self.lines, 30, lambda: f"not ready: {self.lines} {self.errors}",
              give_up=lambda: self.process.poll() is not None)
        address = next(line.split()[1] for line in self.lines if line.startswith("api "))
        self.api = address.removeprefix("http://")

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    @property
    def token(self):
        with open(os.path.join(self.data, "admin.token"), encoding="utf-8") as file:
            return file.read().strip()

    def client(self, token=None):
        return Client("http://" + self.api, self.token if token is None else token)

    def kill(self):
        self.process.kill()
        self._end()

    def stop(self):
        self.process.terminate()
        return self._end()

    def _end(self):
        code = self.process.wait(30)
        for thread in self._threads:
            thread.join(10)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


class Stream:
    """Server-sent events of one path, as they come: (event, id, data)."""

    def __init__(self, served, path, **headers):
        self.events = []
        self.ended = False
        host, port = served.api.split(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=60)
        self.connection.request("GET", path, headers={"Accept": "text/event-stream", "Authorization": "Bearer " + served.token,
                                                      **{name.replace("_", "-"): value for name, value in headers.items()}})
        self.response = self.connection.getresponse()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        event = {}
        for line in self.response:
            text = line.decode().rstrip("\n")
            if text and not text.startswith(":"):
                name, value = text.split(": ", 1)
                event[name] = value
            elif event:
                self.events.append((event.get("event"), event.get("id"), json.loads(event["data"])))
                event = {}
        self.ended = True
