"""docs/explain.md: each line of its table is denied, and `janee explain` names the argument that the table names."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from janee.profiles import Library
from tests.cli.support import Operator

DOCUMENT = (Path(__file__).parents[2] / "docs" / "explain.md").read_text()
ROW = re.compile(r"^\| ([a-z0-9-]+) \| `(.*)` \| (\d+) \| (.*) \|$", re.M)
ROWS = [tuple(cell.replace("\\|", "|") for cell in row) for row in ROW.findall(DOCUMENT)]


def test_every_profile_has_a_line() -> None:
    assert [row[0] for row in ROWS] == sorted(Library().names())


@pytest.mark.parametrize(("tool", "line", "argument", "why"), ROWS, ids=[row[0] for row in ROWS])
def test_the_line_is_denied_and_the_argument_named(
    janee: Operator, tmp_path: Path, tool: str, line: str, argument: str, why: str
) -> None:
    capability = {"service": "s", "mode": "exec", "allowedAgents": ["local"], "allowCommands": [tool]}
    config = {
        "version": "0.3.0",
        "services": {"s": {"baseUrl": "https://api.example.com", "auth": {"type": "bearer"}}},
        "capabilities": {"c": capability},
    }
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    done = janee("explain", "c", "--json", "--config", str(tmp_path / "config.yaml"), "--", *shlex.split(line))
    assert done.code == 3
    assert done.json["reasonCode"] == "COMMAND_NOT_ALLOWED"
    assert f"argument {argument}: {why}" in done.json["evaluatedPolicy"]
    assert done.json["nextStep"]
