"""Agents over HTTP: each is who its token says, may do what its name is allowed, and nobody gets in without a token."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from janee.demo.processes import Process, wait_until
from janee.demo.traces import find_traces
from janee.demo.world import World, agent_env, janee_command

T = TypeVar("T")
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "creature:root", "version": "1"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@dataclass(frozen=True)
class Site:
    """A Runner on HTTP with a key of its own. tokens: agent → token."""

    world: World
    url: str
    key: str
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def site(world: World) -> Iterator[Site]:
    tokens = {
        name: json.loads(world.janee("agent", "add", name, "--json"))["token"]
        for name in ("creature:patch", "creature:nib", "stranger:x")
    }
    key = json.loads(world.janee("runner", "add", "site", "--agents", "creature:*", "--json"))["key"]
    rule = json.dumps({"argv": ["bash", "-c"], "rest": "any"})
    exec_mode = (
        "--service",
        "git",
        "--mode",
        "exec",
        "--delivery",
        "env",
        "--allow-command",
        rule,
        "--env",
        "T={{credential}}",
    )
    world.janee("capability", "add", "patch-only", *exec_mode, "--agent", "creature:patch")
    key_file = world.root / "untrusted" / "site.key"
    key_file.touch(mode=0o600)
    key_file.write_text(key + "\n")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://localhost:{world.recorder.port}"
    argv = [janee_command(), "serve", "--runner", "--authority-url", url, "-t", "http", "-p", str(port)]
    env = {**agent_env(world.root), "JANEE_API_KEY_FILE": str(key_file)}
    log = world.root / "log" / "site.log"
    with Process("the HTTP Runner", argv, env=env, log=log, ends_with_stdin=False):
        wait_until("it listens", lambda: True if f":{port}" in log.read_text() else None)
        yield Site(world, f"http://127.0.0.1:{port}/mcp", key, tokens)


def post(site: Site, headers: dict[str, str], body: object = HELLO) -> httpx.Response:
    return httpx.post(site.url, json=body, headers={**ACCEPT, **headers}, timeout=30, trust_env=False)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def with_session(site: Site, agent: str, use: Callable[[ClientSession], Awaitable[T]]) -> T:
    async def run() -> T:
        async with (
            httpx2.AsyncClient(headers=bearer(site.tokens[agent]), trust_env=False) as http,
            streamable_http_client(site.url, http_client=http) as streams,
            ClientSession(streams[0], streams[1], read_timeout_seconds=60) as session,
        ):
            await session.initialize()
            return await use(session)

    return asyncio.run(run())


def call(site: Site, agent: str, tool: str, **arguments: Any) -> dict[str, Any]:
    async def use(session: ClientSession) -> dict[str, Any]:
        result = await session.call_tool(tool, arguments)
        assert result.structured_content is not None
        return {**result.structured_content, "isError": bool(result.is_error)}

    return with_session(site, agent, use)


SHELL = {"capability": "patch-only", "command": ["bash", "-c", 'echo "$T"']}


@pytest.mark.parametrize(
    "headers",
    [{}, bearer("wrong"), {"Authorization": "Basic eDp5"}, {"X-Api-Key": "x"}],
    ids=["none", "wrong", "basic", "other"],
)
def test_without_an_agents_token_nobody_gets_in(site: Site, headers: dict[str, str]) -> None:
    answer = post(site, headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_runners_own_key_is_no_agents_token(site: Site) -> None:
    assert post(site, bearer(site.key)).status_code == 401


def test_an_agent_is_who_its_token_says(site: Site) -> None:
    assert call(site, "creature:patch", "janee_whoami")["agentId"] == "creature:patch"
    assert call(site, "creature:nib", "janee_whoami")["agentId"] == "creature:nib"


def test_each_may_do_what_its_name_is_allowed(site: Site) -> None:
    done = call(site, "creature:patch", "janee_exec", **SHELL)
    assert (done["exitCode"], done["stdout"]) == (0, "[REDACTED]\n")
    refused = call(site, "creature:nib", "janee_exec", **SHELL)
    assert refused["isError"]
    assert refused["denial"]["reasonCode"] == "AGENT_NOT_ALLOWED"


def test_an_agent_that_the_runners_key_does_not_cover_is_refused(site: Site) -> None:
    assert post(site, bearer(site.tokens["stranger:x"])).status_code == 401


def test_a_session_belongs_to_the_token_that_opened_it(site: Site) -> None:
    opened = post(site, bearer(site.tokens["creature:patch"]))
    assert opened.status_code == 200
    session = {"mcp-session-id": opened.headers["mcp-session-id"], "mcp-protocol-version": "2025-06-18"}
    body = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    assert post(site, {**session, **bearer(site.tokens["creature:nib"])}, body).status_code in (401, 403, 404)
    assert post(site, {**session, **bearer(site.tokens["creature:patch"])}, body).status_code == 200


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_a_rebound_name_or_foreign_page_is_refused(site: Site, headers: dict[str, str]) -> None:
    assert post(site, {**bearer(site.tokens["creature:patch"]), **headers}).status_code in (400, 403, 421)


def test_a_revoked_agent_is_out_at_once(site: Site) -> None:
    token = json.loads(site.world.janee("agent", "add", "creature:gone", "--json"))["token"]
    fresh = Site(site.world, site.url, site.key, {"creature:gone": token})

    async def use(session: ClientSession) -> tuple[Any, Any, Any]:
        before = await session.call_tool("janee_whoami", {})
        site.world.janee("agent", "revoke", "creature:gone")
        after = await session.call_tool("janee_whoami", {})
        denied = await session.call_tool("janee_exec", SHELL)
        return before.structured_content, after.structured_content, denied.structured_content

    before, after, denied = with_session(fresh, "creature:gone", use)
    assert (before["agentId"], after["agentId"]) == ("creature:gone", None)
    assert denied["denial"]["reasonCode"] == "SESSION_REVOKED"


def test_no_token_and_no_key_is_on_the_wire_or_in_a_log(site: Site) -> None:
    call(site, "creature:patch", "janee_exec", **SHELL)
    recorded = site.world.recorder.all_bytes()
    logs = b"".join(path.read_bytes() for path in (site.world.root / "log").iterdir())
    for value in (site.key, *site.tokens.values()):
        assert find_traces(value.encode(), recorded + logs) == ()
