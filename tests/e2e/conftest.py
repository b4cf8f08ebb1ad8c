"""The whole product, started by its published commands, with the official MCP client as the agent (the demo's stage)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from janee.demo.world import World, make_world


@pytest.fixture(scope="session")
def strict_sandbox() -> None:
    """Skip where this machine lacks a layer of the strict sandbox, naming it."""
    done = subprocess.run([sys.executable, "-m", "sandbox", "check", "--json"], capture_output=True, text=True, timeout=60)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        pytest.fail(f"`python -m sandbox check --json` printed no JSON: {done.stderr[-1000:]}")
    if done.returncode != 0:
        pytest.skip(f"the strict sandbox is not available here: {report}")


@pytest.fixture(scope="session")
def world(strict_sandbox: None) -> Iterator[World]:
    with make_world() as world:
        yield world
