"""The relay before a gateway: HTTP/1.1 as tools speak it, streamed both ways, and nothing else."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from janee.runner.order import AuthorityAddress
from tests.runner.gateway import Asked, Gateway, Served, echo, relaying, serving

# An Executor has one thread; this process has those of the servers here, which the child never touches.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Gateway, Served]]:
    with serving() as gateway, relaying(gateway.address, now=time.time()) as served:
        yield gateway, served


@pytest.fixture
def gateway(shared: tuple[Gateway, Served]) -> Gateway:
    shared[0].script = echo
    shared[0].asked.clear()
    return shared[0]


@pytest.fixture
def served(gateway: Gateway, shared: tuple[Gateway, Served]) -> Served:
    return shared[1]


def connection(served: Served, scheme: str = "https") -> closing[http.client.HTTPConnection]:
    if scheme == "http":
        return closing(http.client.HTTPConnection("localhost", served.http, timeout=20))
    return closing(http.client.HTTPSConnection("localhost", served.https, timeout=20, context=served.client))


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_request_reaches_the_gateway_as_it_was_and_the_answer_the_tool(gateway: Gateway, served: Served, scheme: str) -> None:
    with connection(served, scheme) as tool:
        tool.request("POST", "/a%2fb?c=d", body=b"text", headers={"X-One": "caf\xe9", "Authorization": "Bearer p"})
        answer = tool.getresponse()
        head, _, body = answer.read().partition(b"\n")
        assert (answer.status, answer.reason, answer.getheader("x-gateway"), body) == (200, "Said So", "1", b"text")
        told = json.loads(head)
        port = served.https if scheme == "https" else served.http
        assert (told["scheme"], told["host"], told["port"]) == (scheme, "localhost", port)
        assert (told["method"], told["target"]) == ("POST", "/a%2fb?c=d")
        assert ["x-one", "caf\xe9"] in told["headers"] and ["authorization", "Bearer p"] in told["headers"]


def test_a_connection_serves_one_request_after_the_other_and_each_has_a_stream_of_its_own(
    gateway: Gateway, served: Served
) -> None:
    gateway.streams.clear()
    with connection(served) as tool:
        for number in range(5):
            tool.request("PUT", f"/{number}", body=bytes(number * 1000))
            assert len(tool.getresponse().read().partition(b"\n")[2]) == number * 1000
        assert [head["target"] for head in gateway.asked] == [f"/{number}" for number in range(5)]
        assert len(set(gateway.streams)) == 5


def test_chunked_bodies_and_a_tool_that_waits_to_be_told_to_go_on(gateway: Gateway, served: Served) -> None:
    with connection(served) as tool:
        tool.request(
            "POST", "/", body=iter([b"one", b"two" * 50_000]), headers={"Transfer-Encoding": "chunked"}, encode_chunked=True
        )
        assert tool.getresponse().read().partition(b"\n")[2] == b"one" + b"two" * 50_000
        with served.connect() as raw:
            raw.sendall(b"POST / HTTP/1.1\r\nHost: " + served.host() + b"\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
            assert raw.recv(1000).startswith(b"HTTP/1.1 100 ")
            raw.sendall(b"text")
            assert raw.recv(100).startswith(b"HTTP/1.1 200 ")


def test_answers_that_have_no_body(gateway: Gateway, served: Served) -> None:
    with connection(served) as tool:
        gateway.script = lambda asked: asked.answer(204 if asked.head["method"] == "GET" else 200, length=0)
        tool.request("GET", "/")
        assert (tool.getresponse().read(), tool.sock is not None) == (b"", True)
        gateway.script = lambda asked: asked.answer(200, length=12345)
        tool.request("HEAD", "/")
        answer = tool.getresponse()
        assert (answer.read(), answer.getheader("content-length")) == (b"", "12345")


def resident(pid: int) -> int:
    """KiB of a process's memory in core: a relay forked from here starts with what earlier tests left."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])


def test_a_large_answer_to_a_slow_reader_costs_no_memory(gateway: Gateway, served: Served) -> None:
    sent = 0
    at_first = resident(served.relay._pid)

    def script(asked: Asked) -> None:
        nonlocal sent
        asked.send(asked.down.head({"status": 200, "headers": [], "length": None}))
        piece = bytes(MEBIBYTE)
        for _ in range(300):
            asked.send(asked.down.data(piece))
            sent += len(piece)
        asked.send(asked.down.end())

    gateway.script = script
    with served.connect() as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: " + served.host() + b"\r\n\r\n")
        assert raw.recv(1).startswith(b"H")
        before = 0
        deadline = time.monotonic() + 30
        while before != sent or not sent:  # until the gateway cannot send any more
            assert time.monotonic() < deadline
            before = sent
            time.sleep(0.3)
        assert sent < 64 * MEBIBYTE
        assert resident(served.relay._pid) - at_first < 64 * 1024
        total = 0
        while data := raw.recv(1 << 18):
            total += len(data)
            if total > 100 * MEBIBYTE:
                break  # it flows again


