"""The orchestrator example: many agents, each with what is its own and no more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.runner.rig import descendants

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, str(ROOT / "examples" / "orchestrator" / "orchestrator.py")]


def test_each_agent_does_its_own_work_and_nothing_else(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run([*COMMAND, "--agents", "5", "--json"], env=env, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout)
    assert (summary["agents"], summary["good"]) == (5, 5)
    assert {result["agent"] for result in summary["results"]} == {f"creature:{number}" for number in range(1, 6)}
    assert {result["refused"] for result in summary["results"]} == {"AGENT_NOT_ALLOWED"}
    assert {result["read"] for result in summary["results"]} == {f"by {number}" for number in range(1, 6)}
    assert list(tmp_path.iterdir()) == []


def test_it_leaves_nothing_behind_when_it_is_interrupted(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [*COMMAND, "--agents", "4"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as it:
        assert it.stdout is not None
        family: set[int] = set()
        deadline = time.monotonic() + 60
        while len(family) < 8 and time.monotonic() < deadline:  # the Authority, agents, and their Runners
            family = descendants(it.pid)
            time.sleep(0.05)
        assert len(family) >= 8
        it.send_signal(signal.SIGTERM)
        it.communicate(timeout=120)
    deadline = time.monotonic() + 60
    while (left := {pid for pid in family if Path(f"/proc/{pid}").exists()}) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == set()
    assert list(tmp_path.iterdir()) == []


def test_too_few_agents_are_refused() -> None:
    done = subprocess.run([*COMMAND, "--agents", "1"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "at least two" in done.stderr
