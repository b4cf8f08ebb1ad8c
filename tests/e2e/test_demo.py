"""`janee demo` itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from janee.demo.world import janee_command


@pytest.fixture(scope="module")
def report(strict_sandbox: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    temporary = tmp_path_factory.mktemp("demo")
    env = {**os.environ, "TMPDIR": str(temporary)}
    done = subprocess.run([janee_command(), "demo", "--json"], env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert list(temporary.iterdir()) == []
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def test_the_work_is_done_and_nothing_leaks(report: dict[str, object]) -> None:
    assert report["ok"] is True
    assert report["leaks"] == []
    assert report["failures"] == []
    assert report["auditIntact"] is True


def test_the_thefts_are_all_there(report: dict[str, object]) -> None:
    names = {theft["name"] for theft in report["thefts"]}  # type: ignore[attr-defined]
    assert len(names) >= 25
    assert {
        "print the environment",
        "print it as base64",
        "print one half, sleep, print the other",
        "read /proc/1/environ",
        "read the Authority's database and key",
        "send it to a port of the thief's",
        "run another command",
        "send the recorded request for a grant again",
        "give the recorded grant to another Executor",
    } <= names


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_ended_early_it_leaves_no_process(strict_sandbox: None, tmp_path: Path, ending: signal.Signals) -> None:
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([janee_command(), "demo"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as demo:
        assert demo.stderr is not None
        while b"searching every process" not in demo.stderr.readline():
            assert demo.poll() is None
        started = psutil.Process(demo.pid).children(recursive=True)
        assert len(started) >= 6
        demo.send_signal(ending)
        demo.wait(30)
    _, alive = psutil.wait_procs(started, timeout=15)
    assert alive == []
    if ending is not signal.SIGKILL:
        assert list(tmp_path.iterdir()) == []


def test_script_demo_runs_it() -> None:
    script = Path(__file__).parents[2] / "script" / "demo"
    assert "janee demo" in script.read_text()
    assert os.access(script, os.X_OK)
