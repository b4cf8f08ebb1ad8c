"""The agent's working directory is where MCP clients start the Runner: nothing in it becomes code of ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runner.rig import McpClient, Rig, make_rig, stop

NAMES = (
    "click",
    "json",
    "sqlite3",
    "httpx",
    "prctl",
    "uvicorn",
    "starlette",
    "cryptography",
    "janee",
    "sandbox",
    "sitecustomize",
)


@pytest.fixture
def alone(strict_sandbox: None, tmp_path: Path) -> Iterator[Rig]:
    own = make_rig(tmp_path)
    try:
        yield own
    finally:
        own.close()


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    directory = tmp_path / "project"
    directory.mkdir()
    for name in NAMES:
        (directory / f"{name}.py").write_text(f"open({str(directory / 'ran')!r}, 'a').write({name!r} + '\\n')\n")
    return directory


def test_a_module_planted_in_the_working_directory_is_not_imported(alone: Rig, planted: Path) -> None:
    client = McpClient(
        subprocess.Popen(
            [sys.executable, "-P", "-m", "janee.cli.main", "serve"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=planted, env=alone.env,
        )
    )  # fmt: skip
    client.initialize()
    assert client.exec("sh", "-c", "echo $RIG_TOKEN")["stdout"] == "[REDACTED]\n"
    assert stop(client.process) == 0
    assert not (planted / "ran").exists()


def test_the_control_a_plain_dash_m_would_import_it(planted: Path) -> None:
    subprocess.run([sys.executable, "-m", "click"], cwd=planted, check=True)
    assert (planted / "ran").read_text() == "click\n"
