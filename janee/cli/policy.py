"""`janee policy`: cases against the policy, for CI (`test`, `diff`); `suggest` is in its own file.

Needs neither a running Authority nor a secret. Guarantees: each case is decided by the function that decides in the Authority;
a malformed case is bad input (exit 2), never skipped; no line is read further than a case may be long.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from janee.cli._options import json_option
from janee.cli._output import print_json, say
from janee.cli.explain import DEFAULT_AGENT, load_policy
from janee.cli.suggest import command as suggest
from janee.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from janee.authority.policy import Decision, Policy

MAX_CASE_BYTES: Final = 4 << 20
_FIELDS: Final = frozenset(
    {"capability", "agent", "argv", "cwd", "reason", "method", "path", "query", "headers", "body", "expect"}
)


@dataclass(frozen=True, slots=True)
class Case:
    """One line. given: the line's object, to be printed back."""

    line: int
    given: dict[str, Any]

    @property
    def expects_allow(self) -> bool:
        return bool(self.given["expect"] == "allow")


@click.group("policy")
def command() -> None:
    """Test the policy against cases, compare two of them, learn from what was denied."""


command.add_command(suggest)


@command.command("test")
@click.argument("cases", type=click.File("rb"))
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Another config.yaml.")
@json_option
def test(cases: Any, config_file: Path | None, as_json: bool) -> int:
    """Decide each case in CASES (JSON lines; `-` is stdin) and compare with what it expects.

    A case is {"capability", "agent"?, "argv" + "cwd"? or "method" + "path" + "headers"?, "expect": "allow" or "deny"}.
    """
    policy = load_policy(config_file)
    total = wrong = 0
    for case in _read(cases):
        decision = _decide(policy, case)
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
@click.argument("cases", type=click.File("rb"))
@json_option
def diff(old: Path, new: Path, cases: Any, as_json: bool) -> int:
    """Show which of CASES (as of `policy test`; `-` is stdin) are decided differently by the configuration NEW than by OLD.

    "expect" may be left out. Exit 0 when none is, 3 otherwise.
    """
    before, after = load_policy(old), load_policy(new)
    total = changed = 0
    for case in _read(cases, needs_expect=False):
        first, second = _decide(before, case), _decide(after, case)
        total += 1
        if first.allowed == second.allowed:
            continue
        changed += 1
        if as_json:
            was = "allow" if first.allowed else "deny"
            print_json(case.given | {"was": was} | _verdict(second), indent=None)
        else:
            change = "now allowed" if second.allowed else "now denied"
            say(f"line {case.line}: {change} ({second.evaluated_policy}): {_in_words(case)}")
    if not as_json:
        say(f"{changed} of {total} decided differently")
    return ExitCode.OK if changed == 0 else ExitCode.DENIED


def _in_words(case: Case) -> str:
    given = case.given
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


def _decide(policy: Policy, case: Case) -> Decision:
    from janee.authority.policy import ExecQuery, HttpQuery, decide_exec, decide_http

    given = case.given
    agent = given.get("agent", DEFAULT_AGENT)
    if "argv" in given:
        query = ExecQuery(
            given["capability"],
            agent,
            tuple(given["argv"]),
            cwd=given.get("cwd"),
            reason=given.get("reason"),
            is_hypothetical=True,
        )
        return decide_exec(policy, query)
    http = HttpQuery(
        given["capability"],
        agent,
        given["method"],
        given["path"],
        query=tuple(given.get("query", {}).items()),
        headers=given.get("headers", {}),
        body=given.get("body"),
        reason=given.get("reason"),
        is_hypothetical=True,
    )
    return decide_http(policy, http)


def _read(lines: Any, *, needs_expect: bool = True) -> Iterator[Case]:
    for number, line in enumerate(iter(partial(lines.readline, MAX_CASE_BYTES + 1), b""), 1):
        if not line.strip():
            continue
        if len(line) > MAX_CASE_BYTES:
            raise UsageError(
                "USAGE", f"line {number} has more than {MAX_CASE_BYTES >> 20} MiB", "see: janee policy test --help"
            )
        try:
            given = json.loads(line)
        except (ValueError, RecursionError):
            given = None
        problem = _problem({"expect": "allow"} | given if isinstance(given, dict) and not needs_expect else given)
        if problem is not None or given is None:
            raise UsageError("USAGE", f"line {number}: {problem}", "see: janee policy test --help")
        yield Case(number, given)


def _problem(given: Any) -> str | None:
    """What is wrong with the form of a case, or None."""
    if not isinstance(given, dict):
        return "not a JSON object"
    unknown = sorted(given.keys() - _FIELDS)
    if unknown:
        return f"unknown field {unknown[0]!r}"
    texts = ("capability", "agent", "cwd", "reason", "method", "path", "body")
    if not isinstance(given.get("capability"), str) or any(not isinstance(given[n], str) for n in texts if n in given):
        return "capability, agent, cwd, method, path and body are strings, and capability is needed"
    if given.get("expect") not in ("allow", "deny"):
        return '"expect" must be "allow" or "deny"'
    if ("argv" in given) == ("method" in given and "path" in given):
        return 'either "argv" or "method" and "path" is needed'
    if "argv" in given and not (isinstance(given["argv"], list) and all(isinstance(item, str) for item in given["argv"])):
        return '"argv" is a list of strings'
    for name in ("headers", "query"):
        value = given.get(name, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            return f'"{name}" maps names to strings'
    return None
