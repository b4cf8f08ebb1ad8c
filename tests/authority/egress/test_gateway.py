"""Requests with placeholders, through a real Authority to a real service."""

from __future__ import annotations

import base64
import gzip
import threading
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

from tests.authority.echo import Seen, reply
from tests.authority.egress.client import Answer, Relay, World
from tests.authority.live import SECRET

MEBIBYTE = 1 << 20


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


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


@pytest.mark.parametrize(
    ("capability", "header", "expected"),
    [
        ("run", lambda r: ("Authorization", f"bearer {r.placeholder}"), f"bearer {SECRET}"),
        ("run", lambda r: ("Authorization", f"token {r.placeholder}"), f"token {SECRET}"),
        ("run", lambda r: ("authorization", basic("x-access-token", r.placeholder)), basic("x-access-token", SECRET)),
        ("run", lambda r: ("authorization", basic(r.placeholder, "")), basic(SECRET, "")),
        ("pair", lambda r: ("authorization", basic("git-user", r.placeholder)), basic("git-user", SECRET)),
    ],
)
def test_each_place_of_the_authorization_header(
    place: World, capability: str, header: Callable[[Relay], tuple[str, str]], expected: str
) -> None:
    relay = place.relay(capability)
    assert relay.get("/", header(relay)).status == 200
    assert place.service.seen[0].header("authorization") == expected


def test_a_named_header_and_a_query_parameter(place: World) -> None:
    keyed, asked = place.relay("keyed"), place.relay("asked")
    assert keyed.get("/", ("x-api-key", keyed.placeholder)).status == 200
    assert place.service.seen[0].header("x-api-key") == SECRET
    assert asked.get(f"/search?q=1&api_key={asked.placeholder}&z").status == 200
    assert place.service.seen[1].target == f"/search?q=1&api_key={SECRET}&z"


def test_a_request_without_a_placeholder_goes_out_as_it_is(place: World) -> None:
    assert place.relay().get("/", ("authorization", "Bearer something-else")).status == 200
    assert place.service.seen[0].header("authorization") == "Bearer something-else"


def test_hop_by_hop_and_forwarding_headers_stay_behind(place: World) -> None:
    stripped = ("connection", "te", "proxy-authorization", "x-forwarded-for", "forwarded", "via", "x-hop", "range", "expect")
    headers = [(name, "x-hop, close" if name == "connection" else "1") for name in stripped]
    assert place.relay().get("/", *headers, ("x-kept", "1")).status == 200
    names = [name.lower() for name, _ in place.service.seen[0].headers]
    assert sorted(names) == ["accept-encoding", "host", "x-kept"]


@pytest.mark.parametrize("length", ["given", "chunked"])
def test_a_body_is_streamed_in_the_framing_it_came_in(place: World, length: str) -> None:
    body = bytes(range(256)) * 1024
    framing = ("content-length", str(len(body))) if length == "given" else ("transfer-encoding", "chunked")

    def script(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        if seen.header("transfer-encoding") == "chunked":
            while (size := int(handler.rfile.readline(), 16)) > 0:
                seen.body += handler.rfile.read(size)
                handler.rfile.readline()
            handler.rfile.readline()
        reply(handler, 201, b"made")

    place.service.script = script
    relay = place.relay()
    answer = relay.ask(relay.head("PUT", "/x", framing), [body[at : at + 50_000] for at in range(0, len(body), 50_000)])
    assert (answer.status, answer.body, place.service.seen[0].body) == (201, b"made", body)
    record = place.completed(relay)[-1]
    assert (record["bytesOut"], record["bytesIn"], record["status"], record["outcome"]) == (len(body), 4, 201, "completed")


def test_a_large_answer_is_streamed_and_scrubbed_across_every_border(place: World) -> None:
    part = b"line of the answer\n" * 5000

    def script(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in (part, SECRET[:9].encode(), SECRET[9:].encode(), part, base64.b64encode(SECRET.encode()), b"\n", part):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")

    place.service.script = script
    relay = place.relay()
    answer = relay.get()
    assert answer.is_whole and answer.head["length"] is None
    assert answer.body == part + b"[REDACTED]" + part + b"[REDACTED]\n" + part
    assert place.completed(relay)[-1]["scrubHits"] == 2


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_answer_that_is_encoded_all_the_same_is_decoded_and_scrubbed(place: World, encoding: str) -> None:
    plain = b"before " + SECRET.encode() + b" after" * 100_000
    packed = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)
    place.service.script = lambda seen, handler: reply(handler, 200, packed, Content_Encoding=encoding)
    answer = place.relay().get()
    assert answer.is_whole and answer.body == plain.replace(SECRET.encode(), b"[REDACTED]")
    assert answer.header("content-encoding") is None and answer.head["length"] is None


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content_Encoding": "br"}, b"x"),
        (200, {"Content_Encoding": "gzip, br"}, b"x"),
        (206, {"Content_Range": "bytes 0-3/9"}, b"part"),
        (200, {"Content_Range": "bytes 0-3/9"}, b"part"),
    ],
)
def test_an_answer_that_cannot_be_looked_into_is_refused(
    place: World, status: int, headers: dict[str, str], body: bytes
) -> None:
    place.service.script = lambda seen, handler: reply(handler, status, body, **headers)
    relay = place.relay()
    answer = relay.get()
    assert (answer.refusal, answer.head["refused"]["status"], answer.body) == ("RESPONSE_REFUSED", 502, b"")
    assert place.completed(relay)[-1]["error"] == "RESPONSE_REFUSED"