def test_an_answer_that_was_cut_off_does_not_end_in_order(gateway: Gateway, served: Served) -> None:
    def script(asked: Asked) -> None:
        asked.send(asked.down.head({"status": 200, "headers": [], "length": None}) + asked.down.data(b"half"))
        asked.handler.connection.shutdown(socket.SHUT_RDWR)

    gateway.script = script
    with connection(served) as tool:
        tool.request("GET", "/")
        with pytest.raises((http.client.IncompleteRead, OSError)):
            tool.getresponse().read()


def test_when_the_tool_goes_away_so_does_the_request(gateway: Gateway, served: Served) -> None:
    gone, asked_for = threading.Event(), threading.Event()

    def script(asked: Asked) -> None:
        asked_for.set()
        asked.handler.connection.settimeout(20)
        for _ in asked.body:
            pass
        with suppress(TimeoutError):  # an end, or a reset
            with suppress(ConnectionError):
                asked.handler.rfile.read(1)
            gone.set()

    gateway.script = script
    with served.connect() as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: " + served.host() + b"\r\n\r\n")
        assert asked_for.wait(20)
    assert gone.wait(20)


def test_a_forged_frame_is_no_answer(gateway: Gateway, served: Served) -> None:
    def script(asked: Asked) -> None:
        head = bytearray(asked.down.head({"status": 200, "headers": [], "length": None}))
        head[-1] ^= 1
        asked.send(bytes(head))

    gateway.script = script
    with connection(served) as tool:
        tool.request("GET", "/")
        answer = tool.getresponse()
        assert (answer.status, b"GATEWAY_FAILED" in answer.read()) == (502, True)


def refuse(asked: Asked) -> None:
    refused = {"code": "RULE_DENY", "message": "DELETE /x is not allowed", "nextStep": "ask", "status": 403}
    asked.send(asked.down.head({"refused": refused}) + asked.down.end())


def test_a_refusal_is_read_by_the_tool_even_in_the_middle_of_an_upload(gateway: Gateway, served: Served) -> None:
    gateway.script = refuse
    with connection(served) as tool:
        tool.request("POST", "/x", body=bytes(8 * MEBIBYTE))
        answer = tool.getresponse()
        text = answer.read().decode()
        assert (answer.status, answer.getheader("janee-refused"), answer.getheader("connection")) == (403, "RULE_DENY", "close")
        assert text == "janee: error: DELETE /x is not allowed (RULE_DENY)\njanee: hint: ask\n"


def test_an_answer_before_the_upload_has_ended_is_passed_on(gateway: Gateway, served: Served) -> None:
    gateway.script = lambda asked: asked.answer(413, body=b"too much", length=8)
    with connection(served) as tool:
        tool.request("POST", "/x", body=bytes(8 * MEBIBYTE))
        assert (answer := tool.getresponse()).status == 413 and answer.read() == b"too much"


def test_many_at_once(gateway: Gateway, served: Served) -> None:
    failed: list[object] = []

    def one(number: int) -> None:
        try:
            with connection(served) as tool:
                tool.request("POST", f"/{number}", body=str(number) * 10_000)
                assert tool.getresponse().read().partition(b"\n")[2] == str(number).encode() * 10_000
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


def test_the_counts_are_of_each_host(gateway: Gateway, served: Served) -> None:
    before = dict(served.relay.traffic())
    with connection(served, "http") as tool:
        tool.request("POST", "/", body=bytes(1000))
        body = tool.getresponse().read()
        tool.close()
        assert b"400 " in served.ask(b"GET / HTTP/1.1\nHost: x\n\n", "http")
        after = dict(served.relay.traffic())
        (changed,) = [target for target in after if after[target] != before[target]]
        assert changed.port == served.http
        assert after[changed].bytes_out - before[changed].bytes_out == 1000
        assert after[changed].bytes_in - before[changed].bytes_in == len(body)
        assert after[changed].requests - before[changed].requests == 1
        assert after[changed].refused - before[changed].refused == 1


def test_without_an_authority_the_tool_is_told_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with relaying(AuthorityAddress("127.0.0.1", port, "x"), now=time.time()) as served:
        answer = served.ask(b"GET / HTTP/1.1\r\nHost: " + served.host() + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 502 ") and b"no connection to the authority" in answer
