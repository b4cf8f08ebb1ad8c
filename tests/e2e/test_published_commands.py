"""The two published commands, typed as published, serve an MCP client; and `janee serve` alone does too."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from janee.demo.processes import Process
from janee.demo.world import World, agent_env, janee_command, operator_env, run_janee

TOOLS = ["janee_exec", "janee_execute", "janee_explain", "janee_list", "janee_whoami"]
SECRET = "st_1c0ffee5ecretVa1ue0fTheSing1eMode"


def test_initialize_and_tools_list(world: World) -> None:
    assert sorted(world.call(None).raw["tools"]) == TOOLS


def test_tools_call(world: World) -> None:
    arguments = {"capability": "shell", "command": ["bash", "-c", "echo out; echo err >&2; exit 7"]}
    answer = world.call("janee_exec", {**arguments, "cwd": str(world.workspace)})
    assert not answer.is_error
    assert {name: answer.value[name] for name in ("exitCode", "stdout", "stderr", "timedOut", "truncated")} == {
        "exitCode": 7,
        "stdout": "out\n",
        "stderr": "err\n",
        "timedOut": False,
        "truncated": False,
    }
    assert answer.value["grantId"].startswith("g_")


def test_the_agent_is_the_runners_and_not_what_the_client_claims(world: World) -> None:
    assert world.call("janee_whoami").value["agentId"] == "runner:default"


def test_explain_says_what_exec_would_do(world: World) -> None:
    allowed = world.call("janee_explain", {"capability": "shell", "command": ["bash", "-c", "true"]})
    denied = world.call("janee_explain", {"capability": "push", "command": ["git", "status"]})
    assert (allowed.value["allowed"], denied.value["allowed"]) == (True, False)
    assert denied.value["reasonCode"] == "COMMAND_NOT_ALLOWED"


def test_a_denial_is_a_tool_error_with_reason_and_next_step(world: World) -> None:
    answer = world.call("janee_exec", {"capability": "push", "command": ["git", "status"], "cwd": str(world.workspace)})
    denial = answer.value["denial"]
    assert answer.is_error
    assert denial["reasonCode"] == "COMMAND_NOT_ALLOWED"
    assert denial["capability"] == "push"
    assert denial["agentId"] == "runner:default"
    assert denial["nextStep"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("no_such_tool", {}),
        ("janee_exec", {}),
        ("janee_exec", {"capability": "shell"}),
        ("janee_exec", {"capability": "shell", "command": []}),
        ("janee_exec", {"capability": "shell", "command": "bash -c true"}),
        ("janee_exec", {"capability": "shell", "command": ["bash", "-c", "true"], "surprise": 1}),
        ("janee_execute", {"capability": "tickets", "method": "GET"}),
        ("janee_execute", {"capability": "tickets", "method": "GET", "path": "no-slash"}),
        ("janee_execute", {"capability": "tickets", "method": "GET", "path": "/v1/tickets", "headers": {"Host": "x"}}),
        ("janee_execute", {"capability": "tickets", "method": "GET", "path": "/v1/tickets", "headers": {"X-A": "a\r\nB: c"}}),
    ],
)
def test_bad_arguments_are_clear_errors_and_the_server_lives_on(world: World, tool: str, arguments: dict[str, object]) -> None:
    answer = world.call(tool, arguments)
    assert answer.is_error
    assert "Traceback" not in json.dumps(answer.raw)
    assert world.call("janee_whoami").value["agentId"] == "runner:default"


@pytest.fixture
def single(tmp_path: Path, strict_sandbox: None) -> Iterator[Process]:
    """`janee serve` alone, as a client starts it; its agent speaks the demo's line protocol."""
    for name in ("trusted", "untrusted"):
        for part in ("", "tmp", "run"):
            (tmp_path / name / part).mkdir(mode=0o700, exist_ok=True)
    run_janee(tmp_path, "init")
    service = ("--base-url", "https://localhost:1", "--auth-type", "bearer", "--allow-private", "--from-stdin")
    run_janee(tmp_path, "service", "add", "demo", *service, stdin=SECRET + "\n")
    rule = json.dumps({"argv": ["bash", "-c"], "rest": "any"})
    capability = (
        "--service",
        "demo",
        "--mode",
        "exec",
        "--allow-command",
        rule,
        "--env",
        "TOKEN={{credential}}",
        "--delivery",
        "env",
    )
    run_janee(tmp_path, "capability", "add", "shell", *capability)
    argv = [sys.executable, "-m", "janee.demo.agent", janee_command(), "serve"]
    with Process("the agent", argv, env=operator_env(tmp_path), log=tmp_path / "agent.log") as agent:
        assert json.loads(agent.read_line())["server"] == "janee"
        yield agent


def _ask(agent: Process, tool: str | None, **arguments: object) -> dict[str, object]:
    agent.send(json.dumps({"tool": tool, "arguments": arguments}))
    answer = json.loads(agent.read_line(60))
    assert isinstance(answer, dict)
    return answer


def test_single_process_mode_is_the_same_product(single: Process, tmp_path: Path) -> None:
    assert sorted(_ask(single, None)["tools"]) == TOOLS  # type: ignore[arg-type]
    assert _ask(single, "janee_whoami")["structured"]["agentId"] == "local"  # type: ignore[index]
    done = _ask(single, "janee_exec", capability="shell", command=["bash", "-c", 'echo "$TOKEN"'])["structured"]
    assert done["stdout"] == "[REDACTED]\n"  # type: ignore[index]
    assert done["scrubHits"] == 1  # type: ignore[index]
    events = [json.loads(line)["event"] for line in run_janee(tmp_path, "audit", "tail", "--json", "-n", "50").splitlines()]
    assert [event for event in events if event.startswith(("exec.", "grant."))][-1] == "exec.completed"


def test_single_process_mode_leaves_no_process_behind(single: Process) -> None:
    _ask(single, "janee_exec", capability="shell", command=["bash", "-c", "true"])
    started = psutil.Process(single.pid).children(recursive=True)
    assert len(started) >= 3  # front, Authority, zygote
    single.stop()
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []


def test_the_agents_environment_has_no_key() -> None:
    assert not any("KEY" in name or "TOKEN" in name for name in agent_env(Path("/x")))
