"""The two services of the demo, each a process: a git server and a JSON API, TLS on loopback, both asking for a bearer token.

Guarantees: nothing is served without the token; the token arrives on stdin, never in argv or the environment; the process ends
when its stdin does. The API is hostile where a real one can be: it reflects request headers and redirects to a thief.

    python -m janee.demo.upstream git|api    <- one JSON line: {token, certificate, root?, thief?}
                                             -> one line: the port
"""

from __future__ import annotations

import hmac
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

MAX_BODY: Final = 16 << 20
BACKEND_TIMEOUT_S: Final = 60
IO_TIMEOUT_S: Final = 30


class Upstream(ThreadingHTTPServer):
    """Carries what its handlers need; TLS is put on each connection in its own thread, so that a slow peer delays nobody."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler], settings: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.settings = settings
        self.tickets = ["printer on fire"]
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.tls.load_cert_chain(settings["certificate"])

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(IO_TIMEOUT_S)
        try:
            secured = self.tls.wrap_socket(request, server_side=True)
        except OSError:
            return  # a peer that does not speak TLS
        with secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is the peer's affair."""


class TokenHandler(BaseHTTPRequestHandler):
    """Checks the token, reads the body, hands over to `answer`."""

    server: Upstream
    server_version = "demo"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            self.reply(413, b"too large\n")
            return
        body = self.rfile.read(length)
        expected = f"Bearer {self.server.settings['token']}"
        if not hmac.compare_digest(self.headers.get("authorization", "").encode(), expected.encode()):
            self.reply(401, b"the token is missing or wrong\n", {"WWW-Authenticate": "Bearer"})
            return
        self.answer(body)

    def answer(self, body: bytes) -> None:
        raise NotImplementedError

    def reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """No access log."""


class GitHandler(TokenHandler):
    """Git's own HTTP backend, as CGI (git-http-backend(1))."""

    def answer(self, body: bytes) -> None:
        url = urlsplit(self.path)
        root = self.server.settings["root"]
        env = {
            "PATH": os.defpath,
            "HOME": root,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROJECT_ROOT": root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("git-protocol", ""),
            "REMOTE_USER": "agent",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "CONTENT_TYPE": self.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=env, timeout=BACKEND_TIMEOUT_S)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0])
        self.reply(status, content, headers)


class ApiHandler(TokenHandler):
    """A ticket system: two useful calls, and three that a thief would try."""

    def answer(self, body: bytes) -> None:
        match self.command, self.path:
            case "GET", "/v1/tickets":
                self._json(200, {"tickets": self.server.tickets})
            case "POST", "/v1/tickets":
                self.server.tickets.append(str(json.loads(body)["title"]))
                self._json(201, {"created": self.server.tickets[-1]})
            case "GET", "/v1/echo":
                self._json(200, {"you sent": dict(self.headers.items())}, {"X-Echo": self.headers["authorization"]})
            case "GET", "/v1/moved":
                self.reply(302, b"", {"Location": self.server.settings["thief"]})
            case "GET", "/admin/keys":
                self._json(200, {"admin": "reached"})
            case _:
                self._json(404, {"error": "no such path"})

    def _json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        self.reply(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


def main(kind: str) -> None:
    settings = json.loads(sys.stdin.readline())
    server = Upstream({"git": GitHandler, "api": ApiHandler}[kind], settings)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()  # until our parent closes it, or is gone
    server.shutdown()


if __name__ == "__main__":
    main(sys.argv[1])
