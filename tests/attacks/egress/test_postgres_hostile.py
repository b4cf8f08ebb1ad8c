"""PostgreSQL through the gateway: servers that lie, and relays that want what is not theirs. The password is never told."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from janee.authority.egress import pgserver
from janee.authority.egress.pgstartup import PgHead, Startup, parse_first
from janee.authority.egress.refusal import Refusal, RefusedError
from janee.config.schema import Auth, AuthType, Service
from janee.pgwire import AUTHENTICATION_OK, CANCEL, WANTS_TLS, message_of
from janee.secret import Secret
from tests.authority.egress.client import Answer, Relay, World
from tests.authority.live import SECRET as PASSWORD
from tests.authority.live import make_home, running

USER = "git-user"
_AUTH = Auth(AuthType.POSTGRES, ("username", "password"))
CONFIG = """\
version: "0.3.0"
services:
  db: {{baseUrl: "postgres://localhost:{port}/shop", allowPrivate: true, auth: {{type: postgres}}}}
  strict: {{baseUrl: "postgres://localhost:{port}/shop", allowPrivate: true, auth: {{type: postgres, sslMode: verify-full}}}}
  private: {{baseUrl: "postgres://localhost:{port}/shop", auth: {{type: postgres}}}}
capabilities:
  db: {{service: db, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{P: "{{{{password}}}}"}}}}
  strict: {{service: strict, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{P: "{{{{password}}}}"}}}}
  private: {{service: private, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{P: "{{{{password}}}}"}}}}
