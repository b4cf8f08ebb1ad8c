"""Callers at once, callers that never finish, callers that send too much."""

from __future__ import annotations

import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

from tests.authority.live import Live

PATH = "/v1/exec/authorize"


def test_fifty_callers_at_once_get_exactly_what_the_limit_allows(live: Live) -> None:
    runner = live.runner()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: runner.authorize("limited")[0], range(50)))
    assert sorted({answer.status for answer in answers}) == [200, 403]
    assert sum(answer.status == 200 for answer in answers) == 7
    assert {answer.code for answer in answers if answer.status == 403} == {"RATE_LIMITED"}
    assert len({answer.body["grantId"] for answer in answers if answer.status == 200}) == 7
    assert live.events().count("grant.issued") == 7


def test_one_grant_completed_by_fifty_callers_is_completed_once(live: Live) -> None:
    runner = live.runner()
    grant_id = runner.authorize()[0].body["grantId"]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: runner.complete(grant_id), range(50)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 49
    assert live.events().count("exec.completed") == 1


def test_one_request_sent_fifty_times_at_once_is_granted_once(live: Live) -> None:
    runner = live.runner()
    message = {
        "runner": {"runnerId": "r", "sealTo": "A" * 43 + "=", "sandbox": "strict"},
        "capabilityId": "run",
        "command": ["true"],
    }
    body = json.dumps(message | {"executable": {"path": "/usr/bin/true", "sha256": "0" * 64}}).encode()
    headers = runner.sign("POST", PATH, body)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: runner.send("POST", PATH, body, "", headers), range(50)))
    assert sum(answer.code == "REPLAYED" for answer in answers) == 49


def test_slow_heads_and_bodies_do_not_stop_others(live: Live) -> None:
    sockets = [socket.create_connection(("127.0.0.1", live.port), timeout=5) for _ in range(60)]
    try:
        for index, connection in enumerate(sockets):
            head = b"POST /v1/exec/authorize HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n"
            connection.sendall(head + (b"\r\n{" if index % 2 else b"X-Slow: "))
        started = time.monotonic()
        assert live.runner().authorize()[0].status == 200
        assert time.monotonic() - started < 8
    finally:
        for connection in sockets:
            connection.close()


def test_a_head_that_never_ends_is_cut_off(live: Live) -> None:
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as connection:
        connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost:")
        started = time.monotonic()
        assert connection.recv(1000) == b""
        assert 5 < time.monotonic() - started < 15


def test_more_connections_than_allowed_are_closed_and_the_rest_served(live: Live) -> None:
    sockets: list[socket.socket] = []
    try:
        for _ in range(540):
            sockets.append(socket.create_connection(("127.0.0.1", live.port), timeout=5))
        closed = 0
        for connection in reversed(sockets):
            connection.settimeout(0.5)
            try:
                closed += connection.recv(1) == b""
            except ConnectionError:
                closed += 1
            except TimeoutError:
                continue
            if closed >= 20:
                break
        assert closed >= 20
    finally:
        for connection in sockets:
            connection.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=5)
            connection.request("GET", "/v1/health")
            assert connection.getresponse().status == 200
            return
        except OSError:
            continue
        finally:
            connection.close()
    raise AssertionError("it never came back")


def test_a_request_with_two_lengths_is_refused_and_the_connection_closed(live: Live) -> None:
    with socket.create_connection(("127.0.0.1", live.port), timeout=10) as connection:
        head = b"POST /v1/exec/authorize HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"0\r\n\r\n" + b"GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400") and answer.count(b"HTTP/1.1") == 1
