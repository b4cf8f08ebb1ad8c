"""The API over real HTTP: routes, statuses, bodies, signatures, limits."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from janee.seal import verify_response
from tests.authority.live import API_KEY, Live, Runner, make_home, open_grant, running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One Authority for tests that leave nothing behind."""
    home, environ = make_home(tmp_path_factory.mktemp("authority"))
    with running(home, environ) as authority:
        yield authority


@pytest.fixture(scope="module")
def runner(shared: Live) -> Runner:
    return shared.runner()


def test_an_exec_end_to_end(shared: Live, runner: Runner) -> None:
    answer, seal_key = runner.authorize()
    assert answer.status == 200
    assert set(answer.body) >= {"grantId", "grantExpiresAt", "effectiveTimeoutMs", "constraints", "sealed"}
    assert "envInjections" not in answer.body and "scrubValues" not in answer.body
    assert answer.body["constraints"]["executable"] == "true"
    assert list(open_grant(answer, seal_key).env) == ["API_TOKEN"]
    assert runner.complete(answer.body["grantId"]).body == {"ok": True}


def test_a_denial_is_a_403_with_its_parts(runner: Runner) -> None:
    answer, _ = runner.authorize(command=("ls",))
    assert answer.status == 403
    assert answer.code == "COMMAND_NOT_ALLOWED"
    denial = answer.body["denial"]
    assert set(denial) == {"reasonCode", "capability", "agentId", "evaluatedPolicy", "nextStep"}
    assert denial["capability"] == "run" and denial["agentId"] == "runner:default" and denial["nextStep"]


@pytest.mark.parametrize(
    ("grant", "status", "code"), [("g_none", 409, "GRANT_UNKNOWN"), ("bad", 400, "BAD_REQUEST"), ("", 400, "BAD_REQUEST")]
)
def test_a_completion_for_no_grant_is_an_error(runner: Runner, grant: str, status: int, code: str) -> None:
    answer = runner.complete(grant)
    assert (answer.status, answer.code) == (status, code)


def test_capabilities_come_by_a_signed_query(runner: Runner) -> None:
    answer = runner.call("GET", "/v1/capabilities", query="runnerId=r1&agentId=local&requestId=q1")
    assert answer.status == 200
    assert answer.body["agentId"] == "local"
    assert [capability["name"] for capability in answer.body["capabilities"]] == ["run"]
    assert runner.call("GET", "/v1/capabilities", query="agentId=a%20b").status == 400
    assert runner.call("GET", "/v1/capabilities", query="surprise=1").status == 400
    assert runner.call("GET", "/v1/capabilities").body["agentId"] == "runner:default"


def test_explain_answers_with_the_trace(runner: Runner) -> None:
    answer = runner.post("/v1/explain", {"runner": {"runnerId": "r1"}, "capabilityId": "run", "command": ["ls"]})
    assert answer.status == 200
    assert answer.body["allowed"] is False
    assert answer.body["reasonCode"] == "COMMAND_NOT_ALLOWED"
    assert {"check", "result", "detail"} == set(answer.body["trace"][0])


def test_health_needs_no_key_and_tells_little(shared: Live) -> None:
    answer = shared.runner().send("GET", "/v1/health", b"", "", {})
    assert answer.status == 200
    assert set(answer.body) == {"ok", "mode", "version", "audit"}
    assert (answer.body["ok"], answer.body["mode"], answer.body["audit"]) == (True, "authority", "ok")
    assert "server" not in answer.headers and "date" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "NOT_FOUND"),
        ("GET", "/v1/nothing", 404, "NOT_FOUND"),
        ("POST", "/v1/exec/authorize/", 404, "NOT_FOUND"),
        ("POST", "/v1/health", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/exec/authorize", 405, "METHOD_NOT_ALLOWED"),
        ("PUT", "/v1/exec/complete", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_what_is_not_there_is_a_json_error(runner: Runner, method: str, path: str, status: int, code: str) -> None:
    answer = runner.call(method, path)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["content-type"] == "application/json"


MALFORMED = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"runner":1}',
    b"\xff\xfe",
    b'{"a":' * 5000,
    b'{"capabilityId":"run"}',
    b"<html>",
    b'{"runner": {"runnerId": "r"}, "capabilityId": "run", "command": []}',
    b'{"runner": {"runnerId": "r"}, "capabilityId": "run", "command": "true"}',
    b'{"runner": {"runnerId": "r"}, "capabilityId": "run", "command": [1]}',
    b'{"runner": {"runnerId": "r\\n"}, "capabilityId": "run", "command": ["true"]}',
)


