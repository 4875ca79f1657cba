"""An OpenTelemetry collector for tests: takes OTLP over HTTP in JSON, and refuses what is not as the specification has it
(https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding; field names of opentelemetry/proto/trace/v1/trace.proto)."""
import http.server
import json
import threading

import jsonschema

TEXT = {"type": "string"}
NUMBER_AS_TEXT = {"type": "string", "pattern": "^-?[0-9]+$"}


def only(required, optional=None):
    """An object with these members and no other."""
    return {"type": "object", "additionalProperties": False, "required": list(required),
            "properties": {**required, **(optional or {})}}


def many(items):
    return {"type": "array", "items": items}


VALUE = {"oneOf": [only({"stringValue": TEXT}), only({"intValue": NUMBER_AS_TEXT}), only({"boolValue": {"type": "boolean"}})]}
ATTRIBUTES = many(only({"key": {"type": "string", "minLength": 1}, "value": VALUE}))
SPAN = only(
    {"traceId": {"type": "string", "pattern": "^[0-9a-f]{32}$"}, "spanId": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
     "name": {"type": "string", "minLength": 1}, "kind": {"enum": [1, 2, 3, 4, 5]},
     "startTimeUnixNano": {"type": "string", "pattern": "^[0-9]{19}$"}, "endTimeUnixNano": {"type": "string", "pattern": "^[0-9]{19}$"},
     "attributes": ATTRIBUTES},
    {"parentSpanId": {"type": "string", "pattern": "^[0-9a-f]{16}$"}, "traceState": TEXT,
     "flags": {"type": "integer", "minimum": 0, "maximum": 0xffffffff},
     "status": only({}, {"message": TEXT, "code": {"enum": [0, 1, 2]}})})
REQUEST = only({"resourceSpans": many(only({
    "resource": only({"attributes": ATTRIBUTES}),
    "scopeSpans": many(only({"scope": only({"name": TEXT}, {"version": TEXT}), "spans": many(SPAN)}))}))})

KINDS = {1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}


class Span:
    def __init__(self, raw):
        self.trace, self.id, self.parent = raw["traceId"], raw["spanId"], raw.get("parentSpanId")
        self.name, self.kind, self.state = raw["name"], KINDS[raw["kind"]], raw.get("traceState")
        self.begin, self.end = int(raw["startTimeUnixNano"]), int(raw["endTimeUnixNano"])
        self.status = raw.get("status", {})
        self.attributes = {}
        for one in raw["attributes"]:
            assert one["key"] not in self.attributes, f"{one['key']} stands there twice"
            (kind, value), = one["value"].items()
            self.attributes[one["key"]] = int(value) if kind == "intValue" else value

    @property
    def step(self):
        return self.attributes["millrace.step"]

    def __repr__(self):
        return f"{self.kind} {self.name} {self.id} below {self.parent} {self.status}"


class Collector:
    """On a port of 127.0.0.1. `status`: what it answers."""

    def __init__(self, port=0):
        self.spans = []
        self.requests = []  # headers of each
        self.resources = []
        self.faults = []
        self.status = 200
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector.take(self.path, dict(self.headers), body) if collector.status == 200 else collector.status
                answer = b"{}"
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, headers, body):
        try:
            assert path == "/v1/traces", path
            assert headers["Content-Type"] == "application/json", headers
            request = json.loads(body)
            jsonschema.Draft202012Validator(REQUEST).validate(request)
            spans = []
            for resource in request["resourceSpans"]:
                self.resources.append({one["key"]: one["value"]["stringValue"] for one in resource["resource"]["attributes"]})
                spans += [Span(raw) for scope in resource["scopeSpans"] for raw in scope["spans"]]
            for span in spans:
                assert span.begin <= span.end, span
        except (AssertionError, ValueError, KeyError, jsonschema.ValidationError) as fault:
            self.faults.append(str(fault)[:2000])
            return 400
        self.requests.append(headers)
        self.spans += spans
        return 200

    def of(self, trace):
        return [span for span in self.spans if span.trace == trace]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
