"""What a tool's profile adds reaches the command: forced options and variables, whatever the workspace says."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runner.rig import McpClient

HOSTILE = """\
[core]
\trepositoryformatversion = 0
\thooksPath = hooks
\tfsmonitor = ./run.sh
\tpager = ./run.sh
\teditor = ./run.sh
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """A repository that tries to run ./run.sh, which would leave a file behind."""
    if shutil.which("git", path="/usr/bin:/bin") is None:
        pytest.skip("git is not in /usr/bin or /bin")
    work = tmp_path / "work"
    subprocess.run(["git", "init", "-q", "-b", "main", str(work)], check=True, timeout=30)
    (work / ".git" / "config").write_text(HOSTILE)
    script = "#!/bin/sh\ntouch ran\n"
    for path in (work / "run.sh", work / "hooks" / "pre-commit", work / ".git" / "hooks" / "pre-commit"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(script)
        path.chmod(0o755)
    yield work


def git(client: McpClient, workspace: Path, *words: str) -> dict[str, object]:
    return client.exec("git", *words, capability="profiled", cwd=str(workspace))


def test_a_hostile_repository_runs_nothing(client: McpClient, workspace: Path) -> None:
    assert git(client, workspace, "config", "--get", "core.hooksPath")["stdout"] == "/dev/null\n"
    assert git(client, workspace, "config", "user.email", "a@b.test")["exitCode"] == 0
    assert git(client, workspace, "config", "user.name", "A")["exitCode"] == 0
    assert git(client, workspace, "add", "run.sh")["exitCode"] == 0
    assert git(client, workspace, "commit", "-m", "one")["exitCode"] == 0
    (workspace / "run.sh").write_text("changed")
    for words in (("status",), ("diff",), ("log", "-p")):
        assert git(client, workspace, *words)["exitCode"] == 0
    assert not list(workspace.rglob("ran"))


def test_an_option_that_would_undo_it_is_denied(client: McpClient, workspace: Path) -> None:
    result = git(client, workspace, "-c", "core.hooksPath=hooks", "commit", "-m", "x", "--allow-empty")
    assert result["isError"] is True
