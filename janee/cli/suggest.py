"""`janee policy suggest`: what the audit log shows as denied, and the smallest change of the configuration for each.

Guarantees: every line is decided once more by the present policy, so nothing is proposed that is allowed already; what a
profile rules out is shown as that, never as a proposal. It changes nothing. Arguments come from
agents: they are printed escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from janee.cli._home import current_home
from janee.cli._options import json_option
from janee.cli._output import print_json, say, warn
from janee.cli._times import parse_since
from janee.cli.explain import load_policy

if TYPE_CHECKING:
    from janee.authority.policy import Decision, Policy

MAX_LINES: Final = 10_000  # different lines that are looked at, newest first
MAX_EXAMPLES: Final = 3
_SHOWN: Final = 160  # characters of a line
_CUT: Final = "commandSha256"  # a record with it holds only the beginning of its command

Asked = tuple[str, str | None, tuple[str, ...]]  # capability, agent, and the command or (method, path)


@dataclass(slots=True)
class Denied:
    """One line as often as it was denied. last: RFC 3339."""

    last: str
    count: int = 0


@dataclass(slots=True)
class Group:
    """Lines of one capability and tool that one change would allow. is_ruled_out: no change of an entry would."""

    capability: str
    tool: str
    why: str
    next_step: str
    is_ruled_out: bool
    last: str = ""
    count: int = 0
    agents: set[str] = field(default_factory=set)
    examples: list[str] = field(default_factory=list)

    def to_wire(self) -> dict[str, Any]:
        return {
            "capability": self.capability,
            "tool": self.tool,
            "count": self.count,
            "last": self.last,
            "agents": sorted(self.agents),
            "why": self.why,
            "ruledOut": self.is_ruled_out,
            "next": self.next_step,
            "examples": self.examples,
        }


@click.command("suggest")
@click.option("--since", metavar="TIME", help="From then on: 10m, 2h, 7d (ago), 2026-02-23, 2026-02-23T10:00:00Z.")
@click.option("--capability", metavar="NAME", help="Only this capability.")
@click.option("--agent", metavar="ID", help="Only this agent.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Decide by another config.yaml.")
@json_option
def command(since: str | None, capability: str | None, agent: str | None, config_file: Path | None, as_json: bool) -> None:
    """Group what was denied, and say what would allow it, and at which risk. Nothing is changed.

    --json: one group a line.
    """
    policy = load_policy(config_file)
    wanted = {"capability": capability, "agent": agent}
    equal = {name: value for name, value in wanted.items() if value is not None}
    denied = _denied(_records(parse_since(since) if since else ""), equal)
    groups = _groups(policy, denied)
    for group in groups:
        if as_json:
            print_json(group.to_wire(), indent=None)
        else:
            _show(group)
    if not as_json:
        say(
            f"{sum(group.count for group in groups)} denied, {len(groups)} causes"
            if groups
            else "nothing was denied that still is"
        )


def _records(earliest: str) -> Iterator[Mapping[str, Any]]:
    from janee.authority.reading import as_record, open_for_reading, rows_newest_first

    with open_for_reading(current_home()) as connection:
        for row in rows_newest_first(connection):
            record = as_record(row)
            if str(record.get("time", "~")) < earliest:
                return
            yield record


def _denied(records: Iterator[Mapping[str, Any]], equal: Mapping[str, str]) -> dict[Asked, Denied]:
    found: dict[Asked, Denied] = {}
    for record in records:
        asked = _asked(record)
        if asked is None or any(record.get(name) != value for name, value in equal.items()):
            continue
        if asked not in found and len(found) >= MAX_LINES:
            warn(f"only the newest {MAX_LINES} different lines are looked at; narrow it: --since, --capability, --agent")
            break
        found.setdefault(asked, Denied(str(record.get("time", "")))).count += 1
    return found


def _asked(record: Mapping[str, Any]) -> Asked | None:
    """What a denial was about; None for any other record, and for a command of which the record holds only a part."""
    if record.get("event") not in ("exec.decided", "execute.decided") or record.get("decision") != "deny" or _CUT in record:
        return None
    capability, agent = record.get("capability"), record.get("agent")
    kind = "" if record["event"] == "exec.decided" else "http"
    words = [record.get("method"), record.get("path")] if kind else record.get("command")
    if (
        not isinstance(capability, str)
        or not isinstance(words, list)
        or not all(isinstance(word, str) for word in words)
        or not words
    ):
        return None
    return capability, agent if isinstance(agent, str) else None, (kind, *words)


def _groups(policy: Policy, denied: Mapping[Asked, Denied]) -> list[Group]:
    from janee.authority.policy import NOTHING_LIFTS

    groups: dict[tuple[str, str, str], Group] = {}
    for asked, seen in denied.items():
        decision = _decide(policy, asked)
        if decision.allowed:
            continue
        capability, agent, (kind, *words) = asked
        tool = "http" if kind else words[0]
        key = (capability, tool, decision.next_step)
        is_ruled_out = decision.next_step.startswith(NOTHING_LIFTS)
        group = groups.setdefault(
            key, Group(capability, tool, decision.evaluated_policy, decision.next_step, is_ruled_out, last=seen.last)
        )
        group.count += seen.count
        group.last = max(group.last, seen.last)
        group.agents.add(agent or "-")
        if len(group.examples) < MAX_EXAMPLES:
            group.examples.append(_line(words))
    return sorted(groups.values(), key=lambda group: (group.is_ruled_out, -group.count, group.capability, group.tool))


def _decide(policy: Policy, asked: Asked) -> Decision:
    from janee.authority.policy import ExecQuery, HttpQuery, decide_exec, decide_http

    capability, agent, (kind, *words) = asked
    if kind:
        return decide_http(policy, HttpQuery(capability, agent, words[0], words[1], is_hypothetical=True))
    return decide_exec(policy, ExecQuery(capability, agent, tuple(words), is_hypothetical=True))


def _line(words: list[str]) -> str:
    text = " ".join(ascii(word)[1:-1] for word in words)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _show(group: Group) -> None:
    agents = ", ".join(sorted(group.agents))
    say(f"{group.count} × {group.capability}: {group.examples[0]}  (last {group.last}, by {ascii(agents)[1:-1]})")
    for example in group.examples[1:]:
        say(f"    also: {example}")
    say(f"    why:  {group.why}")
    say(f"    next: {group.next_step}")