@pytest.mark.parametrize("body", MALFORMED)
def test_a_malformed_message_is_a_400_that_quotes_nothing(runner: Runner, body: bytes) -> None:
    answer = runner.call("POST", "/v1/exec/authorize", body)
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert len(answer.raw) < 2000


def test_an_unknown_field_is_refused(runner: Runner) -> None:
    answer, _ = runner.authorize(surprise="x" * 50)
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")
    assert "x" * 50 not in answer.raw.decode()


def test_every_answer_to_a_known_runner_is_signed(runner: Runner) -> None:
    for path, body in (("/v1/exec/authorize", b"{"), ("/v1/exec/complete", b"{}"), ("/v1/explain", b"[]")):
        headers = runner.sign("POST", path, body)
        answer = runner.send("POST", path, body, "", headers)
        assert answer.status == 400
        verify_response(runner.key, headers, status=answer.status, body=answer.raw, headers=answer.headers)


def test_a_body_over_the_limit_is_refused_by_its_declared_length(shared: Live) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as connection:
        connection.sendall(b"POST /v1/exec/authorize HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n")
        answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 413") and b"BODY_TOO_LARGE" in answer


def test_a_chunked_body_over_the_limit_is_refused_on_the_way(shared: Live) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as connection:
        connection.sendall(b"POST /v1/exec/authorize HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        answer = b""
        try:
            for _ in range(64):
                connection.sendall(chunk)
        except OSError:
            pass  # it hung up on us
        answer = read_to_end(connection)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413")


def test_what_is_no_http_gets_a_json_error(shared: Live) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 400") and json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "BAD_REQUEST"


def test_too_large_a_head_is_refused(shared: Live) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as connection:
        connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000)
        answer = read_to_end(connection)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


def test_the_connection_is_kept_between_requests(shared: Live) -> None:
    request = b"GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as connection:
        for _ in range(3):
            connection.sendall(request)
            answer = b""
            while b'"version"' not in answer:  # the body
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")


def read_to_end(connection: socket.socket) -> bytes:
    data, deadline = b"", time.monotonic() + 10
    try:
        while time.monotonic() < deadline and (chunk := connection.recv(65536)):
            data += chunk
    except OSError:
        pass
    return data


def test_an_original_runner_is_served_only_where_plaintext_grants_are_allowed(live: Live, tmp_path: Any) -> None:
    message = {"runner": {"runnerId": "ts"}, "capabilityId": "run", "command": ["true"]}
    headers = {"x-janee-runner-key": API_KEY, "content-type": "application/json"}
    body = json.dumps(message).encode()
    refused = live.runner().send("POST", "/v1/exec/authorize", body, "", headers)
    assert (refused.status, refused.code) == (401, "SIGNATURE_INVALID")

    lax = CONFIG_LAX
    home, environ = make_home(tmp_path / "lax", lax)
    with running(home, environ, "--allow-plaintext-grants") as authority:
        runner = authority.runner()
        granted = runner.send("POST", "/v1/exec/authorize", body, "", headers)
        assert granted.status == 200
        assert granted.body["envInjections"] and granted.body["scrubValues"]
        wrong = runner.send("POST", "/v1/exec/authorize", body, "", headers | {"x-janee-runner-key": "wrong"})
        assert (wrong.status, wrong.code) == (401, "KEY_UNKNOWN")


CONFIG_LAX = """\
version: "0.3.0"
services: {api: {baseUrl: "https://api.example.test", auth: {type: bearer}}}
capabilities:
  run: {service: api, mode: exec, delivery: env, allowedAgents: ["runner:default"], allowCommands: [{argv: ["true"]}],
    env: {T: "{{credential}}"}, minSandbox: "off"}
"""
