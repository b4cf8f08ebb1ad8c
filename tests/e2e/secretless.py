"""A real service over TLS that asks for a credential, a remote Authority that has it, and a Runner that must never hold it."""

from __future__ import annotations

import base64
import ipaddress
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.attacks.runner.test_secrets import memory_holds
from tests.runner.rig import McpClient, Rig, argv_of, descendants, free_port

CREDENTIAL = "ghp_R3alCr3dentialOfTheTools0123456789ab"

CONFIG = """\
version: "0.3.0"
services:
  svc:
    baseUrl: https://localhost:{port}
    allowPrivate: true
    ca: {ca}
    auth: {{type: bearer}}
capabilities:
  run:
    service: svc
    mode: exec
    allowCommands: [{{argv: [sh], rest: any}}]
    allowedAgents: [local, "runner:default"]
    workspace: write
    env: {{TOKEN: "{{{{credential}}}}", BASIC: "{{{{basic:x-access-token}}}}"}}
    timeout: 120000
"""


def write_certificate(directory: Path, *more: str) -> tuple[Path, Path]:
    """A CA that is its own server's leaf: PEM files of the certificate, and of the key. more: names beside localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Service of the tests")])
    now = datetime.now(UTC)
    names = [*(x509.DNSName(name) for name in ("localhost", *more)), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=5))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_pem = directory / "service.pem", directory / "service.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_pem.write_bytes(key.private_bytes(*encoding))
    return pem, key_pem


class Handler(BaseHTTPRequestHandler):
    """What a service's test subclasses. Counts who comes with the credential, and looks into the Runner meanwhile."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    place: Place

    def is_authorized(self) -> bool:
        """Whether the real credential was sent. The look comes now: while the command waits for this very answer."""
        scheme, _, value = (self.headers.get("authorization") or "").partition(" ")
        if scheme.lower() == "basic":
            with suppress(ValueError):
                value = base64.b64decode(value).decode().partition(":")[2]
        if value != CREDENTIAL:
            return False
        self.place.look()
        return True

    def body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            parts = []
            while (size := int(self.rfile.readline(), 16)) > 0:
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("content-length", "0")))

    def reply(self, status: int, body: bytes = b"", *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@dataclass
class Place:
    """One service, its Authority and one Runner. authorized: requests that came with the real credential."""

    rig: Rig
    port: int
    workspace: Path
    client: McpClient
    authorized: int = 0
    holders: set[int] = field(default_factory=set)
    looked_into: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def look(self) -> None:
        """Look for the credential in every process on the Runner's side."""
        raw = CREDENTIAL.encode()
        inner = [base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)]
        with self._lock:
            self.authorized += 1
            if self.authorized > 3 or os.getuid() != 0:
                return
            family = {pid for pid in descendants(self.client.process.pid) | {self.client.process.pid} if not _is_authority(pid)}
            self.looked_into += len(family)
            self.holders |= {pid for pid in family if memory_holds(pid, [raw, raw[::-1], raw.hex().encode(), *inner])}

    def exec(self, *command: str, **more: Any) -> dict[str, Any]:
        """What the command did; on the way, the real credential was in no process of the Runner's."""
        arguments = {"capability": "run", "command": list(command), "cwd": str(self.workspace), **more}
        result = self.client.call("janee_exec", arguments, 150.0)
        assert "exitCode" in result, result
        assert self.holders == set(), "the credential was on the Runner's side"
        assert CREDENTIAL not in str(result)
        return result

    def sh(self, script: str, **more: Any) -> dict[str, Any]:
        (self.workspace / "script.sh").write_text(script)  # an argv rule takes no line breaks
        return self.exec("sh", "script.sh", **more)


class Way(StrEnum):
    """How the Runner reaches its Authority."""

    REMOTE = "remote"  # the published two commands
    TLS = "tls"
    ALONE = "alone"  # `janee serve`, with an Authority of its own behind a Unix socket


class _TlsRig(Rig):
    @property
    def url(self) -> str:
        return super().url.replace("http:", "https:")

    def runner_argv(self, *arguments: str) -> list[str]:
        return super().runner_argv("--authority-ca", str(self.root / "service.pem"), *arguments)


@contextmanager
def _runner(rig: Rig, way: Way, level: str) -> Iterator[McpClient]:
    if way is not Way.ALONE:
        rig.start_authority(
            *(
                ("--tls-cert", str(rig.root / "service.pem"), "--tls-key", str(rig.root / "service.key"))
                if way is Way.TLS
                else ()
            )
        )
        with rig.runner("--sandbox", level) as client:
            yield client
        return
    client = McpClient(rig.spawn("serve", "--sandbox", level))
    client.initialize()
    yield client


@contextmanager
def place(
    root: Path,
    handler: type[Handler],
    *,
    way: Way = Way.REMOTE,
    level: str = "strict",
    config: str = CONFIG,
    secrets: str = CREDENTIAL,
    names: tuple[str, ...] = (),
    kind: type[Rig] = Rig,
) -> Iterator[Place]:
    """secrets: one a line, as the service's auth type asks for them. names: of the service's certificate, beside localhost."""
    pem, key = write_certificate(root, *names)
    server = _Server(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    rig = (_TlsRig if way is Way.TLS else kind)(root, free_port())
    workspace = root / "work"
    for directory in (root / "home", workspace):
        directory.mkdir()
    try:
        rig.janee("init")
        (root / "janee" / "config.yaml").write_text(config.format(port=port, ca=pem))
        rig.janee("service", "set-secret", "svc", "--from-stdin", stdin=secrets)
        with _runner(rig, way, level) as client:
            opened = Place(rig, port, workspace, client)
            handler.place = opened
            yield opened
            assert leaking_files(workspace) == []
    finally:
        rig.close()
        server.shutdown()
        server.server_close()


def _is_authority(pid: int) -> bool:
    return b"\0authority\0" in argv_of(pid)


def leaking_files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and CREDENTIAL.encode() in path.read_bytes()]
