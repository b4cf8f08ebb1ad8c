"""`janee policy test`, `suggest` and `diff`: the policy against cases and against what is on record. No Authority need run.

Guarantees: each case is decided by the function that decides in the Authority; a malformed case is bad input (exit 2), never
skipped; a change is proposed, never made. No secret is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from janee.cli._cases import Case, decide, read_cases
from janee.cli._home import current_home
from janee.cli._options import json_option
from janee.cli._output import note, print_json, say
from janee.cli._recorded import recorded
from janee.cli._suggest import Suggestion, suggest
from janee.cli.explain import load_policy
from janee.config.file import load_config
from janee.errors import ExitCode

if TYPE_CHECKING:
    from janee.authority.policy import Decision


@click.group("policy")
def command() -> None:
    """Test the policy against cases, compare two of them, see what would lift denials."""


@command.command("test")
@click.argument("cases", type=click.Path())
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Another config.yaml.")
@json_option
def test(cases: str, config_file: Path | None, as_json: bool) -> int:
    """Decide each case in CASES (JSON lines; `-` is stdin) and compare with what it expects.

    A case is {"capability", "agent"?, "argv" + "cwd"? or "method" + "path" + "headers"?, "expect": "allow" or "deny"}.
    """
    policy = load_policy(config_file)
    total = wrong = 0
    for case in read_cases(cases):
        decision = decide(policy, case.given)
        is_expected = decision.allowed == case.expects_allow
        total += 1
        wrong += not is_expected
        if as_json:
            print_json(_result(case, decision), indent=None)
        elif not is_expected:
            say(f"line {case.line}: expected {case.given['expect']}, got {_result(case, decision)}")
    if not as_json:
        say(f"{total - wrong} of {total} as expected")
    return ExitCode.OK if wrong == 0 else ExitCode.DENIED


@command.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.argument("cases", type=click.Path(), required=False)
@click.option("--since", metavar="TIME", help="Without CASES: what was recorded from then on (10m, 7d, 2026-02-23).")
@json_option
def diff(old: Path, new: Path, cases: str | None, since: str | None, as_json: bool) -> int:
    """Show which lines are decided differently by the configuration NEW than by OLD.

    The lines are those of the audit log, each once, or CASES (as of `policy test`; `-` is stdin; "expect" may be left out).
    Exit 0 when none is decided differently, 3 otherwise.
    """
    before, after = load_policy(old), load_policy(new)
    total = changed = 0
    for case in _recorded_cases(since) if cases is None else read_cases(cases, needs_expect=False):
        first, second = decide(before, case.given), decide(after, case.given)
        total += 1
        if first.allowed == second.allowed:
            continue
        changed += 1
        if as_json:
            was = "allow" if first.allowed else "deny"
            print_json(case.given | {"was": was} | _verdict(second), indent=None)
        else:
            change = "now allowed" if second.allowed else "now denied"
            where = f"line {case.line}" if cases is not None else f"agent {case.given['agent']}"
            say(f"{where}: {change} ({second.evaluated_policy}): {_in_words(case.given)}")
    if not as_json:
        say(f"{changed} of {total} decided differently")
    return ExitCode.OK if changed == 0 else ExitCode.DENIED


def _recorded_cases(since: str | None) -> Iterator[Case]:
    """What is on record, each line once; what is not recorded whole is counted on stderr."""
    seen: set[str] = set()
    unusable = 0
    for record in recorded(current_home(), since):
        if record.given is None:
            unusable += 1
        elif (key := repr(record.given)) not in seen:
            seen.add(key)
            yield Case(len(seen), record.given)
    _note_unusable(unusable)


@command.command("suggest")
@click.option("--since", metavar="TIME", help="Denials from then on: 10m, 2h, 7d (ago), 2026-02-23, 2026-02-23T10:00:00Z.")
@json_option
def suggest_(since: str | None, as_json: bool) -> None:
    """Show, for the denials on record, the smallest change of the configuration that would allow each, with its risk.

    Changes nothing. A denial is no reason to allow: an agent that was led astray is denied too. Read the risk.
    """
    home = current_home()
    found = suggest(load_config(home.config_file), recorded(home, since))
    if as_json:
        groups = [group.to_wire() for group in found.groups]
        print_json({"suggestions": groups, "nowAllowed": found.now_allowed, "unusable": found.unusable})
        return
    for group in found.groups:
        _show(group)
    if not found.groups:
        note("no denial on record that the policy would repeat")
    if found.now_allowed:
        note(f"{found.now_allowed} recorded denials are allowed by now")
    _note_unusable(found.unusable)


def _show(group: Suggestion) -> None:
    times = "once" if group.count == 1 else f"{group.count} times"
    who = ascii(", ".join(sorted(group.agents)))[1:-1]
    say(f"{group.capability}: {ascii(group.tool)[1:-1]}: denied {times}, last {group.last_seen[:19]}, to {who}")
    say(f"    line: {_in_words(group.example | {'capability': group.capability})}")
    say(f"    missing: {group.missing}")
    if group.change is None:
        say(f"    no change proposed: {group.note}")
    else:
        say(f"    change: {group.change}")
        say(f"    risk: {group.risk}")


def _note_unusable(count: int) -> None:
    if count:
        note(f"{count} records do not hold the whole line (cut, scrubbed, or without a proven agent) and are left out")


def _in_words(given: dict[str, Any]) -> str:
    words = [ascii(word)[1:-1] for word in given["argv"]] if "argv" in given else [given["method"], given["path"]]
    return f"{given['capability']}: {' '.join(words)}"[:300]


def _result(case: Case, decision: Decision) -> dict[str, Any]:
    return case.given | _verdict(decision)


def _verdict(decision: Decision) -> dict[str, Any]:
    return {
        "decision": "allow" if decision.allowed else "deny",
        "reasonCode": decision.reason_code.value if decision.reason_code else None,
        "detail": decision.evaluated_policy,
    }
