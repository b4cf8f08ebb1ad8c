"""An agent whose calls take long, beside others; and services that make each call slow."""

from __future__ import annotations

import asyncio
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from janee.authority.execute import execute
from janee.authority.upstream import MAX_CALLS
from janee.errors import JaneeError, ProtocolError
from janee.protocol import ExecuteRequest, ExecuteResponse, RunnerInfo
from tests.authority.desk import Desk, open_desk
from tests.authority.echo import Seen, Service, reply
from tests.authority.test_execute import config, run


def request(path: str = "/x", agent_id: str | None = None) -> ExecuteRequest:
    return ExecuteRequest(
        runner=RunnerInfo(runner_id="r1"), capability_id="call", method="GET", path=path, agent_id=agent_id, request_id="q1"
    )


def test_slow_calls_of_one_agent_leave_room_for_others(tmp_path: Path, service: Service) -> None:
    text = config(service.port).replace('["runner:default"]', '["runner:default", "creature:*"]')
    stop = threading.Event()

    def slow(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        if "slow" in seen.target:
            stop.wait(20)
        reply(handler, 200, b"ok")

    service.script = slow

    async def crowd(desk: Desk) -> tuple[float, list[ExecuteResponse | BaseException]]:
        caller = desk.caller("creature:*")
        calls = [asyncio.create_task(execute(desk.authority, caller, request("/slow", "creature:1"))) for _ in range(50)]
        try:
            deadline = time.monotonic() + 1.5
            while len(service.seen) < MAX_CALLS and time.monotonic() < deadline:
                await asyncio.sleep(0.01)
            started = time.monotonic()
            assert (await execute(desk.authority, caller, request("/fast", "creature:2"))).body == "ok"
            return time.monotonic() - started, await asyncio.gather(*calls, return_exceptions=True)
        finally:
            stop.set()
            await desk.authority.close()

    with open_desk(tmp_path / "own", text) as desk:
        took_s, results = asyncio.run(crowd(desk))
        codes = [result.code if isinstance(result, JaneeError) else "ok" for result in results]
        assert took_s < 1.5
        # Some of those that waited get the turn of the first ones to give up, just before they give up themselves.
        assert set(codes) == {"UPSTREAM_TIMEOUT", "BUSY"}
        assert codes.count("BUSY") >= 50 - 4 * MAX_CALLS


def test_many_quick_calls_at_once_all_succeed(desk: Desk, service: Service) -> None:
    service.script = lambda seen, handler: reply(handler, 200, b"ok")

    async def crowd() -> list[ExecuteResponse]:
        try:
            return await asyncio.gather(*(execute(desk.authority, desk.caller(), request()) for _ in range(50)))
        finally:
            await desk.authority.close()

    assert {answer.body for answer in asyncio.run(crowd())} == {"ok"}


def test_a_service_that_holds_the_body_back_for_our_acknowledgement_gets_it_at_once(desk: Desk, service: Service) -> None:
    """Without, each call on a kept connection takes the 40 ms of a delayed acknowledgement."""
    import socket

    def two_writes(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        handler.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        reply(handler, 200, b'{"ok":true}')

    service.script = two_writes
    times: list[float] = []

    async def one() -> ExecuteResponse:
        started = time.monotonic()
        try:
            return await execute(desk.authority, desk.caller(), request())
        finally:
            times.append(time.monotonic() - started)

    run(desk, *[one] * 40)
    assert service.connections == 1
    assert min(times[20:]) < 0.035


def test_a_host_that_takes_no_connection_is_said_to(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from janee.authority import upstream

    monkeypatch.setattr(upstream, "CONNECT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        fillers = []
        for _ in range(4):  # the kernel takes a few more than the backlog, then it lets connections wait
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        try:
            text = desk.home.config_file.read_text()
            desk.home.config_file.write_text(text.replace(text.split("127.0.0.1:")[1].split("/")[0], str(port), 1))
            with pytest.raises(ProtocolError) as caught:
                run(desk, lambda: execute(desk.authority, desk.caller(), request()))
            assert caught.value.code == "UPSTREAM_TIMEOUT" and "took no connection" in caught.value.message
        finally:
            for filler in fillers:
                filler.close()
