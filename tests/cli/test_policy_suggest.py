"""`janee policy suggest` and `diff` on what an Authority recorded, and the ways a file of cases can be wrong."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from janee.authority.denial import DecisionDenied
from janee.cli._cases import MAX_CASE_BYTES
from tests.authority.desk import Desk, open_desk
from tests.cli.support import Operator

CONFIG = """\
version: "0.3.0"
services:
  svc: {baseUrl: "https://api.github.com", auth: {type: bearer}}
capabilities:
  run: {service: svc, mode: exec, delivery: env, allowCommands: [npm], allowedAgents: [local], env: {T: "{{credential}}"}}
"""
DENIED = (
    ("npm", "unpublish"),
    ("npm", "unpublish"),
    ("npm", "test"),
    ("gh", "issue", "list"),
    ("deploy", "staging"),
    ("deploy", "two words"),
    ("bash", "-c", "id"),
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with open_desk(tmp_path / "desk", CONFIG) as desk:
        for command in DENIED:
            with contextlib.suppress(DecisionDenied):
                desk.authority.authorize(desk.caller("local"), desk.request(*command, agent_id="local"))
            desk.clock.now += 120
        yield desk


@pytest.fixture
def operator(janee: Operator, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setenv("JANEE_HOME", str(desk.home.path))
    monkeypatch.setenv("XDG_DATA_HOME", str(desk.home.path.parent / "data"))
    return janee


def test_denials_are_grouped_with_the_smallest_change_and_its_risk(operator: Operator) -> None:
    answer = operator.ok("policy", "suggest", "--json").json
    groups = {tuple(group["example"]["argv"]): group for group in answer["suggestions"]}
    assert {argv: group["count"] for argv, group in groups.items()} == dict.fromkeys(DENIED, 1) | {("npm", "unpublish"): 2}
    assert answer["suggestions"][0]["example"]["argv"] == ["npm", "unpublish"]
    unpublish = groups["npm", "unpublish"]
    assert "allow: ['unpublish']" in unpublish["change"] and "cannot be undone" in unpublish["risk"]
    assert unpublish["agents"] == ["local"] and unpublish["lastSeen"] < groups["npm", "test"]["lastSeen"]
    assert groups["gh", "issue", "list"]["change"].endswith("'{tool: gh, preset: read}'")
    assert groups["deploy", "staging"]["change"].endswith("""'{argv: ["deploy", "staging"]}'""")
    assert (answer["nowAllowed"], answer["unusable"]) == (0, 0)


def test_what_is_dangerous_gets_no_proposal_and_says_why(operator: Operator) -> None:
    groups = {tuple(g["example"]["argv"]): g for g in operator.ok("policy", "suggest", "--json").json["suggestions"]}
    for argv, why in ((("npm", "test"), "runs a program"), (("bash", "-c", "id"), "is a shell"), (DENIED[5], "not plain")):
        assert groups[argv]["change"] is None and why in groups[argv]["note"]


def test_a_proposed_change_does_allow_the_line(operator: Operator, desk: Desk) -> None:
    for group in operator.ok("policy", "suggest", "--json").json["suggestions"]:
        if group["change"] and group["tool"] in ("gh", "deploy"):
            rule = group["change"].partition("--allow-command ")[2].strip("'")
            operator.ok("capability", "edit", "run", "--allow-command", rule)
            assert operator("explain", "run", "--", *group["example"]["argv"]).code == 0


def test_a_denial_that_was_lifted_is_only_counted(operator: Operator, desk: Desk) -> None:
    text = desk.home.config_file.read_text()
    desk.home.config_file.write_text(text.replace("[npm]", "[{tool: npm, allow: [unpublish]}]"))
    done = operator.ok("policy", "suggest")
    assert "publish" not in done.out and "2 recorded denials are allowed by now" in done.err


def test_since_leaves_out_what_was_before(operator: Operator) -> None:
    assert operator.ok("policy", "suggest", "--since", "2199-01-01", "--json").json["suggestions"] == []


def test_a_diff_without_cases_takes_the_recorded_lines(operator: Operator, desk: Desk, tmp_path: Path) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(CONFIG)
    new.write_text(CONFIG.replace("[npm]", "[{tool: npm, allow: [unpublish]}]"))
    done = operator("policy", "diff", str(old), str(new))
    assert done.code == 3
    assert "now allowed" in done.out and "npm unpublish" in done.out and "1 of 6 decided differently" in done.out
    assert operator("policy", "diff", str(old), str(old)).code == 0


GOOD = b'{"capability": "run", "argv": ["npm", "ci"], "expect": "allow"}\n'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (GOOD + b'{"capability": "\xff", "argv": ["a"], "expect": "deny"}\n', "line 2: is not UTF-8"),
        (GOOD + "{}".encode("utf-16"), "line 2: is not UTF-8"),
        (GOOD + b"x" * (MAX_CASE_BYTES + 2), f"line 2: has more than {MAX_CASE_BYTES} bytes"),
        (GOOD + b"{", "line 2: is not JSON"),
        (b"\n\n", "has no case"),
    ],
    ids=["not UTF-8", "UTF-16", "an endless line", "not JSON", "no case"],
)
def test_a_wrong_file_of_cases_is_bad_input(operator: Operator, tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "cases").write_bytes(content)
    done = operator("policy", "test", str(tmp_path / "cases"))
    assert done.code == 2 and problem in done.err


def test_an_endless_file_ends_at_its_line(operator: Operator) -> None:
    done = operator("policy", "test", "/dev/zero")
    assert done.code == 2 and f"line 1: has more than {MAX_CASE_BYTES} bytes" in done.err


def test_a_fifo_without_a_writer_is_not_waited_for(operator: Operator, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    done = operator("policy", "test", str(tmp_path / "fifo"))
    assert done.code == 2 and "has no case" in done.err


def test_a_directory_and_a_missing_file_are_bad_input(operator: Operator, tmp_path: Path) -> None:
    assert operator("policy", "test", str(tmp_path)).code == 2
    assert operator("policy", "test", str(tmp_path / "missing")).code == 2


def test_2000_cases_are_decided(operator: Operator, tmp_path: Path) -> None:
    """How fast: bench/policy.py."""
    (tmp_path / "cases").write_bytes(GOOD * 2000)
    assert operator.ok("policy", "test", str(tmp_path / "cases")).out == "2000 of 2000 as expected\n"
