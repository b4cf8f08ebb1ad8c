"""Requests that can be read in two ways, and protocols that would lead past the gateway: the relay lets none through."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from tests.runner.gateway import Gateway, Served, relaying, serving

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")

STATUS = re.compile(rb"HTTP/1\.1 \d")
HOST = b"Host: %HOST%\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
POST = b"POST / HTTP/1.1\r\n" + HOST
CHUNK = b"Transfer-Encoding: chunked\r\n"

HEADS = {
    "CL and TE": POST + b"Content-Length: 4\r\n" + CHUNK + b"\r\n0\r\n\r\n",
    "TE and CL": POST + CHUNK + b"Content-Length: 4\r\n\r\n0\r\n\r\n",
    "two CL": POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\ntexts",
    "two equal CL": POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\ntext",
    "CL list": POST + b"Content-Length: 4, 5\r\n\r\ntexts",
    "CL with a sign": POST + b"Content-Length: +4\r\n\r\ntext",
    "negative CL": POST + b"Content-Length: -4\r\n\r\ntext",
    "hexadecimal CL": POST + b"Content-Length: 0x4\r\n\r\ntext",
    "CL without end": POST + b"Content-Length: 99999999999999999999999\r\n\r\ntext",
    "TE twice": POST + CHUNK + CHUNK + b"\r\n0\r\n\r\n",
    "TE not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "TE gzip": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "TE xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "TE with vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "TE in HTTP/1.0": b"POST / HTTP/1.0\r\n" + HOST + CHUNK + b"\r\n0\r\n\r\n",
    "blank before the colon": POST + b"Content-Length : 4\r\n\r\ntext",
    "bare LF": b"GET / HTTP/1.1\n" + b"Host: %HOST%\n\n",
    "bare LF in a header": GET + b"X: a\nContent-Length: 9\r\n\r\n",
    "bare CR": GET + b"X: a\rContent-Length: 9\r\n\r\n",
    "folded": GET + b"X: a\r\n Content-Length: 9\r\n\r\n",
    "folded with tab": GET + b"X: a\r\n\tb\r\n\r\n",
    "first header folded": b"GET / HTTP/1.1\r\n Host: %HOST%\r\n\r\n",
    "NUL": GET + b"X: a\x00b\r\n\r\n",
    "control character": GET + b"X: a\x01b\r\n\r\n",
    "no colon": GET + b"nonsense\r\n\r\n",
    "empty name": GET + b": value\r\n\r\n",
    "name that is no token": GET + b"X(y): z\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": GET + HOST + b"\r\n",
    "another Host": b"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n",
    "Host with a user": b"GET / HTTP/1.1\r\nHost: a@%HOST%\r\n\r\n",
    "absolute target": b"GET http://other.example/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "own absolute target": b"GET http://%HOST%/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n",
    "OPTIONS *": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "lower-case method": b"get / HTTP/1.1\r\n" + HOST + b"\r\n",
    "two blanks": b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    "blank in the target": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\n" + HOST + b"\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "WebSocket": GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "SPDY": POST + b"Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n",
    "huge header": GET + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
    "endless headers": GET + b"X: 0123456789012345678901234567890123456789\r\n" * 4000,
    "endless line": b"GET /" + b"a" * 200_000,
}
BODIES = {
    "chunk size that is no number": POST + CHUNK + b"\r\nzz\r\ntext\r\n0\r\n\r\n",
    "negative chunk size": POST + CHUNK + b"\r\n-1\r\ntext\r\n0\r\n\r\n",
    "huge chunk size": POST + CHUNK + b"\r\n" + b"f" * 40 + b"\r\ntext\r\n0\r\n\r\n",
    "chunk without end": POST + CHUNK + b"\r\n4\r\ntextGET /inner HTTP/1.1\r\n\r\n0\r\n\r\n",
    "bare LF after the chunk size": POST + CHUNK + b"\r\n4\ntext\r\n0\r\n\r\n",
}


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Gateway, Served]]:
    with serving() as gateway, relaying(gateway.address, now=time.time()) as served:
        yield gateway, served


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("name", HEADS)
def test_a_head_that_can_be_read_in_two_ways_reaches_nobody(pair: tuple[Gateway, Served], name: str, scheme: str) -> None:
    gateway, served = pair
    before = len(gateway.asked)
    answer = served.ask(HEADS[name].replace(b"%HOST%", served.host(scheme)), scheme, until=b"_MALFORMED)\n")
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), answer
    assert b"janee: error: " in answer and b"connection: close" in answer and len(STATUS.findall(answer)) == 1
    assert len(gateway.asked) == before


@pytest.mark.parametrize("name", BODIES)
def test_a_body_with_broken_framing_is_cut_and_nothing_of_it_becomes_a_request(pair: tuple[Gateway, Served], name: str) -> None:
    gateway, served = pair
    request = BODIES[name].replace(b"%HOST%", served.host()).replace(b"POST /", b"POST /broken")
    answer = served.ask(request, until=b"_MALFORMED)\n")
    assert b" 200 " not in answer.split(b"\r\n")[0] and len(STATUS.findall(answer)) == 1, answer
    assert "/inner" not in [head["target"] for head in gateway.asked]


def test_what_follows_a_request_is_a_request_of_its_own_and_never_part_of_the_first(pair: tuple[Gateway, Served]) -> None:
    gateway, served = pair
    first = POST.replace(b"POST /", b"POST /first") + b"Content-Length: 4\r\n\r\ntext"
    second = b"GET /second HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    answer = served.ask((first + second).replace(b"%HOST%", served.host()))
    assert [head["target"] for head in gateway.asked if head["target"] not in ("/", "/broken")] == ["/first", "/second"]
    assert answer.count(b"HTTP/1.1 200 ") == 2


def test_a_smuggled_second_request_meets_the_same_checks(pair: tuple[Gateway, Served]) -> None:
    gateway, served = pair
    second = b"GET /second HTTP/1.1\nHost: %HOST%\n\n"
    answer = served.ask(
        (POST.replace(b"POST /", b"POST /third") + b"Content-Length: 4\r\n\r\ntext" + second).replace(b"%HOST%", served.host())
    )
    assert [head["target"] for head in gateway.asked if head["target"] not in ("/", "/broken")][-1] == "/third"
    assert answer.count(b"HTTP/1.1 200 ") == 1 and answer.count(b"HTTP/1.1 400 ") == 1


def test_tls_on_the_plain_port_and_plain_text_on_the_tls_port_are_nothing(pair: tuple[Gateway, Served]) -> None:
    gateway, served = pair
    before = len(gateway.asked)
    hello = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(193)
    assert b"this port is for http://" in served.ask(hello, "http")
    served.http, served.https = served.https, served.http
    try:
        assert b" 200 " not in served.ask((GET + b"\r\n").replace(b"%HOST%", b"localhost"), "http")
    finally:
        served.http, served.https = served.https, served.http
    assert len(gateway.asked) == before
