"""The stdio transport: bad lines are answered, and the server lives on."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from janee.runner.rpc import RpcError, parse_message
from janee.runner.stdio import LineReader
from tests.runner.rig import McpClient, Rig, wait_for


def answer_to(client: McpClient, line: bytes) -> dict[str, object]:
    before = len(client.strays)
    client.send_line(line)
    wait_for("an answer", lambda: len(client.strays) > before or None, 10)
    return client.strays[before]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"this is not json", -32700),
        (b"\xff\xfe\x00", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"42", -32600),
        (b'{"jsonrpc": "1.0", "method": "ping"}', -32600),
        (b'{"hello": "world"}', -32600),
    ],
)
def test_a_line_that_is_no_message_is_answered_and_the_server_lives_on(client: McpClient, line: bytes, code: int) -> None:
    answer = answer_to(client, line)
    assert answer["error"]["code"] == code  # type: ignore[index]
    assert client.request("ping")["result"] == {}


@pytest.mark.parametrize("request_id", [None, {}, [], 1.5, True, "none", 10**30])
def test_a_cancellation_of_nothing_is_ignored(client: McpClient, request_id: object) -> None:
    client.notify("notifications/cancelled", {"requestId": request_id})
    assert client.request("ping")["result"] == {}


def test_an_unknown_method_is_a_json_rpc_error(client: McpClient) -> None:
    assert client.request("no/such/method")["error"]["code"] == -32601


def test_an_unknown_tool_is_named_with_those_there_are(client: McpClient) -> None:
    error = client.request("tools/call", {"name": "nope", "arguments": {}})["error"]
    assert error["code"] == -32602
    assert "janee_exec" in error["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"capability": "run"},
        {"capability": "run", "command": "true"},
        {"capability": "run", "command": []},
        {"capability": "run", "command": ["true", 7]},
        {"capability": "run", "command": ["true"], "surprise": 1},
        {"capability": "run", "command": ["true"], "timeoutMs": 0},
        {"capability": "run", "command": ["true"], "timeoutMs": "5"},
        {"capability": "a b", "command": ["true"]},
        {"capability": "run", "command": ["true"] * 5000},
        {"capability": "run", "command": ["true", "x" * 200_000]},
    ],
)
def test_wrong_arguments_are_named(client: McpClient, arguments: dict[str, object]) -> None:
    result = client.call("janee_exec", arguments)
    assert result["isError"]
    assert result["code"] == "INVALID_ARGUMENTS"
    assert "xxxx" not in result["error"]


def test_an_argument_of_ten_megabytes_is_an_error_answer(client: McpClient) -> None:
    result = client.call("janee_exec", {"capability": "run", "command": ["true", "A" * (10 << 20)]})
    assert result["isError"]
    assert client.exec("true")["exitCode"] == 0


def test_a_message_beyond_the_limit_is_answered_and_skipped(client: McpClient) -> None:
    answer = answer_to(client, b'{"jsonrpc":"2.0","id":1,"method":"ping","x":"' + b"A" * (33 << 20) + b'"}')
    assert answer["error"]["code"] == -32600  # type: ignore[index]
    assert client.request("ping")["result"] == {}


def test_nul_and_newline_in_an_argument_are_denied_not_executed(client: McpClient) -> None:
    for argument in ("a\0b", "a\nb; id"):
        result = client.exec("true", argument)
        assert result["isError"], argument


def test_the_originals_tool_names_are_understood_and_not_listed(client: McpClient) -> None:
    names = {tool["name"] for tool in client.request("tools/list")["result"]["tools"]}
    assert names == {"janee_list", "janee_exec", "janee_execute", "janee_whoami", "janee_explain"}
    assert [c["name"] for c in client.call("list_services", {})["capabilities"]] == ["run", "work", "profiled", "limited"]
    assert client.call("whoami", {})["agentId"] == "runner:default"
    assert client.call("explain_access", {"capability": "run", "command": ["true"]})["allowed"] is True
    assert client.call("janee_explain", {"capability": "run", "command": ["rm"]})["reasonCode"] == "COMMAND_NOT_ALLOWED"


def test_every_tool_has_schemas_and_a_text_beside_the_structure(client: McpClient) -> None:
    for tool in client.request("tools/list")["result"]["tools"]:
        assert tool["inputSchema"]["type"] == "object"
        assert tool["outputSchema"]["type"] == "object"
    answer = client.request("tools/call", {"name": "janee_exec", "arguments": {"capability": "run", "command": ["true"]}})
    result = answer["result"]
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]


def test_a_client_of_the_official_sdk_is_served(rig: Rig) -> None:
    script = f"""
import anyio, sys
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
async def main():
    argv = ["-m", "janee.cli.main", *{rig.runner_argv()!r}]
    params = StdioServerParameters(command=sys.executable, args=argv, env={rig.env!r})
    async with Client(stdio_client(params)) as client:
        tools = await client.list_tools()
        print(len(tools.tools))
        result = await client.call_tool("janee_exec", {{"capability": "run", "command": ["sh", "-c", "echo hello"]}})
        print(result.structured_content["stdout"])
