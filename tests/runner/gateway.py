"""A gateway for the relay's tests: the Authority's end of `janee.tunnel`, with a script instead of a service."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from janee.runner.order import AuthorityAddress
from janee.runner.relay import Egress, Relay, Target
from janee.runner.tls import make_trust
from janee.secret import Secret
from janee.tunnel import STREAM_HEADER, Direction, EgressKey, FrameKind, TunnelReader, TunnelWriter, parse_json

KEY = EgressKey("g_relay", Secret(bytes(range(32))))
NOW = 1_800_000_000.0


@dataclass
class Asked:
    """One stream. body: pieces, read as the script asks for them."""

    head: dict[str, Any]
    body: Iterator[bytes]
    handler: BaseHTTPRequestHandler
    down: TunnelWriter

    def send(self, frames: bytes) -> None:
        self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(frames), frames))

    def answer(self, status: int = 200, *headers: tuple[str, str], body: bytes = b"", length: int | None = None) -> None:
        head = {"status": status, "reason": "Said So", "headers": list(headers), "length": length}
        self.send(self.down.head(head) + self.down.data(body) + self.down.end())


Script = Callable[[Asked], None]


def echo(asked: Asked) -> None:
    body = b"".join(asked.body)
    asked.answer(200, ("x-gateway", "1"), body=json.dumps(asked.head).encode() + b"\n" + body)


@dataclass
class Gateway:
    address: AuthorityAddress
    script: Script = echo
    asked: list[dict[str, Any]] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    connections: int = 0


def _frames(handler: BaseHTTPRequestHandler, reader: TunnelReader) -> Iterator[tuple[FrameKind, bytes]]:
    while (size := int(handler.rfile.readline(), 16)) > 0:
        data = handler.rfile.read(size)
        handler.rfile.readline()
        yield from list(reader.feed(data))
    handler.rfile.readline()


@contextlib.contextmanager
def serving(script: Script = echo) -> Iterator[Gateway]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            gateway.connections += 1
            super().setup()

        def do_POST(self) -> None:
            text = self.headers[STREAM_HEADER]
            gateway.streams.append(text)
            stream_id = base64.urlsafe_b64decode(text + "==")
            frames = _frames(self, TunnelReader(KEY, stream_id, Direction.UP))
            kind, payload = next(frames)
            assert kind is FrameKind.HEAD
            head = parse_json(payload)
            gateway.asked.append(head)
            body = (piece for kind, piece in frames if kind is FrameKind.DATA)
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with contextlib.suppress(OSError):
                gateway.script(Asked(head, body, self, TunnelWriter(KEY, stream_id, Direction.DOWN)))
                self.wfile.write(b"0\r\n\r\n")
                for _ in body:
                    pass

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    port = server.server_address[1]
    gateway = Gateway(AuthorityAddress("127.0.0.1", port, f"127.0.0.1:{port}"), script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Served:
    """A relay process before a gateway, with one listener for https and one for http. ports: of localhost, where they are."""

    relay: Relay
    https: int
    http: int
    client: ssl.SSLContext

    def connect(self, scheme: str = "https") -> socket.socket:
        plain = socket.create_connection(("127.0.0.1", self.https if scheme == "https" else self.http), 20)
        return plain if scheme == "http" else self.client.wrap_socket(plain, server_hostname="localhost")

    def ask(self, raw: bytes, scheme: str = "https", *, until: bytes | None = None) -> bytes:
        """Send bytes, and all that comes back until the relay closes, or until these bytes."""
        received = b""
        with self.connect(scheme) as connection:
            try:
                connection.sendall(raw)
                if scheme == "http":
                    connection.shutdown(socket.SHUT_WR)
                while data := connection.recv(1 << 16):
                    received += data
                    if until is not None and until in received:
                        break
            except OSError:
                received += b"reset"
        return received

    def host(self, scheme: str = "https") -> bytes:
        return f"localhost:{self.https if scheme == 'https' else self.http}".encode()


@contextlib.contextmanager
def relaying(address: AuthorityAddress, *, now: float) -> Iterator[Served]:
    relay = Relay.fork()
    with socket.create_server(("127.0.0.1", 0)) as https, socket.create_server(("127.0.0.1", 0)) as http:
        ports = [listener.getsockname()[1] for listener in (https, http)]
        targets = [Target("localhost", port) for port in ports]
        trust = make_trust(["localhost"], now=now, life_s=60)
        schemes = dict(zip(targets, ("https", "http"), strict=True))
        relay.start(targets, [https, http], allow_private=False, egress=Egress(schemes, KEY, trust.leaf, address))
    client = ssl.create_default_context(cadata=trust.ca.decode())
    try:
        yield Served(relay, ports[0], ports[1], client)
    finally:
        relay.close()
        os.waitpid(relay._pid, 0)