"""


class Talk:
    """A server's side of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.heard = bytearray()

    def take(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            data = self.connection.recv(count - len(taken))
            if not data:
                raise EOFError
            taken += data
        self.heard += taken
        return taken

    def first(self) -> bytes:
        prefix = self.take(8)
        return prefix + self.take(struct.unpack(">I", prefix[:4])[0] - 8)

    def message(self) -> tuple[bytes, bytes]:
        kind, length = struct.unpack(">cI", self.take(5))
        return kind, self.take(length - 4)

    def request(self, kind: int, data: bytes = b"") -> None:
        self.connection.sendall(message_of(b"R", struct.pack(">I", kind) + data))

    def challenge(
        self, *, iterations: int = 4096, mechanisms: bytes = b"SCRAM-SHA-256\0\0", **bend: Any
    ) -> tuple[str, str, str]:
        """Until the client's proof. The client's first message, ours, and the final one."""
        self.request(10, mechanisms)
        first = self.message()[1].partition(b"SCRAM-SHA-256\0")[2][4:].decode()
        bare = first[3:]
        nonce = bend.get("nonce") or bare.partition("r=")[2] + "more"
        ours = f"r={nonce},s={base64.b64encode(b'salt of the test').decode()},i={iterations}"
        self.request(11, ours.encode())
        return bare, ours, self.message()[1].decode()

    def let_in(self, password: str = PASSWORD) -> None:
        """As an honest server."""
        bare, ours, final = self.challenge()
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt of the test", 4096)
        signed = f"{bare},{ours},{final.rpartition(',p=')[0]}".encode()
        signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        self.request(12, b"v=" + base64.b64encode(signature))
        self.request(0)
        key = message_of(b"K", struct.pack(">II", 77, 88))
        self.connection.sendall(message_of(b"S", b"server_version\x0017\0") + key + message_of(b"Z", b"I"))


@dataclass
class Server:
    port: int
    script: Callable[[Talk], None] = lambda talk: None
    talks: list[Talk] = field(default_factory=list)

    @property
    def heard(self) -> bytes:
        return b"".join(bytes(talk.heard) for talk in self.talks)


@pytest.fixture(scope="module")
def served() -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1])

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError, EOFError, struct.error):
                connection.settimeout(30)
                talk = Talk(connection)
                server.talks.append(talk)
                server.script(talk)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def world(served: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home, environ = make_home(tmp_path_factory.mktemp("pg"), CONFIG.format(port=served.port))
    with running(home, environ) as live:
        yield World(live, served)  # type: ignore[arg-type]


def first(*texts: str) -> bytes:
    body = struct.pack(">I", 3 << 16) + "".join(f"{text}\0" for text in texts).encode() + b"\0"
    return struct.pack(">I", len(body) + 4) + body


STARTUP = first("user", USER, "database", "shop")


def connect(relay: Relay, packet: bytes = STARTUP, body: tuple[bytes, ...] = (), **bend: Any) -> Answer:
    head = {"kind": "tunnel", "scheme": "postgres", "host": "localhost", "port": relay.service_port}
    head |= {"first": base64.b64encode(packet).decode(), **bend}
    with relay.open() as stream:
        stream.send(stream.writer.head(head))
        for piece in body:
            stream.send(stream.writer.data(piece))
        return stream.answer()


def test_an_honest_server_gets_the_session_and_never_the_password(world: World, served: Server) -> None:
    def script(talk: Talk) -> None:
        talk.first()
        talk.let_in()
        talk.message()
        talk.connection.sendall(message_of(b"C", b"SELECT 0\0") + message_of(b"Z", b"I"))

    served.script = script
    answer = connect(world.relay("db"), body=(message_of(b"Q", b"select\0"),))
    assert answer.head == {"ready": True} and answer.is_whole
    assert answer.body.startswith(AUTHENTICATION_OK) and b"SELECT 0" in answer.body
    assert struct.pack(">II", 77, 88) not in answer.body  # the key to cancel is made up
    assert b"v=" not in answer.body and b"SCRAM" not in answer.body
    assert PASSWORD.encode() not in served.heard


def wrong_signature(talk: Talk) -> None:
    talk.first()
    talk.let_in("another password altogether")


def no_signature(talk: Talk) -> None:
    talk.first()
    talk.challenge()
    talk.request(0)


def asks_for(kind: int, data: bytes = b"") -> Callable[[Talk], None]:
    def script(talk: Talk) -> None:
        talk.first()
        talk.request(kind, data)
        talk.message()

    return script


def challenges(**bend: Any) -> Callable[[Talk], None]:
    def script(talk: Talk) -> None:
        talk.first()
        talk.challenge(**bend)

    return script


def says(data: bytes) -> Callable[[Talk], None]:
    def script(talk: Talk) -> None:
        talk.first()
        talk.connection.sendall(data)

    return script


@pytest.mark.parametrize(
    ("script", "word"),
    [
        (wrong_signature, "did not prove"),
        (no_signature, "did not prove"),
        (asks_for(3), "the password as it is"),
        (asks_for(5, b"salt"), "an MD5 hash"),
        (asks_for(0), "asks for no password"),
        (asks_for(99), "another way of login"),
        (challenges(iterations=1), "iterations"),
        (challenges(iterations=9_999_999), "iterations"),
        (challenges(nonce="another"), "nonce"),
        (challenges(mechanisms=b"SCRAM-SHA-1\0\0"), "SCRAM-SHA-256"),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "does not speak PostgreSQL"),
        (says(b"R" + struct.pack(">I", 0x7FFFFFFF)), "does not speak PostgreSQL"),
        (says(message_of(b"D", b"\0\0")), "does not speak PostgreSQL"),
        (says(b""), "closed the connection"),
    ],
)
def test_a_server_that_is_not_the_services_gets_no_session(
    world: World, served: Server, script: Callable[[Talk], None], word: str
) -> None:
    served.script = script
    relay = world.relay("db")
    answer = connect(relay, body=(message_of(b"Q", b"select 'data of the command'\0"),))
    assert answer.refusal == "UPSTREAM_FAILED" and word in answer.head["refused"]["message"], answer
    (record,) = world.completed(relay)
    assert (record["outcome"], record["error"]) == ("refused", "UPSTREAM_FAILED")
    assert PASSWORD.encode() not in served.heard and b"data of the command" not in served.heard


