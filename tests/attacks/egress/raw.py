"""A service that reads and writes bytes as its script says: what no HTTP library would do."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.authority.echo import Service
from tests.authority.egress.client import EGRESS_CONFIG, World
from tests.authority.live import make_home, running

RawScript = Callable[[socket.socket], None]


@contextlib.contextmanager
def raw_world(directory: Path, script: RawScript) -> Iterator[World]:
    """An Authority whose services are all `script`, called once for each connection."""
    connections: list[int] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            connections.append(1)
            self.request.settimeout(30)
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(OSError):
                script(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        allow_reuse_address = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        home, environ = make_home(directory, EGRESS_CONFIG.format(port=server.server_address[1]))
        try:
            with running(home, environ) as live:
                yield World(live, Service(server.server_address[1]))
        finally:
            server.shutdown()


def read_head(connection: socket.socket, kept: bytes = b"") -> tuple[bytes, bytes]:
    """The next head, and what came after it. Raises OSError: the connection ended."""
    while b"\r\n\r\n" not in kept:
        data = connection.recv(65536)
        if not data:
            raise ConnectionResetError
        kept += data
    head, _, rest = kept.partition(b"\r\n\r\n")
    return head, rest


def answer(body: bytes = b"ok", *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