anyio.run(main)
"""
    import sys

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env=rig.env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["5", "hello"]


ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "new", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def test_a_client_of_the_2026_protocol_is_served(rig: Rig) -> None:
    client = McpClient(rig.spawn(*rig.runner_argv()))
    found = client.request("server/discover", {"_meta": ENVELOPE})
    assert "2026-07-28" in found["result"]["supportedVersions"]
    arguments = {"capability": "run", "command": ["sh", "-c", "echo $RIG_TOKEN"]}
    answer = client.request("tools/call", {"name": "janee_exec", "arguments": arguments, "_meta": ENVELOPE})
    assert answer["result"]["structuredContent"]["stdout"] == "[REDACTED]\n"
    number = client.post(
        "tools/call", {"name": "janee_exec", "arguments": {**arguments, "command": ["sleep", "50"]}, "_meta": ENVELOPE}
    )
    client.send_line(b"nonsense")
    wait_for("the bad line is answered", lambda: client.strays or None)
    assert client.process.stdin is not None
    client.process.stdin.close()
    assert client.process.wait(20) == 0
    assert number


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "1999-01-01"])
def test_each_handshake_version_is_agreed_on(rig: Rig, version: str) -> None:
    child = rig.spawn(*rig.runner_argv(), stderr=subprocess.DEVNULL)
    client = McpClient(child)
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    assert client.request("tools/list")["error"]["code"] == -32600
    agreed = client.request("initialize", params)["result"]
    assert agreed["protocolVersion"] == (version if version != "1999-01-01" else "2025-11-25")
    assert agreed["serverInfo"]["name"] == "janee"
    assert len(client.request("tools/list")["result"]["tools"]) == 5


@pytest.mark.parametrize("params", [{}, {"protocolVersion": 7}, {"protocolVersion": "2025-06-18", "capabilities": {}}])
def test_an_incomplete_initialize_is_refused(client: McpClient, params: dict[str, object]) -> None:
    assert client.request("initialize", params)["error"]["code"] == -32602


def test_requests_that_are_piped_in_are_answered_before_the_end(rig: Rig) -> None:
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize",
         "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "janee_whoami", "arguments": {}}},
    ]  # fmt: skip
    child = rig.spawn(*rig.runner_argv())
    out, _ = child.communicate(b"".join(json.dumps(line).encode() + b"\n" for line in lines), timeout=30)
    assert {json.loads(line)["id"] for line in out.splitlines()} == {1, 2, 3}


def test_nothing_but_messages_is_on_stdout_and_no_traceback_on_stderr(rig: Rig) -> None:
    child = rig.spawn(*rig.runner_argv(), stderr=subprocess.PIPE)
    out, err = child.communicate(b'garbage\n{"jsonrpc":"2.0","id":1,"method":"ping"}\n', timeout=30)
    assert [json.loads(line).get("id") for line in out.splitlines()] == [None, 1]
    assert b"Traceback" not in err


def test_an_authority_that_is_not_there_is_a_clear_error_until_it_is(rig: Rig) -> None:
    argv = ["serve", "--runner", "--authority-url", "http://127.0.0.1:9", "--api-key", "x" * 20]
    child = rig.spawn(*argv)
    client = McpClient(child)
    client.initialize()
    result = client.exec("true")
    assert result["isError"]
    assert result["code"] == "AUTHORITY_UNREACHABLE"
    assert result["nextStep"]


def test_a_wrong_key_is_turned_away_with_a_next_step(rig: Rig) -> None:
    child = rig.spawn("serve", "--runner", "--authority-url", rig.url, "--api-key", "not-the-key-0123456789")
    client = McpClient(child)
    client.initialize()
    result = client.exec("true")
    assert result["isError"]
    assert result["code"] == "AUTHORITY_REFUSED"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["serve", "--runner"], "--authority-url"),
        (["serve", "--runner", "--authority-url", "http://localhost:1"], "key"),
        (["serve", "--runner", "--authority-url", "ftp://x", "--api-key", "k"], "--authority-url"),
        (["serve", "--runner", "--authority-url", "http://u:geheim@x", "--api-key", "k"], "--authority-url"),
        (["serve", "--runner", "--authority-url", "http://x", "--api-key", "k", "--agent", "a b"], "--agent"),
        (["serve", "-t", "http", "--agent", "a"], "--agent"),
        (["serve", "--sandbox", "none"], "--sandbox"),
    ],
)
def test_wrong_options_end_with_2_and_one_clear_line(rig: Rig, arguments: list[str], says: str) -> None:
    child = rig.spawn(*arguments, stderr=subprocess.PIPE)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 2
    assert err.startswith(b"janee: error: ")
    assert says.encode() in err
    assert b"geheim" not in err


def test_lines_are_cut_at_newlines_whatever_the_chunks() -> None:
    data = b'{"a":1}\n\n{"b":2}\nrest'
    for size in range(1, len(data) + 1):
        reader = LineReader()
        lines = [line for at in range(0, len(data), size) for line in reader.feed(data[at : at + size])]
        assert lines == [b'{"a":1}', b'{"b":2}']


def test_a_line_that_is_too_long_is_one_none_and_holds_no_memory() -> None:
    reader = LineReader(limit=10)
    assert reader.feed(b"x" * 11) == []
    assert reader.feed(b"x" * 1000) == []
    assert reader.feed(b"x\nok\n") == [None, b"ok"]


def test_an_error_keeps_the_id_where_there_is_one() -> None:
    with pytest.raises(RpcError) as caught:
        parse_message(b'{"jsonrpc": "2.0", "id": "seven"}')
    assert caught.value.request_id == "seven"


def test_this_process_still_has_its_own_stdio() -> None:
    assert os.fstat(1)
