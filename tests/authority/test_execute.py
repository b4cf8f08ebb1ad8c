"""`/v1/execute`: what the service is sent, what the agent gets back, what is on record."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from janee.authority.denial import DecisionDenied
from janee.authority.execute import execute
from janee.errors import JaneeError, ProtocolError
from janee.protocol import ExecuteRequest, ExecuteResponse, RunnerInfo
from tests.authority.desk import Desk, open_desk
from tests.authority.echo import Seen, Service, reply, serving
from tests.authority.egress.test_aws import is_signed
from tests.authority.live import SECRET
from tests.authority.test_server import make_certificate


def config(port: int, *, scheme: str = "http", host: str = "127.0.0.1", extra: str = "allowPrivate: true") -> str:
    agents = 'allowedAgents: ["runner:default"]'
    return f"""\
version: "0.3.0"
services:
  api: {{baseUrl: "{scheme}://{host}:{port}/base", auth: {{type: bearer}}, {extra}}}
  two: {{baseUrl: "{scheme}://{host}:{port}", auth: {{type: basic}}, {extra}}}
  three: {{baseUrl: "{scheme}://{host}:{port}", auth: {{type: headers, headers: [X-Api-Key]}}, {extra}}}
  four: {{baseUrl: "{scheme}://{host}:{port}", auth: {{type: query, param: api_key}}, {extra}}}
  five: {{baseUrl: "{scheme}://{host}:{port}/base", auth: {{type: aws-sigv4, region: eu-west-1, service: sts}}, {extra}}}
  six: {{baseUrl: "{scheme}://{host}:{port}", auth: {{type: aws-sigv4}}, {extra}}}
capabilities:
  asked: {{service: four, mode: proxy, {agents}, rules: {{allow: ["* /*"]}}}}
  signed: {{service: five, mode: proxy, {agents}, rules: {{allow: ["* /*"]}}}}
  placeless: {{service: six, mode: proxy, {agents}, rules: {{allow: ["* /*"]}}}}
  call: {{service: api, mode: proxy, {agents}, rules: {{allow: ["* /*"], deny: ["GET /secret*"]}}, timeout: 2000}}
  pair: {{service: two, mode: proxy, {agents}, rules: {{allow: ["* /*"]}}}}
  keyed: {{service: three, mode: proxy, {agents}, rules: {{allow: ["* /*"]}}}}
