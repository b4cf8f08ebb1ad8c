"""Connections to a service that are used again: nothing that one request left there becomes part of another."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.attacks.egress.raw import answer, raw_world, read_head
from tests.authority.live import SECRET


def test_a_body_that_the_service_takes_for_a_request_gets_nobodys_credential(tmp_path: Path) -> None:
    """A service that ignores the body of a request ("CL.0"): what it takes for the next one is finished by nobody."""
    heads: list[bytes] = []

    def ignores_bodies(connection: socket.socket) -> None:
        rest = b""
        while True:
            head, rest = read_head(connection, rest)
            heads.append(head)
            connection.sendall(answer())

    prefix = b"DELETE /admin HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Rest: "
    with raw_world(tmp_path, ignores_bodies) as opened:
        relay = opened.relay("ruled")
        credential = ("authorization", f"Bearer {relay.placeholder}")
        framing = (("content-length", str(len(prefix))), ("content-type", "application/octet-stream"))
        assert relay.ask(relay.head("GET", "/repos/x", *framing, credential), [prefix]).status == 200
        assert relay.get("/repos/y", credential).status == 200
    with_credential = [head for head in heads if SECRET.encode() in head]
    assert len(with_credential) == 2 and all(head.startswith(b"GET /repos/") for head in with_credential)


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
def test_a_request_that_changes_something_is_sent_once(tmp_path: Path, method: str) -> None:
    """Also when the service hangs up without an answer on a connection that was used before."""
    heads: list[bytes] = []

    def hangs_up(connection: socket.socket) -> None:
        while True:
            head, _ = read_head(connection)
            heads.append(head)
            if not head.startswith(b"GET"):
                return
            connection.sendall(answer())

    with raw_world(tmp_path, hangs_up) as opened:
        relay = opened.relay()
        assert relay.get().status == 200
        assert relay.ask(relay.head(method, "/pay")).refusal == "UPSTREAM_FAILED"
    assert [head.split()[0].decode() for head in heads] == ["GET", method]
