"""One execution is six records, in order, with the facts; and a log that was touched is found out."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from janee.demo.world import World, janee_command, operator_env

STEPS = ["exec.requested", "exec.decided", "grant.issued", "exec.started", "exec.scrubbed", "exec.completed"]


def records(world: World) -> list[dict[str, Any]]:
    return [json.loads(line) for line in world.janee("audit", "tail", "--json", "-n", "5000").splitlines()]


@pytest.fixture(scope="module")
def steps(world: World) -> list[dict[str, Any]]:
    """The records of one execution that prints its credential twice."""
    script = 'echo "$DEMO_TOKEN $DEMO_TOKEN"; echo fine >&2; sleep 0.2'
    answer = world.call("janee_exec", {"capability": "shell", "command": ["bash", "-c", script], "cwd": str(world.workspace)})
    assert answer.value["exitCode"] == 0
    everything = records(world)
    completed = next(r for r in everything if r["event"] == "exec.completed" and r["grantId"] == answer.value["grantId"])
    return [record for record in everything if record.get("requestId") == completed["requestId"]]


def test_the_six_steps_are_there_in_order(steps: list[dict[str, Any]]) -> None:
    assert [record["event"] for record in steps] == STEPS
    assert [record["seq"] for record in steps] == sorted(record["seq"] for record in steps)


def test_every_step_names_agent_runner_capability_argv_policy_and_sandbox(steps: list[dict[str, Any]]) -> None:
    for record in steps:
        assert record["agent"] == "runner:default"
        assert record["runner"] == "default"
        assert record["capability"] == "shell"
        assert record["command"][:2] == ["bash", "-c"]
        assert record["sandbox"] == "strict"
    assert len({record["policyHash"] for record in steps}) == 1
    assert steps[0]["policyHash"].startswith("sha256:")
    assert len({record["grantId"] for record in steps[2:]}) == 1


def test_the_outcome_has_duration_byte_counts_and_hits(steps: list[dict[str, Any]]) -> None:
    assert steps[1]["decision"] == "allow"
    assert steps[4]["scrubbedStdoutHits"] == 2
    assert steps[4]["scrubbedStderrHits"] == 0
    assert steps[4]["stderrBytes"] == len("fine\n")
    assert steps[4]["stdoutBytes"] > 0
    assert steps[5]["exitCode"] == 0
    assert steps[5]["outcome"] == "completed"
    assert 150 <= steps[5]["durationMs"] < 30_000


def test_a_denial_is_two_records(world: World) -> None:
    world.call("janee_exec", {"capability": "push", "command": ["git", "gc"], "cwd": str(world.workspace)})
    requested, decided = records(world)[-2:]
    assert [requested["event"], decided["event"]] == STEPS[:2]
    assert (decided["decision"], decided["reasonCode"]) == ("deny", "COMMAND_NOT_ALLOWED")


def verify(home: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [janee_command(), "audit", "verify"],
        env={**env, "JANEE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def copied_home(world: World, steps: list[dict[str, Any]], tmp_path: Path) -> Path:
    """A copy of the Authority's home, all of it in the database file itself."""
    home = tmp_path / "janee"
    shutil.copytree(world.root / "trusted" / "janee", home)
    with sqlite3.connect(home / "state.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return home


def test_an_untouched_log_verifies(world: World, copied_home: Path) -> None:
    done = verify(copied_home, operator_env(world.root))
    assert done.returncode == 0, done.stderr


def test_one_changed_byte_is_found(world: World, copied_home: Path) -> None:
    file = copied_home / "state.db"
    data = file.read_bytes()
    assert data.count(b"scrubbedStdoutHits") > 0
    file.write_bytes(data.replace(b'"exec.completed"', b'"exec.complexed"', 1))
    assert file.read_bytes() != data
    done = verify(copied_home, operator_env(world.root))
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "janee: error:" in done.stderr


def test_a_truncated_log_is_found(world: World, copied_home: Path) -> None:
    with sqlite3.connect(copied_home / "state.db") as database:
        database.execute("DELETE FROM audit")
    database.close()
    assert verify(copied_home, operator_env(world.root)).returncode == 1
