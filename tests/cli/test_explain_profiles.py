"""`janee explain` of a tool's command line names the argument at fault and the smallest change; `janee policy diff`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.support import Operator

CONFIG = """\
version: "0.3.0"
services: {s: {baseUrl: "https://github.com", auth: {type: bearer}}}
capabilities:
  git-push: {service: s, mode: exec, allowedAgents: [local], allowCommands: [%s]}
"""


def config(tmp_path: Path, entry: str = "git", name: str = "config.yaml") -> str:
    path = tmp_path / name
    path.write_text(CONFIG % entry)
    return str(path)


@pytest.mark.parametrize(
    ("argv", "named", "next_step"),
    [
        (
            ("git", "-c", "alias.x=!id", "push"),
            "argument 2: the value of -c, 'alias.x=!id', is denied: sets configuration",
            "nothing in the entry lifts this",
        ),
        (("git", "push", "--force", "origin", "x"), "argument 2: --force needs the preset admin", "allow: ['push --force']"),
        (("git", "push", "https://evil.example/r", "x"), "argument 2: 'https://evil.example/r'", "janee service edit s --host"),
        (("git", "push", "--nothing"), "argument 2: '--nothing' is no option of `git push`", "correct argument 2"),
        (("git", "stash", "clear"), "argument 2: git stash clear needs the preset admin", "allow: ['stash clear']"),
    ],
)
def test_a_denial_names_the_argument_and_the_smallest_change(
    janee: Operator, tmp_path: Path, argv: tuple[str, ...], named: str, next_step: str
) -> None:
    done = janee("explain", "git-push", "--json", "--config", config(tmp_path), "--", *argv)
    assert done.code == 3
    assert named in done.json["evaluatedPolicy"]
    assert next_step in done.json["nextStep"]


def test_the_suggested_change_allows_the_line_and_no_more(janee: Operator, tmp_path: Path) -> None:
    changed = config(tmp_path, '{tool: git, preset: write, allow: ["push --force"]}')
    assert janee("explain", "git-push", "--config", changed, "--", "git", "push", "--force", "origin", "x").code == 0
    assert janee("explain", "git-push", "--config", changed, "--", "git", "push", "-f", "origin", "x").code == 0
    assert janee("explain", "git-push", "--config", changed, "--", "git", "push", "--mirror", "origin").code == 3
    assert janee("explain", "git-push", "--config", changed, "--", "git", "stash", "clear").code == 3


def test_an_allowed_line_shows_how_it_was_understood(janee: Operator, tmp_path: Path) -> None:
    done = janee("explain", "git-push", "--json", "--config", config(tmp_path), "--", "git", "push", "-u", "origin", "main")
    assert done.code == 0
    understood = [step["detail"] for step in done.json["trace"] if step["check"] == "argv"]
    assert any("option '-u', by --set-upstream" in text for text in understood)
    assert any("operand 'origin', by REMOTE" in text for text in understood)


@pytest.mark.parametrize(
    ("entry", "allowed", "denied"),
    [
        ("{tool: git, preset: read}", ("git", "status"), ("git", "commit", "-m", "x")),
        ('{tool: git, preset: read, allow: ["commit"]}', ("git", "commit", "-m", "x"), ("git", "push")),
        ('{tool: git, deny: ["push"]}', ("git", "pull"), ("git", "push")),
        ('{tool: git, deny: ["commit --amend"]}', ("git", "commit", "-m", "x"), ("git", "commit", "--amend", "--no-edit")),
        ('{tool: git, deny: ["push -u"]}', ("git", "push", "origin"), ("git", "push", "--set-upstream", "origin", "x")),
        ('{tool: git, repos: ["o/*"]}', ("git", "clone", "https://github.com/o/r"), ("git", "clone", "https://github.com/x/r")),
        ("git push origin", ("git", "push", "origin", "main"), ("git", "push", "other", "main")),
        ("git push origin", ("git", "push", "origin", "main", "--tags"), ("git", "push", "origin", "+main")),
    ],
)
def test_an_entry_narrows_and_extends(
    janee: Operator, tmp_path: Path, entry: str, allowed: tuple[str, ...], denied: tuple[str, ...]
) -> None:
    written = config(tmp_path, entry)
    assert janee("explain", "git-push", "--config", written, "--", *allowed).code == 0
    assert janee("explain", "git-push", "--config", written, "--", *denied).code == 3


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("{tool: git, preset: all}", "preset must be"),
        ("{tool: git, presets: read}", "no option of a tool entry"),
        ('{tool: git, allow: ["pusch"]}', "no command of git"),
        ('{tool: git, allow: ["credential"]}', "no entry lifts that"),
        ("{tool: git, hosts: [evil.example]}", "can only narrow"),
        ("{tool: git, deny: push}", "must be a list"),
    ],
)
def test_an_entry_that_makes_no_sense_is_bad_input(janee: Operator, tmp_path: Path, entry: str, why: str) -> None:
    done = janee("explain", "git-push", "--config", config(tmp_path, entry), "--", "git", "status")
    assert done.code == 2
    assert why in done.err


def test_policy_diff_shows_what_changes(janee: Operator, tmp_path: Path) -> None:
    old, new = config(tmp_path), config(tmp_path, "{tool: git, preset: read}", "new.yaml")
    cases = tmp_path / "cases"
    lines = [{"capability": "git-push", "argv": argv} for argv in (["git", "status"], ["git", "push"], ["git", "-c", "x", "y"])]
    cases.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = janee("policy", "diff", old, new, str(cases))
    assert (done.code, done.out.count("\n")) == (3, 2)
    assert "line 2: now denied" in done.out
    assert janee("policy", "diff", old, old, str(cases)).code == 0
    row = json.loads(janee("policy", "diff", new, old, "--json", str(cases)).out)
    assert (row["was"], row["decision"]) == ("deny", "allow")