"""


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path, service: Service) -> Iterator[Desk]:
    with open_desk(tmp_path, config(service.port)) as opened:
        yield opened


def run(desk: Desk, *calls: Callable[[], Awaitable[ExecuteResponse]]) -> list[ExecuteResponse]:
    async def all_of_them() -> list[ExecuteResponse]:
        try:
            return [await call() for call in calls]
        finally:
            await desk.authority.close()

    return asyncio.run(all_of_them())


def call(desk: Desk, method: str = "GET", path: str = "/x", capability: str = "call", **more: Any) -> ExecuteResponse:
    request = ExecuteRequest(
        runner=RunnerInfo(runner_id="r1"), capability_id=capability, method=method, path=path, request_id="q1", **more
    )
    return run(desk, lambda: execute(desk.authority, desk.caller(), request))[0]


def test_a_bearer_credential_is_added_and_the_answer_comes_back(desk: Desk, service: Service) -> None:
    service.script = lambda seen, handler: reply(handler, 201, b'{"ok":true}', Content_Type="application/json", X_Rate="7")
    answer = call(desk, "POST", "/items?dry=1", body='{"a":1}', headers={"Accept": "application/json"})
    assert (answer.status, answer.body, answer.body_encoding) == (201, '{"ok":true}', "utf-8")
    assert answer.headers["x-rate"] == "7" and answer.headers["content-type"] == "application/json"
    assert (answer.truncated, answer.scrub_hits) == (False, 0)
    (seen,) = service.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/base/items?dry=1", b'{"a":1}')
    assert seen.header("authorization") == f"Bearer {SECRET}"
    assert seen.header("host") == f"127.0.0.1:{service.port}"
    assert seen.header("accept") == "application/json" and seen.header("content-type") == "application/json"
    assert seen.header("accept-encoding") == "identity" and seen.header("cookie") is None


def test_basic_and_header_credentials(desk: Desk, service: Service) -> None:
    call(desk, capability="pair")
    call(desk, capability="keyed")
    pair = base64.b64encode(f"git-user:{SECRET}".encode()).decode()
    assert service.seen[0].header("authorization") == f"Basic {pair}"
    assert service.seen[1].header("x-api-key") == SECRET and service.seen[1].header("authorization") is None


def test_a_credential_in_the_query(desk: Desk, service: Service) -> None:
    assert SECRET not in str(call(desk, capability="asked", path="/x?a=b"))
    call(desk, capability="asked", path="/x")
    assert [seen.target for seen in service.seen] == [f"/x?a=b&api_key={SECRET}", f"/x?api_key={SECRET}"]


def test_an_aws_request_is_signed(desk: Desk, service: Service) -> None:
    answer = call(desk, "POST", capability="signed", path="/x?b=2&a=1", body="Action=GetCallerIdentity")
    assert is_signed(service.seen[0], SECRET) and SECRET not in str(answer)
    with pytest.raises(ProtocolError, match="region"):
        call(desk, capability="placeless")


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/a b/ü", None, "/base/a%20b/%C3%BC"),
        ("/a%41!$&'()*+,=:@~-._", None, "/base/aA!$&'()*+,=:@~-._"),
        ("/q", {"x": ["1", "2"], "y": "a&b=c#d/é"}, "/base/q?x=1&x=2&y=a%26b%3Dc%23d%2F%C3%A9"),
        ("/q?z=%27'", None, "/base/q?z=%27%27"),
        ("/", None, "/base/"),
    ],
)
def test_exactly_the_path_that_was_decided_is_sent(desk: Desk, service: Service, path: str, query: Any, target: str) -> None:
    call(desk, path=path, query=query)
    assert service.seen[0].target == target


@pytest.mark.parametrize("capability", ["call", "pair", "keyed"])
def test_an_upstream_that_echoes_everything_gives_nothing_away(desk: Desk, service: Service, capability: str) -> None:
    answer = call(desk, "POST", "/echo", capability, body="hello")
    assert answer.status == 200 and "hello" in answer.body
    assert "[REDACTED]" in answer.body
    assert answer.scrub_hits >= 1
    wire = answer.to_json().decode()
    assert SECRET not in wire and base64.b64encode(f"git-user:{SECRET}".encode()).decode() not in wire


def test_the_credential_in_a_header_name_value_and_redirect_is_scrubbed(desk: Desk, service: Service) -> None:
    def script(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"https://evil.test/?k={SECRET}")
        handler.send_header(f"X-{SECRET}-Y", "1")
        handler.send_header("Set-Cookie", "session=abc")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    service.script = script
    answer = call(desk)
    assert answer.status == 302
    assert SECRET.lower() not in str(answer.headers).lower()
    assert answer.headers["location"] == "https://evil.test/?k=[REDACTED]"
    assert answer.headers["x-[redacted]-y"] == "1"
    assert answer.scrub_hits == 2
    assert "set-cookie" not in answer.headers
    assert len(service.seen) == 1  # and nobody followed it


def test_what_is_not_text_comes_as_base64(desk: Desk, service: Service) -> None:
    service.script = lambda seen, handler: reply(handler, 200, b"\x89PNG\xff" + SECRET.encode() + b"\xfe")
    answer = call(desk)
    assert answer.body_encoding == "base64"
    assert base64.b64decode(answer.body) == b"\x89PNG\xff[REDACTED]\xfe"


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_compressed_answer_is_looked_into(desk: Desk, service: Service, pack: Callable[[bytes], bytes]) -> None:
    encoding = "gzip" if pack is gzip.compress else "deflate"
    service.script = lambda seen, handler: reply(handler, 200, pack(f"key={SECRET}".encode()), Content_Encoding=encoding)
    answer = call(desk)
    assert answer.body == "key=[REDACTED]"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("encoding", "body"), [("br", b"xx"), ("gzip, gzip", b"x"), ("gzip", b"no gzip at all"), ("zstd", b"x")]
)
def test_an_answer_that_cannot_be_looked_into_is_an_error(desk: Desk, service: Service, encoding: str, body: bytes) -> None:
    service.script = lambda seen, handler: reply(handler, 200, body, Content_Encoding=encoding)
    with pytest.raises(ProtocolError) as caught:
        call(desk)
    assert caught.value.code == "UPSTREAM_FAILED"


def test_a_head_answer_has_no_body(desk: Desk, service: Service) -> None:
    service.script = lambda seen, handler: reply(handler, 200, b"12345", X_There="yes")
    answer = call(desk, "HEAD")
    assert (answer.status, answer.body, answer.headers["x-there"]) == (200, "", "yes")


def test_the_call_is_on_record_before_and_after(desk: Desk, service: Service) -> None:
    before: list[list[str]] = []

    def script(seen: Seen, handler: BaseHTTPRequestHandler) -> None:
        before.append(desk.events())
        reply(handler, 200, f"{SECRET}".encode())

    service.script = script
    call(desk, "POST", f"/p/{SECRET}", query={"k": SECRET}, reason=f"for {SECRET}")
    assert before == [["execute.requested", "execute.decided"]]
    records = desk.records()
    assert [record["event"] for record in records] == ["execute.requested", "execute.decided", "execute.completed"]
    assert SECRET not in str(records)
    last = records[-1]
    assert (last["status"], last["bytes"], last["scrubHits"], last["outcome"]) == (200, len(SECRET), 1, "completed")
    assert last["durationMs"] >= 0 and last["method"] == "POST"


def test_a_denied_request_is_not_sent(desk: Desk, service: Service) -> None:
    with pytest.raises(DecisionDenied):
        call(desk, "GET", "/secrets")
    assert service.seen == []
    assert desk.events() == ["execute.requested", "execute.decided"]


def test_a_connection_is_used_again(desk: Desk, service: Service) -> None:
    request = ExecuteRequest(runner=RunnerInfo(runner_id="r1"), capability_id="call", method="GET", path="/x")
    run(desk, *[lambda: execute(desk.authority, desk.caller(), request)] * 3)
    assert (len(service.seen), service.connections) == (3, 1)


def test_a_service_that_is_down_is_a_clear_error(tmp_path: Path) -> None:
    with serving() as gone:
        pass
    with open_desk(tmp_path, config(gone.port)) as desk:
        with pytest.raises(ProtocolError) as caught:
            call(desk)
        assert caught.value.code == "UPSTREAM_FAILED" and "refuses the connection" in caught.value.message
        assert desk.records()[-1]["outcome"] == "failed"


def test_a_service_that_does_not_answer_is_given_up(desk: Desk, service: Service) -> None:
    import threading

    release = threading.Event()
    service.script = lambda seen, handler: (release.wait(10), None)[1]
    try:
        with pytest.raises(ProtocolError) as caught:
            call(desk)
    finally:
        release.set()
    assert caught.value.code == "UPSTREAM_TIMEOUT"
    assert desk.records()[-1]["outcome"] == "timed_out"


def test_over_http_it_is_one_signed_call(tmp_path: Path, service: Service) -> None:
    from tests.authority.live import make_home, running

    home, environ = make_home(tmp_path, config(service.port))
    with running(home, environ) as live:
        message = {"runner": {"runnerId": "r"}, "capabilityId": "call", "method": "GET", "path": "/x", "requestId": "q"}
        answer = live.runner().post("/v1/execute", message)
        assert answer.status == 200 and "[REDACTED]" in answer.body["body"]
        assert SECRET not in answer.raw.decode()
        denied = live.runner().post("/v1/execute", message | {"path": "/../x"})
        assert (denied.status, denied.code) == (403, "RULE_DENY")


# --- TLS --------------------------------------------------------------------------------------------------------------


def failure(desk: Desk) -> JaneeError:
    with pytest.raises(ProtocolError) as caught:
        call(desk)
    return caught.value


def test_tls_is_verified_against_the_name(tmp_path: Path) -> None:
    cert, key = make_certificate(tmp_path)  # for localhost
    with serving(tls=(cert, key)) as service:
        trusted = f'allowPrivate: true, ca: "{cert}"'
        with open_desk(tmp_path / "a", config(service.port, scheme="https", host="localhost", extra=trusted)) as desk:
            assert call(desk).status == 200
            assert service.seen[0].header("host") == f"localhost:{service.port}"
        with open_desk(tmp_path / "b", config(service.port, scheme="https", host="localhost")) as desk:
            assert "certificate of localhost is not valid" in failure(desk).message
        with open_desk(tmp_path / "c", config(service.port, scheme="https", host="127.0.0.1", extra=trusted)) as desk:
            assert "certificate of 127.0.0.1 is not valid" in failure(desk).message
        assert len(service.seen) == 1  # the credential reached nobody else


def test_a_ca_file_that_is_gone_is_a_clear_error(tmp_path: Path, service: Service) -> None:
    text = config(service.port, scheme="https", extra='allowPrivate: true, ca: "/nowhere.pem"')
    with open_desk(tmp_path, text) as desk:
        assert "CA file" in failure(desk).message


def test_json_stays_json(desk: Desk, service: Service) -> None:
    service.script = lambda seen, handler: reply(handler, 200, json.dumps({"token": SECRET, "n": 1}).encode())
    assert json.loads(call(desk).body) == {"token": "[REDACTED]", "n": 1}
