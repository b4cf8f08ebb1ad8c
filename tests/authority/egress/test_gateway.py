"""Requests with placeholders, through a real Authority to a real service."""

from __future__ import annotations

from tests.authority.egress.client import World
from tests.authority.live import SECRET


def test_the_credential_takes_the_place_of_the_placeholder_and_does_not_come_back(place: World) -> None:
    relay = place.relay()
    answer = relay.get("/repos/a?b=c", ("authorization", f"Bearer {relay.placeholder}"), ("accept", "x/y"))
    assert (answer.status, answer.is_whole) == (200, True)
    seen = place.service.seen[0]
    assert seen.header("authorization") == f"Bearer {SECRET}" and seen.header("accept") == "x/y"
    assert seen.target == "/repos/a?b=c" and seen.header("accept-encoding") == "identity"
    assert SECRET.encode() not in answer.body and b"[REDACTED]" in answer.body
    assert SECRET not in str(answer.head) and "[REDACTED]" in str(answer.header("x-echo"))
    assert answer.head["length"] == len(answer.body)
