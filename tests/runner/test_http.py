"""The HTTP transport: agent tokens, session binding, DNS rebinding, and the official client."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.runner.rig import Rig, argv_of, descendants, stop, wait_for

ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip


@dataclass
class HttpRunner:
    url: str
    pid: int
    tokens: dict[str, str]
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(100))

    def post(self, body: Any, token: str | None = None, **headers: str) -> httpx.Response:
        more = {} if token is None else {"authorization": f"Bearer {token}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.post(self.url, content=content, headers={**ACCEPT, **more, **named})

    def reachable(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return self.post(INITIALIZE, self.tokens["agent:one"]).status_code == 200
        return False

    def session(self, agent: str) -> str:
        answer = self.post(INITIALIZE, self.tokens[agent])
        assert answer.status_code == 200, answer.text
        session: str = answer.headers["mcp-session-id"]
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        self.post(note, self.tokens[agent], mcp_session_id=session)
        return session

    def call(self, agent: str, session: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        params = {"name": tool, "arguments": arguments}
        body = {"jsonrpc": "2.0", "id": next(self.ids), "method": "tools/call", "params": params}
        answer = self.post(body, self.tokens[agent], mcp_session_id=session)
        assert answer.status_code == 200, answer.text
        found = re.search(r"^data: (\{.*\})\r?$", answer.text, re.MULTILINE)
        result: dict[str, Any] = json.loads(found.group(1) if found else answer.text)["result"]
        return result


@pytest.fixture(scope="module")
def http(rig: Rig) -> Iterator[HttpRunner]:
    tokens = {}
    for agent in ("agent:one", "agent:two"):
        tokens[agent] = json.loads(rig.janee("agent", "add", agent, "--json"))["token"]
    child = rig.spawn(*rig.runner_argv("-t", "http", "-p", "0"), stderr=subprocess.PIPE)
    lines: list[str] = []

    def read() -> None:
        assert child.stderr is not None
        for line in child.stderr:
            lines.append(line.decode())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        url = wait_for(
            "it listens", lambda: next((found[0] for line in lines if (found := re.findall(r"http://\S+", line))), None)
        )
        yield HttpRunner(url, child.pid, tokens)
    finally:
        stop(child)
        reader.join(5)
        assert child.stderr is not None
        child.stderr.close()
        assert not any("Traceback" in line for line in lines)


def test_without_a_token_nothing_is_answered(http: HttpRunner) -> None:
    answer = http.post(INITIALIZE)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("token", ["wrong", "x" * 5000, "jat_" + "A" * 43])
def test_a_token_that_the_authority_does_not_know_opens_nothing(http: HttpRunner, token: str) -> None:
    assert http.post(INITIALIZE, token).status_code == 401


def test_each_agent_is_itself(http: HttpRunner, rig: Rig) -> None:
    for agent in ("agent:one", "agent:two"):
        session = http.session(agent)
        who = http.call(agent, session, "janee_whoami", {})["structuredContent"]
        assert who["agentId"] == agent
        result = http.call(agent, session, "janee_exec", {"capability": "run", "command": ["sh", "-c", "echo $RIG_TOKEN"]})
        assert result["structuredContent"]["stdout"] == "[REDACTED]\n"
        assert rig.outcome_of(result["structuredContent"]["grantId"])["agent"] == agent


def test_another_agents_session_is_not_found(http: HttpRunner) -> None:
    session = http.session("agent:one")
    body = {"jsonrpc": "2.0", "id": 3, "method": "tools/list"}
    assert http.post(body, http.tokens["agent:one"], mcp_session_id=session).status_code == 200
    assert http.post(body, http.tokens["agent:two"], mcp_session_id=session).status_code == 404
    assert http.post(body, mcp_session_id=session).status_code == 401


def test_a_foreign_host_or_origin_is_refused(http: HttpRunner) -> None:
    token = http.tokens["agent:one"]
    assert http.post(INITIALIZE, token, host="evil.example").status_code == 421
    assert http.post(INITIALIZE, token, origin="http://evil.example").status_code == 403
    assert http.post(INITIALIZE, token, host="localhost.evil.example:80").status_code == 421


def test_a_body_that_is_not_json_and_one_too_large_are_client_errors(http: HttpRunner) -> None:
    token = http.tokens["agent:one"]
    assert http.post(b"{not json", token).status_code == 400
    assert http.post(b" " * (33 << 20), token).status_code == 413
    assert http.session("agent:one")


def test_a_revoked_agent_is_refused_in_its_live_session(http: HttpRunner, rig: Rig) -> None:
    token = json.loads(rig.janee("agent", "add", "agent:gone", "--json"))["token"]
    http.tokens["agent:gone"] = token
    session = http.session("agent:gone")
    rig.janee("agent", "revoke", "agent:gone")
    result = http.call("agent:gone", session, "janee_exec", {"capability": "run", "command": ["true"]})
    assert result["isError"]
    assert result["structuredContent"]["denial"]["reasonCode"] in ("SESSION_REVOKED", "IDENTITY_UNVERIFIED")


def test_a_client_that_hangs_up_ends_its_command(http: HttpRunner, rig: Rig) -> None:
    session = http.session("agent:one")
    arguments = {"capability": "run", "command": ["sleep", "61.25"]}
    body = {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": "janee_exec", "arguments": arguments}}
    headers = {**ACCEPT, "authorization": f"Bearer {http.tokens['agent:one']}", "mcp-session-id": session}

    def sleeping() -> bool:
        return any(b"61.25" in argv_of(pid) for pid in descendants(http.pid))

    with httpx.Client(trust_env=False, timeout=30) as client, client.stream("POST", http.url, json=body, headers=headers):
        wait_for("the command runs", lambda: sleeping() or None)
    wait_for("the command is gone", lambda: not sleeping() or None, 15)

    def ended() -> list[str] | None:
        records = [r for r in rig.audit() if r["event"] == "exec.completed" and r["command"] == ["sleep", "61.25"]]
        return [record["outcome"] for record in records] or None

    assert wait_for("it is recorded", ended) == ["cancelled"]


def test_an_agent_that_opens_sessions_without_end_meets_its_own_limit_alone(http: HttpRunner, rig: Rig) -> None:
    token = json.loads(rig.janee("agent", "add", "agent:greedy", "--json"))["token"]
    answers = [http.post(INITIALIZE, token) for _ in range(34)]
    assert [answer.status_code for answer in answers] == [200] * 32 + [429] * 2
    assert http.session("agent:one")
    with httpx.Client(trust_env=False, timeout=30) as client:
        session = answers[0].headers["mcp-session-id"]
        client.delete(http.url, headers={"authorization": f"Bearer {token}", "mcp-session-id": session})
    assert http.post(INITIALIZE, token).status_code == 200


def test_an_agents_queue_does_not_hold_up_another_agent(http: HttpRunner) -> None:
    session = http.session("agent:two")
    arguments = {"capability": "run", "command": ["sleep", "3"]}

    def hog() -> None:
        http.call("agent:two", session, "janee_exec", arguments)

    threads = [threading.Thread(target=hog) for _ in range(20)]
    for thread in threads:
        thread.start()
    wait_for("they run", lambda: sum(argv_of(pid) == b"sleep\x003\0" for pid in descendants(http.pid)) >= 8 or None)
    mine = http.session("agent:one")
    started = time.monotonic()
    result = http.call("agent:one", mine, "janee_exec", {"capability": "run", "command": ["true"]})
    assert result["structuredContent"]["exitCode"] == 0
    assert time.monotonic() - started < 5
    assert sum(argv_of(pid) == b"sleep\x003\0" for pid in descendants(http.pid)) <= 8
    for thread in threads:
        thread.join(60)


def test_silent_connections_do_not_keep_others_out(http: HttpRunner) -> None:
    port = int(http.url.rpartition(":")[2].partition("/")[0])
    silent = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(520)]
    try:
        for one in silent[:200]:
            with contextlib.suppress(OSError):
                one.sendall(b"POST /mcp HTTP/1.1\r\nhost: ")
        wait_for("there is room again", lambda: http.reachable() or None, 25)
    finally:
        for one in silent:
            one.close()


def test_the_official_client_is_served(http: HttpRunner, rig: Rig) -> None:
    script = f"""
import anyio, httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
async def main():
    async with httpx2.AsyncClient(headers={{"authorization": "Bearer {http.tokens["agent:two"]}"}}, trust_env=False) as web:
        async with Client(streamable_http_client("{http.url}", http_client=web)) as client:
            result = await client.call_tool("janee_exec", {{"capability": "run", "command": ["sh", "-c", "echo hello"]}})
            print(result.structured_content["stdout"])
            print((await client.call_tool("janee_whoami", {{}})).structured_content["agentId"])
anyio.run(main)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env=rig.env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["hello", "agent:two"]
