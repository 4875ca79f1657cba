"""A stand-in for a CMS: POST /posts makes a post, GET /posts lists them. A repeated Idempotency-Key makes no second post.

Run alone: /usr/bin/python3 cms.py [PORT]
"""
import http.server
import json
import sys
import threading


class Cms:
    """Listens on 127.0.0.1:`port` (0: any free one) from its making to close()."""

    def __init__(self, port=0, on_post=lambda post: None):
        self._posts = {}  # by idempotency key
        self._changed = threading.Condition()
        cms = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    post = json.loads(body)
                except ValueError:
                    return self.answer(400, {"error": "not JSON"})
                if self.path != "/posts" or not isinstance(post, dict):
                    return self.answer(404, {"error": "POST an object to /posts"})
                self.answer(201, cms.add(self.headers.get("Idempotency-Key"), post, on_post))

            def do_GET(self):
                self.answer(200, cms.posts)

            def answer(self, status, value):
                body = (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def posts(self):
        with self._changed:
            return list(self._posts.values())

    def add(self, key, post, on_post):
        with self._changed:
            number = len(self._posts) + 1
            key = key or f"no key {number}"
            if key in self._posts:
                return self._posts[key]
            post = self._posts[key] = {"id": str(number), **post}
            self._changed.notify_all()
        on_post(post)
        return post

    def wait_for(self, count, seconds):
        """Whether there are `count` posts within that time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._posts) >= count, seconds)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


if __name__ == "__main__":
    server = Cms(int(sys.argv[1]) if len(sys.argv) > 1 else 0, on_post=print)
    print(f"{server.url}/posts", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.close()
