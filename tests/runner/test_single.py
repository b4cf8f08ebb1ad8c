"""`janee serve` alone: the same, with an Authority of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runner.rig import McpClient, Rig, argv_of, descendants, is_alive, make_rig, stop, wait_for


@pytest.fixture
def alone(strict_sandbox: None, tmp_path: Path) -> Iterator[Rig]:
    own = make_rig(tmp_path)
    try:
        yield own
    finally:
        own.close()


def authority_of(client: McpClient) -> int:
    return next(pid for pid in descendants(client.process.pid) if b"\0authority\0" in argv_of(pid))


def test_the_agent_is_local_and_commands_run(alone: Rig) -> None:
    client = McpClient(alone.spawn("serve"))
    client.initialize()
    assert client.call("janee_whoami", {})["agentId"] == "local"
    assert client.exec("sh", "-c", "echo $RIG_TOKEN")["stdout"] == "[REDACTED]\n"
    family = descendants(client.process.pid)
    argv = argv_of(authority_of(client))
    environment = Path(f"/proc/{authority_of(client)}/environ").read_bytes()
    assert b"jnr." not in argv + environment
    assert stop(client.process) == 0
    wait_for("all are gone", lambda: True if not any(is_alive(pid) for pid in family) else None, 15)


def test_an_authority_that_dies_ends_the_runner_with_5(alone: Rig) -> None:
    client = McpClient(alone.spawn("serve", stderr=subprocess.PIPE))
    client.initialize()
    os.kill(authority_of(client), signal.SIGKILL)
    assert client.process.wait(20) == 5
    assert client.process.stderr is not None
    with client.process.stderr as stderr:
        assert b"janee: error: our own authority" in stderr.read()


def test_a_runner_that_is_killed_takes_its_authority_along(alone: Rig) -> None:
    client = McpClient(alone.spawn("serve"))
    client.initialize()
    family = descendants(client.process.pid)
    client.process.kill()
    wait_for("all are gone", lambda: True if not any(is_alive(pid) for pid in family) else None, 15)


def test_an_invalid_configuration_denies_with_file_and_line(alone: Rig) -> None:
    (alone.root / "janee" / "config.yaml").write_text("version: '0.3.0'\nservices: [\n")
    client = McpClient(alone.spawn("serve", stderr=subprocess.DEVNULL))
    client.initialize()
    result = client.exec("true")
    assert result["isError"]


def test_with_an_agent_named_that_one_is_served(alone: Rig) -> None:
    client = McpClient(alone.spawn("serve", "--agent", "agent:mine"))
    client.initialize()
    assert client.call("janee_whoami", {})["agentId"] == "agent:mine"
    assert client.exec("true")["exitCode"] == 0
