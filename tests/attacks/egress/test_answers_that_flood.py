"""Answers made of as many small things as possible: the Authority goes on serving everybody else."""

from __future__ import annotations

import http.client
import queue
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.attacks.egress.raw import RawScript, answer, raw_world, read_head
from tests.authority.egress.client import Answer, World

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def flood(head: bytes, piece: bytes, stop: threading.Event, sent: queue.SimpleQueue[int] | None = None) -> RawScript:
    """sent: gets one when a connection has taken half a megabyte."""

    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(head)
        count = 0
        while not stop.is_set():
            connection.sendall(piece * (65536 // len(piece)))
            count += 1
            if sent is not None and count == 8:
                sent.put(1)

    return script


def health_takes(opened: World) -> float:
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", opened.live.port, timeout=60)
    connection.request("GET", "/v1/health")
    assert connection.getresponse().status == 200
    connection.close()
    return time.monotonic() - started


@pytest.mark.parametrize("piece", [b"1\r\na\r\n", b"1;x=y\r\na\r\n"], ids=["chunks of one byte", "with extensions"])
def test_an_answer_in_chunks_of_one_byte_holds_nobody_up(tmp_path: Path, piece: bytes) -> None:
    stop, sent = threading.Event(), queue.SimpleQueue[int]()
    with raw_world(tmp_path, flood(CHUNKED, piece, stop, sent)) as opened:
        relay = opened.relay()
        threads = [threading.Thread(target=relay.get) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            deadline = time.monotonic() + 60
            while sent.qsize() < 3 and time.monotonic() < deadline:
                time.sleep(0.02)
            assert max(health_takes(opened) for _ in range(3)) < 5, "it was 40 s"
        finally:
            stop.set()
            relay.runner.complete(relay.grant_id)
            for thread in threads:
                thread.join(30)


def test_interim_answers_without_end_are_no_answer(tmp_path: Path) -> None:
    stop = threading.Event()
    with raw_world(tmp_path, flood(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", stop)) as opened:
        relay = opened.relay()
        assert relay.get().refusal == "RESPONSE_REFUSED"
        assert opened.completed(relay)[0]["error"] == "RESPONSE_REFUSED"
        stop.set()


def test_a_few_interim_answers_are_left_out(tmp_path: Path) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n" * 5 + answer())

    with raw_world(tmp_path, script) as opened:
        found: Answer = opened.relay().get()
        assert (found.status, found.body, found.is_whole) == (200, b"ok", True)


def test_a_body_of_small_chunks_is_whole_and_scrubbed(tmp_path: Path) -> None:
    """What is joined on the way, to hold nobody up, is the same as before: a secret that came in single bytes too."""

    def script(connection: socket.socket) -> None:
        head, _ = read_head(connection)
        body = b"x" * 1000 + head + b"y" * 1000
        connection.sendall(
            CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\nTrailer: " + head[:8] + b"\r\n\r\n"
        )

    with raw_world(tmp_path, script) as opened:
        relay = opened.relay()
        found = relay.get("/", ("authorization", f"Bearer {relay.placeholder}"))
        assert found.is_whole and found.body.startswith(b"x" * 1000 + b"GET / HTTP/1.1") and found.body.endswith(b"y" * 1000)
        assert b"ghp_" not in found.body and b"authorization: Bearer " in found.body


def test_a_head_that_no_frame_can_take_is_refused_in_words(tmp_path: Path) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(answer(b"ok", b"x: " + b"\xff" * 63_000))

    with raw_world(tmp_path, script) as opened:
        relay = opened.relay()
        found = relay.get()
        assert (found.refusal, found.is_whole) == ("RESPONSE_REFUSED", True)
        assert opened.completed(relay)[0]["error"] == "RESPONSE_REFUSED"


def test_a_head_of_as_many_headers_as_fit_is_passed_on(tmp_path: Path) -> None:
    def script(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(answer(b"ok", *[b"a:"] * 15_000))

    with raw_world(tmp_path, script) as opened:
        found = opened.relay().get()
        assert len(found.head["headers"]) == 15_000 and found.body == b"ok"
