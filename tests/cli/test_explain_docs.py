"""docs/explain.md: each of its lines ends 3 and says what the page says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from janee.cli import explain
from janee.errors import ExitCode
from janee.profiles import Library
from tests.cli.support import Operator

PAGE = (Path(__file__).parents[2] / "docs/explain.md").read_text()
CONFIG = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
LINES = re.findall(r"^\$ janee (explain .*)\n(.*)$", PAGE, re.MULTILINE)
TOOLS = [shlex.split(line)[4] for line, _ in LINES]


def config_for(directory: Path, tool: str) -> str:
    """The page's configuration, with one tool in place of all (reading every profile takes a third of a second)."""
    file = directory / "config.yaml"
    file.write_text(re.sub(r"\[aws,.*?\]", f"[{tool}]", CONFIG, flags=re.DOTALL))
    return str(file)


@pytest.mark.parametrize(("line", "why"), LINES, ids=TOOLS)
def test_the_line_is_denied_for_the_reason_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, why: str
) -> None:
    verb, *rest = shlex.split(line)
    assert verb == "explain"
    config = config_for(tmp_path, rest[3])
    assert explain.command.main([*rest[:1], "--config", config, *rest[1:]], standalone_mode=False) == ExitCode.DENIED
    answer = json.loads(capsys.readouterr().out)
    assert answer["allowed"] is False
    assert answer["evaluatedPolicy"].endswith(f": {why}")


def test_the_first_line_ends_3_as_a_program(janee: Operator, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    verb, *rest = shlex.split(LINES[0][0])
    done = janee(verb, "--config", str(config), *rest)
    assert done.code == 3
    assert "argument 1: -c of `git`" in done.json["evaluatedPolicy"]


def test_each_line_is_of_another_profile() -> None:
    assert len(TOOLS) == len(set(TOOLS)) >= 34
    library = Library()
    assert [tool for tool in TOOLS if library.load(tool) is None] == []
