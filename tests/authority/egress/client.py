"""The smallest relay, honest or not: one grant, and streams under it, to a real Authority in a process of its own."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from janee.seal import SealedContent
from janee.tunnel import EGRESS_PATH, STREAM_HEADER, Direction, EgressKey, FrameKind, TunnelReader, TunnelWriter, parse_json
from tests.authority.echo import Script, Service, echo, serving
from tests.authority.live import Live, Runner, make_home, open_grant, running

EGRESS_CONFIG = """\
version: "0.3.0"
services:
  api: {{baseUrl: "http://127.0.0.1:{port}", allowPrivate: true, auth: {{type: bearer}}}}
  pair: {{baseUrl: "http://127.0.0.1:{port}", allowPrivate: true, auth: {{type: basic}}}}
  keyed: {{baseUrl: "http://127.0.0.1:{port}", allowPrivate: true, auth: {{type: headers, headers: [X-Api-Key]}}}}
  asked: {{baseUrl: "http://127.0.0.1:{port}", allowPrivate: true, auth: {{type: query, param: api_key}}}}
  based: {{baseUrl: "http://127.0.0.1:{port}/v3", allowPrivate: true, auth: {{type: bearer}}}}
  signed: {{baseUrl: "http://127.0.0.1:{port}", allowPrivate: true, auth: {{type: aws-sigv4}}}}
  private: {{baseUrl: "http://127.0.0.1:{port}", auth: {{type: bearer}}}}
  secure: {{baseUrl: "https://127.0.0.1:{port}", allowPrivate: true, auth: {{type: bearer}}}}
capabilities:
  run: &run
    service: api
    mode: exec
    allowedAgents: ["runner:default"]
    allowCommands: [{{argv: ["true"]}}]
    env: {{TOKEN: "{{{{credential}}}}"}}
    timeout: 20000
  pair: {{service: pair, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{U: "{{{{username}}}}", P: "{{{{password}}}}"}}}}
  keyed: {{service: keyed, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{K: "{{{{field:X-Api-Key}}}}"}}}}
  asked: {{service: asked, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{K: "{{{{credential}}}}"}}}}
  ruled: {{service: api, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{K: "{{{{credential}}}}"}}, rules: {{allow: ["GET /repos/*", "POST /form"], deny: ["* /repos/secret*"]}}}}
  based: {{service: based, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{K: "{{{{credential}}}}"}}, rules: {{allow: ["GET /repos/*"]}}}}
  signed: {{service: signed, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{I: "{{{{field:accessKeyId}}}}", S: "{{{{field:secretAccessKey}}}}"}}}}
  private: {{service: private, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{K: "{{{{credential}}}}"}}}}
  secure: {{service: secure, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{K: "{{{{credential}}}}"}}}}
  short: {{service: api, mode: exec, allowedAgents: ["runner:default"], allowCommands: [{{argv: ["true"]}}],
    env: {{K: "{{{{credential}}}}"}}, timeout: 1}}
