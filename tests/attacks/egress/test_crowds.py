"""One command that takes all it can get: the others' commands get through all the same."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from janee.authority.egress import upstream
from janee.authority.egress.heads import parse_head
from janee.authority.egress.refusal import Refusal
from janee.authority.egress.upstream import Connections
from janee.config.schema import Auth, AuthType, Service
from tests.authority.echo import serving
from tests.authority.egress.client import Answer, Relay, World

JSON = ("content-type", "application/json")


@contextlib.contextmanager
def slow_bodies(relay: Relay, count: int, sent: bytes) -> Iterator[None]:
    """So many requests with a body that does not come to its end."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stream = stack.enter_context(relay.open())
            head = relay.head("POST", "/form", ("content-length", str(2 << 20)), JSON)
            with contextlib.suppress(ConnectionError):
                stream.send(stream.writer.head(head))
                stream.send(stream.writer.data(sent))
        yield


def settled(world: World, relay: Relay, count: int) -> None:
    deadline = time.monotonic() + 30
    while len(world.records("egress.decided", relay)) < count and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    assert len(world.records("egress.decided", relay)) >= count


def test_bodies_that_never_come_hold_up_nobody_elses(place: World) -> None:
    """What is held for the rules has places; a command that takes as many as it gets leaves some to the others."""
    hog, other = place.relay("ruled"), place.relay("ruled")
    with slow_bodies(hog, 40, b"x" * 100_000):
        settled(place, hog, 40)
        started = time.monotonic()
        body = b'{"a": "' + b"b" * 200_000 + b'"}'
        for size in (10, len(body)):
            found = other.ask(other.head("POST", "/form", ("content-length", str(size)), JSON), [body[:size]])
            assert found.status == 200, found
        assert time.monotonic() - started < 15, "a place is waited for for 30 s, and then refused"


def test_a_command_that_takes_all_streams_leaves_some_to_others(place: World) -> None:
    first, second, other = place.relay(), place.relay(), place.relay()
    with slow_bodies(first, 220, b"x"), slow_bodies(second, 180, b"x"):
        settled(place, first, 220)
        settled(place, second, 180)
        assert [other.get().status for _ in range(3)] == [200] * 3
    place.completed(first)
    place.completed(second)


def test_fifty_requests_at_once_are_all_answered(place: World) -> None:
    relay, answers = place.relay(), list[Answer]()
    threads = [threading.Thread(target=lambda: answers.append(relay.get())) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [answer.status for answer in answers] == [200] * 50


def test_a_name_without_an_answer_takes_one_thread_of_the_look_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else some requests to a service whose DNS is dead would keep all the others' names waiting."""
    asked: list[str] = []
    answer = asyncio.Event()

    async def getaddrinfo(self: object, host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        if host == "dead.example":
            await answer.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(upstream, "CONNECT_S", 0.5)

    async def take(connections: Connections, host: str, port: int) -> None:
        service = Service("s", f"http://{host}:{port}", Auth(AuthType.BEARER, ("key",)), allow_private=True)
        head = {"kind": "http", "scheme": "http", "host": host, "port": port, "method": "GET", "target": "/", "headers": []}
        (await connections.take(service, parse_head(head))).close()

    async def run(port: int) -> None:
        connections = Connections()
        waiting = [asyncio.create_task(take(connections, "dead.example", port)) for _ in range(20)]
        await take(connections, "alive.example", port)
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert {getattr(error, "refusal", None) for error in found} == {Refusal.UPSTREAM_TIMEOUT}
        assert sorted(asked) == ["alive.example", "dead.example"]
        answer.set()
        await asyncio.sleep(0)
        await take(connections, "dead.example", port)  # what came late serves whoever comes then, or is asked for anew

    with serving() as listening:
        asyncio.run(run(listening.port))
