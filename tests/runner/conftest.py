"""A running Authority and Runner, shared by the tests that leave them as they found them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.runner.rig import McpClient, Rig, make_rig


@pytest.fixture(scope="session")
def strict_sandbox() -> None:
    """Skip where this machine lacks a layer of the strict sandbox, naming it."""
    done = subprocess.run([sys.executable, "-m", "sandbox", "check", "--json"], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        pytest.skip(f"the strict sandbox is not available here: {done.stdout[-500:]}{done.stderr[-500:]}")
    assert json.loads(done.stdout)


@pytest.fixture(scope="session")
def rig(strict_sandbox: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = make_rig(tmp_path_factory.mktemp("rig"))
    try:
        rig.start_authority()
        yield rig
    finally:
        rig.close()


@pytest.fixture(scope="session")
def client(rig: Rig) -> Iterator[McpClient]:
    with rig.runner() as client:
        yield client
