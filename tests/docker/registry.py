"""A fake registry of images (https://distribution.github.io/distribution/spec/api/), for one image and one login: just what a pull asks."""
import base64
import gzip
import hashlib
import http.server
import io
import json
import tarfile
import threading


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer(files, folder):
    """A tar with `files` (name: text) in `folder`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


class FakeRegistry:
    """Has NAME:TAG, an image of `files` in its working directory, for who logs in as `user`. `logins`: who has asked, None for nobody."""

    def __init__(self, name, tag, files, user, password):
        self.logins = set()
        tar = layer(files, "app")
        packed = gzip.compress(tar)
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"WorkingDir": "/app", "Cmd": ["none"]},
                             "rootfs": {"type": "layers", "diff_ids": [digest(tar)]}}).encode()
        kind = "application/vnd.docker."
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": f"{kind}distribution.manifest.v2+json",
            "config": {"mediaType": f"{kind}container.image.v1+json", "size": len(config), "digest": digest(config)},
            "layers": [{"mediaType": f"{kind}image.rootfs.diff.tar.gzip", "size": len(packed), "digest": digest(packed)}]}).encode()
        answers = {"/v2/": b"{}"}
        for blob in (config, packed):
            answers[f"/v2/{name}/blobs/{digest(blob)}"] = blob
        for reference in (tag, digest(manifest)):
            answers[f"/v2/{name}/manifests/{reference}"] = manifest
        registry = self
        wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                login = self.headers.get("Authorization")
                registry.logins.add(login and base64.b64decode(login.split()[1]).decode())
                if login != wanted:
                    return self.answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
                if self.path not in answers:
                    return self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
                self.answer(200, answers[self.path])

            do_HEAD = do_GET

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="fake"')
                if body is manifest:
                    self.send_header("Docker-Content-Digest", digest(body))
                self.send_header("Content-Type", f"{kind}distribution.manifest.v2+json" if body is manifest else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.image = f"{self.host}/{name}:{tag}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
