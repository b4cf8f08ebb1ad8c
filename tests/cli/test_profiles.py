"""`janee profiles`: what is shown is what decides."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from janee.cli.profiles import command
from janee.errors import UsageError


def run(*arguments: str) -> str:
    done = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_list_names_every_profile() -> None:
    rows = json.loads(run("list", "--json"))["profiles"]
    assert {"git", "gh", "curl"} <= {row["tool"] for row in rows}
    assert all(row["about"] and row["source"] for row in rows)
    assert "git" in run("list")


def test_a_profile_shows_presets_and_reasons() -> None:
    shown = json.loads(run("show", "git", "--json"))
    push = next(entry for entry in shown["commands"] if entry["command"].startswith("git push"))
    assert push["preset"] == "write"
    assert push["options"]["-f, --force"] == "admin"
    assert push["options"]["--receive-pack"] == "denied, runs a program"
    assert any(entry["command"] == "git credential" and entry["denied"] for entry in shown["commands"])
    text = run("show", "git")
    assert "--receive-pack: denied, runs a program" in text


@pytest.mark.parametrize(("tool", "why"), [("bash", "is a shell"), ("frobnicate", "no profile of frobnicate")])
def test_a_tool_without_a_profile_is_said_to_have_none(tool: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        run("show", tool)