"""
EGRESS_CONFIG = EGRESS_CONFIG.replace("&run", "")


@dataclass
class Answer:
    """What came back: an ordinary error, or frames. is_whole: the END came."""

    http_status: int
    error: dict[str, Any] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""
    is_whole: bool = False

    @property
    def refusal(self) -> str | None:
        return self.head.get("refused", {}).get("code")

    @property
    def status(self) -> int | None:
        return self.head.get("status")

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.head["headers"] if key.lower() == name]
        return found[0] if found else None


@dataclass
class Stream:
    """One stream, open."""

    connection: socket.socket
    writer: TunnelWriter
    reader: TunnelReader

    def send(self, frames: bytes) -> None:
        if frames:  # an empty chunk is the end
            self.connection.sendall(b"%x\r\n%s\r\n" % (len(frames), frames))

    def finish(self) -> None:
        self.connection.sendall(b"0\r\n\r\n")

    def answer(self) -> Answer:
        response = http.client.HTTPResponse(self.connection)
        response.begin()
        if response.status != 200:
            return Answer(response.status, json.loads(response.read()))
        answer, pieces = Answer(200), list[bytes]()
        with contextlib.suppress(http.client.IncompleteRead, OSError):
            while data := response.read1(65536):
                for kind, payload in self.reader.feed(data):
                    if kind is FrameKind.HEAD:
                        answer.head = parse_json(payload)
                    elif kind is FrameKind.DATA:
                        pieces.append(payload)
        answer.body, answer.is_whole = b"".join(pieces), self.reader.is_ended
        return answer


@dataclass
class Relay:
    """The right to use the gateway, and the way there."""

    port: int
    service_port: int
    key: EgressKey
    content: SealedContent
    runner: Runner

    @property
    def grant_id(self) -> str:
        return self.key.grant_id

    @property
    def placeholder(self) -> str:
        return self.content.placeholders[0].expose_text()

    def head(self, method: str = "GET", target: str = "/", *headers: tuple[str, str], **bend: Any) -> dict[str, Any]:
        host = ("host", f"127.0.0.1:{self.service_port}")
        value = {
            "kind": "http",
            "scheme": "http",
            "host": "127.0.0.1",
            "port": self.service_port,
            "method": method,
            "target": target,
            "headers": [list(pair) for pair in (host, *headers)],
        }
        return value | bend

    @contextlib.contextmanager
    def open(
        self, *, stream_id: bytes | None = None, grant_id: str | None = None, key: EgressKey | None = None
    ) -> Iterator[Stream]:
        stream_id = os.urandom(16) if stream_id is None else stream_id
        key = key or self.key
        text = base64.urlsafe_b64encode(stream_id).rstrip(b"=").decode()
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            path = EGRESS_PATH + (grant_id or self.grant_id)
            head = f"POST {path} HTTP/1.1\r\nhost: a\r\n{STREAM_HEADER}: {text}\r\ntransfer-encoding: chunked\r\n\r\n"
            connection.sendall(head.encode())
            yield Stream(connection, TunnelWriter(key, stream_id, Direction.UP), TunnelReader(key, stream_id, Direction.DOWN))

    def ask(self, head: dict[str, Any], body: Iterable[bytes] = (), **how: Any) -> Answer:
        """A whole request. A service that answers early is no error."""
        with self.open(**how) as stream:
            with contextlib.suppress(ConnectionError):
                stream.send(stream.writer.head(head))
                for piece in body:
                    stream.send(stream.writer.data(piece))
                stream.send(stream.writer.end())
                stream.finish()
            return stream.answer()

    def get(self, target: str = "/", *headers: tuple[str, str], **bend: Any) -> Answer:
        return self.ask(self.head("GET", target, *headers, **bend))


@dataclass
class World:
    """A service, and an Authority that has its credential."""

    live: Live
    service: Service

    _runner: Runner | None = None

    def runner(self) -> Runner:
        """Its key is stretched once: that is slow on purpose."""
        self._runner = self._runner or self.live.runner()
        return self._runner

    def relay(self, capability: str = "run") -> Relay:
        runner = self.runner()
        answer, seal_key = runner.authorize(capability)
        assert answer.status == 200, answer.body
        content = open_grant(answer, seal_key, capability_id=capability)
        assert content.egress_key is not None and content.scrub_values == ()
        key = EgressKey(answer.body["grantId"], content.egress_key)
        return Relay(self.live.port, self.service.port, key, content, runner)

    def completed(self, relay: Relay, count: int = 1) -> list[dict[str, Any]]:
        """The `egress.completed` records, when there are so many: they are written when the answer has left."""
        deadline = time.monotonic() + 20
        while len(found := self.records("egress.completed", relay)) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(found) >= count, f"{len(found)} of {count} streams are on record as ended"
        return found

    def records(self, event: str, relay: Relay) -> list[dict[str, Any]]:
        statement = "SELECT record FROM audit WHERE record LIKE ? ORDER BY seq"
        with contextlib.closing(sqlite3.connect(f"{self.live.home.state_db.as_uri()}?mode=ro", uri=True)) as db:
            texts = db.execute(statement, (f"%{relay.grant_id}%",)).fetchall()
        return [record for (text,) in texts if (record := json.loads(text))["event"] == event]


@contextlib.contextmanager
def world(directory: Path, script: Script = echo, tls: tuple[Path, Path] | None = None) -> Iterator[World]:
    with serving(script, tls=tls) as service:
        home, environ = make_home(directory, EGRESS_CONFIG.format(port=service.port))
        with running(home, environ) as live:
            yield World(live, service)
