"""`python -m sandbox run` as root and as an ordinary user: a private root, a private pid 1 that tells nothing, no rights."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.users import ordinary_user


@pytest.fixture(params=["as it is", "ordinary user"])
def user(request: pytest.FixtureRequest) -> int | None:
    return None if request.param == "as it is" else ordinary_user()


def run(user: int | None, *command: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "sandbox", "run", "--", *command]
    env = {"PATH": "/usr/bin:/bin", "CANARY": "the caller's environment"}
    return subprocess.run(argv, user=user, group=user, env=env, cwd="/", capture_output=True, text=True, timeout=60)


def test_identity_root_directory_and_pid_1(strict_sandbox: None, user: int | None) -> None:
    done = run(user, "sh", "-c", "id -u; ls /; cat /proc/1/environ | wc -c")
    assert done.returncode == 0, done.stderr
    uid, *names, size = done.stdout.split()
    assert uid != "0"
    assert {"usr", "etc", "proc", "dev", "tmp"} <= set(names)
    assert {"root", "boot", "srv"}.isdisjoint(names)
    assert size == "0"


def test_nothing_of_the_caller_is_inside(strict_sandbox: None, user: int | None) -> None:
    done = run(user, "sh", "-c", "env; ls /proc | grep -c '^[0-9]'; ls -l /proc/self/fd | wc -l; grep CapEff /proc/self/status")
    assert "CANARY" not in done.stdout
    assert "CapEff:\t0000000000000000" in done.stdout


@pytest.mark.parametrize(("script", "status"), [("exit 7", 7), ("kill -9 $$", 137)])
def test_the_status_is_the_commands(strict_sandbox: None, user: int | None, script: str, status: int) -> None:
    assert run(user, "sh", "-c", script).returncode == status


def test_what_is_not_there_is_127(strict_sandbox: None, user: int | None) -> None:
    done = run(user, "no-such-program")
    assert done.returncode == 127
    assert "sandbox: error:" in done.stderr
    assert "Traceback" not in done.stderr
