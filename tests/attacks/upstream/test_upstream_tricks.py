"""A service, its DNS, or an agent that tries to send the credential elsewhere, or to choke us with the answer."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import resource
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from janee.authority.upstream import MAX_RESPONSE_BYTES
from janee.errors import JaneeError, ProtocolError
from tests.authority.desk import Desk, open_desk
from tests.authority.echo import Seen, Service, reply, serving
from tests.authority.live import SECRET
from tests.authority.test_execute import call, config


def test_a_redirect_does_not_carry_the_credential_away(desk: Desk, service: Service) -> None:
    with serving() as thief:
        for status in (301, 302, 303, 307, 308):
            where = f"http://127.0.0.1:{thief.port}/take"
            service.script = lambda seen, handler, status=status, where=where: reply(handler, status, b"", Location=where)
            assert call(desk).status == status
        assert thief.seen == [] and thief.connections == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
def test_a_private_address_in_any_spelling_is_refused(tmp_path: Path, service: Service, host: str) -> None:
    try:
        with open_desk(tmp_path, config(service.port, host=host, extra="allowPrivate: false")) as desk:
            with pytest.raises(ProtocolError) as caught:
                call(desk)
            assert caught.value.code == "UPSTREAM_FAILED"
            assert "allowPrivate" in caught.value.hint or "address" in caught.value.message
    except JaneeError as error:  # refused as a base URL already
        assert error.code == "CONFIG_INVALID"
    assert service.connections == 0


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]"])
def test_a_metadata_service_is_refused_even_where_private_addresses_are_allowed(tmp_path: Path, host: str) -> None:
    try:
        with open_desk(tmp_path, config(80, host=host)) as desk:
            if host == "169.254.169.254":
                return  # the operator named the very address
            with pytest.raises(ProtocolError) as caught:
                call(desk)
            assert "metadata" in caught.value.message
    except JaneeError as error:
        assert error.code == "CONFIG_INVALID"


class Rebinding:
    """A name server that gives a public address first and a private one ever after, as `getaddrinfo` sees it."""

    def __init__(self, answers: list[list[str]]) -> None:
        self.answers = answers
        self.asked = 0

    async def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        addresses = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]


@pytest.fixture
def rebinding(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rebinding]:
    # The system's resolver is the peer here, not our code.
    server = Rebinding([["127.0.0.1"]])
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", lambda self, host, port, **more: server(host, port, **more))
    return server  # type: ignore[return-value]


def test_a_name_that_turns_private_is_refused_where_it_is_connected_to(
    tmp_path: Path, service: Service, rebinding: Rebinding
) -> None:
    rebinding.answers = [["93.184.216.34", "127.0.0.1"], ["127.0.0.1"]]
    text = config(service.port, scheme="https", host="rebind.test", extra="allowPrivate: false")
    with open_desk(tmp_path, text) as desk:
        for _ in range(2):
            with pytest.raises(ProtocolError) as caught:
                call(desk)
            assert "private or local" in caught.value.message
    assert service.connections == 0


def test_the_checked_address_is_the_one_that_is_connected_to(tmp_path: Path, service: Service, rebinding: Rebinding) -> None:
    """Were the name resolved again for the connection, the second answer, where nobody listens, would be used."""
    rebinding.answers = [["127.0.0.1"], ["127.0.0.9"]]
    with open_desk(tmp_path, config(service.port, host="rebind.test")) as desk:
        assert call(desk).status == 200
    assert rebinding.asked == 1
    assert service.seen[0].header("host") == f"rebind.test:{service.port}"


def test_a_credential_does_not_go_to_the_internet_without_tls(tmp_path: Path, service: Service, rebinding: Rebinding) -> None:
    rebinding.answers = [["93.184.216.34"]]
    text = config(service.port, host="public.test", extra="allowPrivate: false")
    with open_desk(tmp_path, text) as desk, pytest.raises(ProtocolError) as caught:
        call(desk)
    assert "without TLS" in caught.value.message


def endless(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    while True:
        handler.wfile.write(piece)


def test_an_answer_without_end_is_cut(desk: Desk, service: Service) -> None:
    service.script = endless
    answer = call(desk)
    assert answer.truncated
    assert len(answer.body) == MAX_RESPONSE_BYTES


def test_a_decompression_bomb_is_cut_before_it_unfolds(desk: Desk, service: Service) -> None:
    bomb = gzip.compress(b"\0" * (400 << 20), compresslevel=1)
    service.script = lambda seen, handler: reply(handler, 200, bomb, Content_Encoding="gzip")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = call(desk)
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert answer.truncated and len(answer.body) == MAX_RESPONSE_BYTES
    assert grown_mib < 200


def test_a_secret_across_the_cut_does_not_leave_its_head(desk: Desk, service: Service) -> None:
    for offset in (1, 7, len(SECRET) - 1):
        body = b"x" * (MAX_RESPONSE_BYTES - offset) + SECRET.encode() + b"y" * 1000
        service.script = lambda seen, handler, body=body: reply(handler, 200, body)
        answer = call(desk)
        assert answer.truncated
        assert answer.body.lstrip("x") == ("[REDACTED]" + "y" * 1000)[:offset]


def test_redactions_do_not_move_a_cut_secret_into_view(desk: Desk, service: Service) -> None:
    """Each marker is shorter than the secret, so the end of what was read comes before the limit of what is returned."""
    one = b"x" * 300 + SECRET.encode()
    service.script = lambda seen, handler: reply(handler, 200, one * (2 * MAX_RESPONSE_BYTES // len(one)))
    answer = call(desk, capability="pair")
    assert answer.truncated
    assert len(answer.body) < MAX_RESPONSE_BYTES
    assert answer.body.replace("[REDACTED]", "").replace("x", "") == ""


def test_a_slow_answer_meets_the_deadline(desk: Desk, service: Service) -> None:
    stop = threading.Event()

    def drip(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not stop.wait(0.05):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    service.script = drip
    try:
        with pytest.raises(ProtocolError) as caught:
            call(desk)
        assert caught.value.code == "UPSTREAM_TIMEOUT"
    finally:
        stop.set()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
    ],
)
def test_an_answer_that_is_no_answer_is_a_clear_error(tmp_path: Path, raw: bytes) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    received: list[bytes] = []

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            received.append(connection.recv(65536))
            with contextlib.suppress(OSError):  # it hung up, rightly
                connection.sendall(raw)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        with open_desk(tmp_path, config(listener.getsockname()[1])) as desk:
            with pytest.raises(ProtocolError) as caught:
                call(desk)
            assert caught.value.code == "UPSTREAM_FAILED"
            assert SECRET not in caught.value.message + caught.value.hint + str(desk.records())
    finally:
        thread.join(5)
        listener.close()
    assert SECRET.encode() in received[0]  # it was a real call


def test_the_proxy_of_the_environment_is_not_used(desk: Desk, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert call(desk).status == 200
        assert proxy.connections == 0
