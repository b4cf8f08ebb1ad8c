"""Services that lie, never end, explode or are not who they say: the credential stays where it is, the Authority unharmed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import psutil
import pytest

from janee.authority.egress.heads import parse_head
from janee.authority.egress.refusal import RefusedError
from janee.authority.egress.upstream import Connections
from janee.config.schema import Auth, AuthType, Service
from tests.authority.echo import Seen, reply, serving
from tests.authority.egress.client import Relay, World
from tests.authority.live import SECRET, make_home, running
from tests.authority.test_server import make_certificate

MEBIBYTE = 1 << 20
TLS_CONFIG = """\
version: "0.3.0"
services:
  known: {{baseUrl: "https://localhost:{port}", allowPrivate: true, ca: {ca}, auth: {{type: bearer}}}}
  named: {{baseUrl: "https://127.0.0.1:{port}", allowPrivate: true, ca: {ca}, auth: {{type: bearer}}}}
  unknown: {{baseUrl: "https://localhost:{port}", allowPrivate: true, auth: {{type: bearer}}}}
capabilities:
  known: {{service: known, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{K: "{{{{credential}}}}"}}}}
  named: {{service: named, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{K: "{{{{credential}}}}"}}}}
  unknown: {{service: unknown, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{K: "{{{{credential}}}}"}}}}
"""


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("tls")
    cert, key = make_certificate(root)
    with serving(tls=(cert, key)) as service:
        home, environ = make_home(root, TLS_CONFIG.format(port=service.port, ca=cert))
        with running(home, environ) as live:
            yield World(live, service)


def with_credential(relay: Relay, host: str) -> dict[str, object]:
    head = relay.head("GET", "/", ("authorization", f"Bearer {relay.placeholder}"), scheme="https", host=host)
    head["headers"] = head["headers"][1:]
    return head


def test_a_service_with_a_certificate_of_the_operators_ca_gets_the_credential(tls: World) -> None:
    relay = tls.relay("known")
    assert [relay.ask(with_credential(relay, "localhost")).status for _ in range(3)] == [200] * 3
    seen = tls.service.seen[-1]
    assert seen.header("authorization") == f"Bearer {SECRET}" and seen.header("host") == f"localhost:{tls.service.port}"


@pytest.mark.parametrize(("capability", "host"), [("unknown", "localhost"), ("named", "127.0.0.1")])
def test_a_certificate_of_another_ca_or_name_is_refused_before_anything_is_sent(tls: World, capability: str, host: str) -> None:
    relay = tls.relay(capability)
    before = len(tls.service.seen)
    answer = relay.ask(with_credential(relay, host))
    assert answer.refusal == "UPSTREAM_FAILED" and "certificate" in answer.head["refused"]["message"]
    assert len(tls.service.seen) == before
    assert tls.completed(relay)[0]["error"] == "UPSTREAM_FAILED"


def resident(place: World) -> int:
    return psutil.Process(place.live.process.pid).memory_info().rss


def test_a_decompression_bomb_is_passed_on_in_pieces_and_fills_no_memory(place: World) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    packed = b"".join([packer.compress(bytes(MEBIBYTE)) for _ in range(80)]) + packer.flush()
    place.service.script = lambda seen, handler: reply(handler, 200, packed, Content_Encoding="gzip")
    relay = place.relay()
    relay.get()  # what is needed in any case is there
    before = resident(place)
    answer = relay.get()
    assert answer.is_whole and len(answer.body) == 80 * MEBIBYTE
    assert resident(place) - before < 40 * MEBIBYTE


def test_a_reader_that_stops_stops_the_service_too(place: World) -> None:
    sent = [0]

    def endless(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        handler.connection.settimeout(20)
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            while sent[0] < 400 * MEBIBYTE:
                handler.wfile.write(bytes(MEBIBYTE))
                sent[0] += MEBIBYTE

    place.service.script = endless
    relay = place.relay()
    before = resident(place)
    with relay.open() as stream:
        stream.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        stream.send(stream.writer.head(relay.head()) + stream.writer.end())
        stream.finish()
        stream.connection.recv(1000)
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < 1.5:  # until nothing moves for a while
            if seen != sent[0]:
                seen, since = sent[0], time.monotonic()
            time.sleep(0.02)
        assert sent[0] < 60 * MEBIBYTE and resident(place) - before < 60 * MEBIBYTE
    assert place.completed(relay)[0]["outcome"] in ("cancelled", "cut")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 999999 X\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\nX: y\r\n Z: w\r\n\r\n\0",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_an_answer_that_is_no_plain_http_is_refused_or_cut(place: World, head: bytes) -> None:
    def script(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head)
        handler.close_connection = True

    place.service.script = script
    relay = place.relay()
    answer = relay.get()
    assert answer.refusal in ("UPSTREAM_FAILED", "RESPONSE_REFUSED") or not answer.is_whole or answer.status == 200
    place.service.script = lambda seen, handler: reply(handler, 200, b"ok")
    assert relay.get().body == b"ok"


def test_the_rest_of_one_answer_is_never_taken_for_the_next(place: World) -> None:
    """A service that sends an answer too many, or too long, poisons no kept connection."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"

    def script(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst" + forged)
        handler.wfile.flush()

    place.service.script = script
    relay = place.relay()
    assert [relay.get().body for _ in range(3)] == [b"first"] * 3


def head_to(host: str, port: int) -> dict[str, object]:
    return {"kind": "http", "scheme": "http", "host": host, "port": port, "method": "GET", "target": "/", "headers": []}


@pytest.mark.parametrize(
    ("answers", "allow_private", "why"),
    [
        (["127.0.0.1"], False, "private or local"),
        (["10.0.0.1"], False, "private or local"),
        (["169.254.169.254"], True, "link-local or metadata"),
        (["100.100.100.200"], True, "link-local or metadata"),
        (["::ffff:127.0.0.1"], False, "private or local"),
        (["8.8.8.8", "127.0.0.1"], False, "public address|private or local"),
        (["8.8.8.8"], False, "without TLS"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused_before_a_connection(
    monkeypatch: pytest.MonkeyPatch, answers: list[str], allow_private: bool, why: str
) -> None:
    """What the resolver says is checked, all of it; what was checked is what is connected to (rebinding)."""
    asked: list[str] = []

    async def getaddrinfo(self: object, host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)
    service = Service("s", "http://rebound.example", Auth(AuthType.BEARER, ("key",)), allow_private=allow_private)

    async def take() -> None:
        await Connections().take(service, parse_head(head_to("rebound.example", 80)))

    with pytest.raises(RefusedError, match=why):
        asyncio.run(take())
    assert asked == ["rebound.example"]


def test_a_name_is_looked_up_once_for_a_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []
    real = asyncio.base_events.BaseEventLoop.getaddrinfo

    async def getaddrinfo(self: asyncio.AbstractEventLoop, host: str, port: int, **more: int) -> object:
        if host == "rebound.example":
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port))]
        return await real(self, host, port, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)
    with serving() as listening:
        base = f"http://rebound.example:{listening.port}"
        service = Service("s", base, Auth(AuthType.BEARER, ("key",)), allow_private=True)

        async def take() -> str:
            connections = Connections()
            connection = await connections.take(service, parse_head(head_to("rebound.example", listening.port)))
            peer: str = connection.writer.get_extra_info("peername")[0]
            connection.close()
            return peer

        assert asyncio.run(take()) == "127.0.0.1" and asked == ["rebound.example"]
