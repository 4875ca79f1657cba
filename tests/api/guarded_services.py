"""Services that ask for a login: one over HTTP, two over SMTP."""
import base64
import http.server
import json
import re
import socket
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Service:
    """A service that lets in who shows what it wants, and echoes all it was shown, refused or not."""

    def __init__(self):
        self.wanted = None  # (header name, value), or a path with its query
        self.accepts = None  # instead: what says whether an Authorization header is good
        self.seen = []
        self._let_in = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                shown = (self.path, dict(self.headers))
                service.seen.append(shown)
                good = service.is_good(self.path, self.headers)
                if good:
                    service._let_in.append(self.headers.get("Idempotency-Key"))
                body = json.dumps({"path": self.path, "headers": shown[1]}).encode()
                self.send_response(200 if good else 401)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def let_in(self):
        """Messages that were; one that comes again after a kill counts once."""
        return len(set(self._let_in))

    def is_good(self, path, headers):
        if self.accepts is not None:
            return self.accepts(headers.get("Authorization"))
        name, value = self.wanted or ("path", None)
        return path == value if name == "path" else headers.get(name) == value

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class MailServer:
    """A real SMTP server that takes mails from one user only."""

    def __init__(self, username, password):
        self.mails = []
        self.refused = 0
        server = self

        class Handler:
            async def handle_DATA(self, _server, _session, envelope):
                server.mails.append(envelope)
                return "250 OK"

        def authenticate(_server, _session, _envelope, _mechanism, shown):
            good = (shown.login, shown.password) == (username.encode(), password.encode())
            server.refused += not good
            return AuthResult(success=good, handled=False)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        self.controller = Controller(Handler(), hostname="127.0.0.1", port=port, authenticator=authenticate,
                                     auth_required=True, auth_require_tls=False)
        self.controller.start()
        self.url = f"smtp://127.0.0.1:{port}"

    def close(self):
        self.controller.stop()


class TokenMailServer:
    """A real SMTP server that takes mails from one mailbox, with a token of OAuth 2.0 only (XOAUTH2, as Google and Microsoft
    describe it)."""

    def __init__(self, mailbox, accepts):
        self.mails = []
        self.refused = 0
        server = self

        class Handler:
            async def auth_XOAUTH2(self, session, arguments):
                given = arguments[1].encode() if len(arguments) > 1 else None
                shown = base64.b64decode(given) if given else await session.challenge_auth("")
                found = re.fullmatch(r"user=([^\x01]+)\x01auth=(Bearer [^\x01]+)\x01\x01", shown.decode())
                if found and found[1] == mailbox and accepts(found[2]):
                    return AuthResult(success=True, auth_data=mailbox)
                server.refused += 1
                await session.challenge_auth('{"status":"401"}')  # which the client answers with nothing
                return AuthResult(success=False, handled=False)

            async def handle_DATA(self, _server, _session, envelope):
                server.mails.append(envelope)
                return "250 OK"

        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        self.controller = Controller(Handler(), hostname="127.0.0.1", port=port, auth_required=True, auth_require_tls=False,
                                     auth_exclude_mechanism=["LOGIN", "PLAIN"])
        self.controller.start()
        self.url = f"smtp://127.0.0.1:{port}"

    def close(self):
        self.controller.stop()
