"""`janee policy suggest` proposes from the audit log; `janee policy test` takes many cases and any input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from janee.authority.store import Store
from tests.cli.support import Operator
from tests.cli.test_explain_profiles import config

DENIED = {"decision": "deny", "reasonCode": "COMMAND_NOT_ALLOWED", "agent": "local", "runner": "default"}


def record(operator: Operator, *commands: tuple[str, ...], **fields: str) -> None:
    with Store.open(operator.home, clock=lambda: 1_800_000_000.0) as store, store.transaction() as tx:
        for command in commands:
            tx.audit("exec.decided", **(DENIED | {"capability": "git-push"} | fields), command=list(command))


def groups(operator: Operator, *options: str) -> list[dict[str, object]]:
    done = operator.ok("policy", "suggest", "--json", *options)
    return [json.loads(line) for line in done.out.splitlines()]


def test_denied_lines_are_grouped_with_the_change_that_allows_them(ready: Operator, tmp_path: Path) -> None:
    record(ready, ("git", "push", "--force", "origin", "x"), ("git", "push", "--force", "origin", "x"))
    record(ready, ("git", "push", "--force", "origin", "y"), agent="creature:patch")
    record(ready, ("git", "push"), ("id",))
    found = groups(ready, "--config", config(tmp_path))
    assert [(group["tool"], group["count"], group["agents"], group["ruledOut"]) for group in found] == [
        ("git", 2, ["local"], False),
        ("git", 1, ["creature:patch"], False),
        ("id", 1, ["local"], False),
    ]
    assert "allow: ['push --force']" in str(found[0]["next"])
    assert found[0]["examples"] == ["git push --force origin x"]


def test_what_the_profile_rules_out_is_no_proposal_and_comes_last(ready: Operator, tmp_path: Path) -> None:
    record(ready, *[("git", "-c", "alias.x=!id", "push")] * 3, ("git", "stash", "clear"))
    found = groups(ready, "--config", config(tmp_path))
    assert [group["ruledOut"] for group in found] == [False, True]
    assert str(found[1]["next"]).startswith("nothing in the entry lifts this")


def test_the_agents_text_is_escaped_and_narrowed_by_options(ready: Operator, tmp_path: Path) -> None:
    record(ready, ("git", "push", "--force", "\x1b[2J\n\u202e"))
    path = config(tmp_path)
    shown = ready.ok("policy", "suggest", "--config", path).out
    assert "\x1b" not in shown and "\u202e" not in shown and "1 denied, 1 causes" in shown
    nothing = "nothing was denied that still is\n"
    assert ready.ok("policy", "suggest", "--config", path, "--since", "2100-01-01").out == nothing
    assert ready.ok("policy", "suggest", "--config", path, "--agent", "other").out == nothing
    assert ready.ok("policy", "suggest", "--config", path, "--capability", "other").out == nothing
    assert ready("policy", "suggest", "--since", "soon").code == 2


def test_a_command_of_which_only_a_part_is_on_record_is_left_out(ready: Operator, tmp_path: Path) -> None:
    record(ready, ("git", "push", "--force"), commandSha256="00")
    assert groups(ready, "--config", config(tmp_path)) == []


def test_two_thousand_cases_are_all_decided(janee: Operator, tmp_path: Path) -> None:
    lines = []
    for number in range(2000):
        argv = ["git", "push", "origin", f"b{number}"] if number % 2 else ["git", "push", "--exec=id", f"b{number}"]
        lines.append(json.dumps({"capability": "git-push", "argv": argv, "expect": "allow" if number % 2 else "deny"}))
    done = janee("policy", "test", "-", "--config", config(tmp_path), stdin="\n".join(lines))
    assert (done.code, done.out) == (0, "2000 of 2000 as expected\n")


@pytest.mark.parametrize("content", [b"\xff\xfe{}", b"[" * 100_000, b"{" + b" " * (5 << 20), b"\0", b"{}\n"])
def test_what_is_no_case_is_bad_input_with_its_line(janee: Operator, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cases"
    file.write_bytes(b"\n" + content)
    done = janee("policy", "test", str(file), "--config", config(tmp_path))
    assert done.code == 2 and "line 2" in done.err


def test_a_line_without_end_is_not_read_to_its_end(janee: Operator, tmp_path: Path) -> None:
    done = janee("policy", "test", "/dev/zero", "--config", config(tmp_path))
    assert done.code == 2 and "line 1 has more than 4 MiB" in done.err