def test_a_damaged_encoding_cuts_the_stream_off(place: World) -> None:
    packed = gzip.compress(bytes(3 * MEBIBYTE))
    place.service.script = lambda seen, handler: reply(handler, 200, packed[:-9], Content_Encoding="gzip")
    answer = place.relay().get()
    assert answer.status == 200 and not answer.is_whole


def test_head_answers_and_empty_ones(place: World) -> None:
    relay = place.relay()
    place.service.script = lambda seen, handler: reply(handler, 200, b"twelve bytes")
    answer = relay.ask(relay.head("HEAD", "/"))
    assert (answer.status, answer.head["length"], answer.body, answer.is_whole) == (200, 12, b"", True)

    def empty(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(204)
        handler.end_headers()

    place.service.script = empty
    answer = relay.get()
    assert (answer.status, answer.body, answer.is_whole) == (204, b"", True)


def test_a_redirect_is_handed_back_and_not_followed(place: World) -> None:
    target = f"https://elsewhere.example/?t={SECRET}"
    place.service.script = lambda seen, handler: reply(handler, 302, b"", Location=target, Set_Cookie="session=1")
    relay = place.relay()
    answer = relay.get("/", ("authorization", f"Bearer {relay.placeholder}"))
    assert (answer.status, answer.header("location")) == (302, "https://elsewhere.example/?t=[REDACTED]")
    assert len(place.service.seen) == 1 and answer.header("set-cookie") is None


def test_connections_to_the_service_are_used_again(place: World) -> None:
    relay = place.relay()
    before = place.service.connections
    assert [relay.get().status for _ in range(5)] == [200] * 5
    assert place.service.connections - before <= 1


def test_a_kept_connection_that_the_service_closed_is_replaced(place: World) -> None:
    def script(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        reply(handler, 200, b"ok")
        handler.close_connection = True  # without saying so

    place.service.script = script
    relay = place.relay()
    assert [relay.get().body for _ in range(4)] == [b"ok"] * 4


def test_many_streams_at_once_each_get_their_own_answer(place: World) -> None:
    place.service.script = lambda seen, handler: reply(handler, 200, seen.target.encode() * 100)
    relay = place.relay()
    answers: dict[int, Answer] = {}

    def ask(number: int) -> None:
        answers[number] = relay.get(f"/{number}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {number: answer.body for number, answer in answers.items()} == {n: f"/{n}".encode() * 100 for n in range(40)}


def test_the_answer_comes_while_the_request_is_still_being_sent(place: World) -> None:
    def script(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        reply(handler, 413, b"too large")
        handler.close_connection = True

    place.service.script = script
    relay = place.relay()
    with relay.open() as stream:
        stream.send(stream.writer.head(relay.head("POST", "/", ("transfer-encoding", "chunked"))))
        answer = stream.answer()
    assert (answer.status, answer.body, answer.is_whole) == (413, b"too large", True)


def test_every_request_is_on_record_before_and_after(place: World) -> None:
    relay = place.relay()
    relay.get("/repos?x=1")
    decided, completed = place.records("egress.decided", relay)[0], place.completed(relay)[0]
    about = {"agent": "runner:default", "capability": "run", "method": "GET", "path": "/repos", "runner": "default"}
    assert about.items() <= decided.items() and about.items() <= completed.items()
    assert decided["decision"] == "allow" and decided["host"] == f"http://127.0.0.1:{place.service.port}"
    assert decided["seq"] < completed["seq"] and decided["stream"] == completed["stream"]
    assert (completed["outcome"], completed["status"], completed["scrubHits"]) == ("completed", 200, 0)


def test_the_rules_of_a_capability_see_the_path_below_the_base_url(place: World) -> None:
    relay = place.relay("based")
    assert relay.get("/v3/repos/a").status == 200
    assert relay.get("/repos/a").refusal == relay.get("/v3").refusal == relay.get("/v30/repos/a").refusal == "RULE_DENY"
    assert [seen.target for seen in place.service.seen] == ["/v3/repos/a"]


def test_rules_allow_and_deny(place: World) -> None:
    relay = place.relay("ruled")
    assert relay.get("/repos/x?per_page=3&flag").status == 200
    assert place.service.seen[0].target == "/repos/x?per_page=3&flag"
    assert relay.get("/user").refusal == relay.get("/repos/secrets").refusal == "RULE_DENY"
    assert relay.ask(relay.head("DELETE", "/repos/x")).refusal == "RULE_DENY"
    refused = [record["reasonCode"] for record in place.records("egress.decided", relay) if record["decision"] == "deny"]
    assert refused == ["RULE_DENY"] * 3 and len(place.service.seen) == 1