def test_a_server_that_says_nothing_is_not_waited_for(served: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(talk: Talk) -> None:
        talk.take(10_000)

    async def attempt() -> None:
        service = Service("db", f"postgres://localhost:{served.port}/shop", _AUTH, allow_private=True)
        wanted = parse_first(STARTUP)
        assert isinstance(wanted, Startup)
        server = await pgserver.Databases().connect(service, PgHead("localhost", served.port, wanted))
        try:
            await pgserver.login(server, wanted, Secret(PASSWORD))
        finally:
            server.abort()

    served.script = script
    monkeypatch.setattr(pgserver, "LOGIN_S", 0.2)
    with pytest.raises(RefusedError) as refused:
        asyncio.run(attempt())
    assert refused.value.refusal is Refusal.UPSTREAM_TIMEOUT


def test_a_server_without_tls_gets_nothing_where_tls_is_asked_for(world: World, served: Server) -> None:
    def script(talk: Talk) -> None:
        assert talk.take(8) == struct.pack(">II", 8, WANTS_TLS)
        talk.connection.sendall(b"N")
        talk.take(1)

    served.script, before = script, len(served.talks)
    answer = connect(world.relay("strict"))
    assert answer.refusal == "UPSTREAM_FAILED" and "speaks no TLS" in answer.head["refused"]["message"]
    assert bytes(served.talks[before].heard) == struct.pack(">II", 8, WANTS_TLS)


def test_what_comes_in_clear_before_tls_is_not_taken_for_the_servers_word(world: World, served: Server) -> None:
    def script(talk: Talk) -> None:
        talk.take(8)
        talk.connection.sendall(b"S" + AUTHENTICATION_OK + message_of(b"Z", b"I"))
        talk.take(500)

    served.script = script
    answer = connect(world.relay("strict"))
    assert answer.refusal == "UPSTREAM_FAILED" and answer.body == b""


def test_a_private_address_is_refused(world: World, served: Server) -> None:
    before = len(served.talks)
    answer = connect(world.relay("private"))
    assert answer.refusal == "UPSTREAM_FAILED" and "allowPrivate" in answer.head["refused"]["nextStep"]
    assert len(served.talks) == before


@pytest.mark.parametrize(
    ("packet", "bend", "code"),
    [
        (STARTUP, {"host": "elsewhere.example"}, "HOST_NOT_ALLOWED"),
        (STARTUP, {"port": 1}, "HOST_NOT_ALLOWED"),
        (STARTUP, {"scheme": "https"}, "REQUEST_MALFORMED"),
        (STARTUP, {"kind": "http"}, "REQUEST_MALFORMED"),
        (first("user", "postgres", "database", "shop"), {}, "RULE_DENY"),
        (first("user", USER, "database", "postgres"), {}, "RULE_DENY"),
        (first("user", USER, "database", "shop", "replication", "1"), {}, "RULE_DENY"),
        (first("user", USER, "user", "postgres"), {}, "REQUEST_MALFORMED"),
        (STARTUP + b"x", {}, "REQUEST_MALFORMED"),
        (struct.pack(">IIII", 16, CANCEL, 77, 88), {}, "RULE_DENY"),
    ],
)
def test_a_relay_gets_nothing_but_the_services_database(
    world: World, served: Server, packet: bytes, bend: dict[str, Any], code: str
) -> None:
    relay, before = world.relay("db"), len(served.talks)
    answer = connect(relay, packet, **bend)
    assert answer.refusal == code, answer
    (record,) = world.records("egress.decided", relay)
    assert (record["decision"], record["reasonCode"]) == ("deny", code)
    assert len(served.talks) == before


def test_a_placeholder_in_a_statement_cuts_the_connection_before_it_is_sent(world: World, served: Server) -> None:
    def script(talk: Talk) -> None:
        talk.first()
        talk.let_in()
        while True:
            talk.message()

    served.script = script
    relay = world.relay("db")
    statement = message_of(b"Q", b"select '" + relay.placeholder.encode() + b"'\0")
    answer = connect(relay, body=(statement[:20], statement[20:]))
    assert b"PLACEHOLDER_MISPLACED" in answer.body and answer.is_whole
    assert len(world.records("egress.alarm", relay)) == 1 or world.completed(relay)
    assert [record["place"] for record in world.records("egress.alarm", relay)] == ["a statement or its data"]
    assert relay.placeholder.encode()[:12] not in served.heard


@pytest.mark.parametrize("size", [10, 3 << 20])
def test_the_password_in_an_answer_does_not_come_out(world: World, served: Server, size: int) -> None:
    def script(talk: Talk) -> None:
        talk.first()
        talk.let_in()
        value = b"-" * size + PASSWORD.encode() + b"-" * size
        talk.connection.sendall(message_of(b"D", struct.pack(">Hi", 1, len(value)) + value))

    served.script = script
    relay = world.relay("db")
    answer = connect(relay)
    assert PASSWORD.encode() not in answer.body and len(answer.body) > min(size, 2 << 20)
    assert (b"[REDACTED]" in answer.body) == (size == 10)
    (record,) = world.completed(relay)
    assert (record["outcome"], record["scrubHits"]) == (("completed", 1) if size == 10 else ("refused", 1))


def test_a_session_ends_with_its_grant(world: World, served: Server) -> None:
    ended = threading.Event()

    def script(talk: Talk) -> None:
        talk.first()
        talk.let_in()
        with contextlib.suppress(EOFError, OSError):
            talk.message()
        ended.set()

    served.script = script
    relay = world.relay("db")
    head = {"kind": "tunnel", "scheme": "postgres", "host": "localhost", "port": relay.service_port}
    with relay.open() as stream:
        stream.send(stream.writer.head(head | {"first": base64.b64encode(STARTUP).decode()}))
        deadline = time.monotonic() + 20
        while not world.records("egress.decided", relay) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert relay.runner.complete(relay.grant_id).status == 200
        assert ended.wait(20)
