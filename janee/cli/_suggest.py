"""What would lift the denials on record: grouped, each with the smallest change of the configuration that would, and its risk.

Guarantees: a change is proposed as what the policy itself names for that line, or after the policy, with the change in it,
allowed the line.
What a profile rules out as dangerous gets no proposal, and the reason instead. Pure: it reads and changes nothing.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from janee.cli._cases import decide
from janee.cli._recorded import Recorded

if TYPE_CHECKING:
    from janee.authority.policy import Decision
    from janee.config.schema import CommandRule, Config
    from janee.profiles import Library

_NAMED: Final = re.compile(r"allow it: (?P<change>.+) \(risk: (?P<risk>.+)\)")
_TOOL_RISKS: Final = {
    "read": "whatever the tool shows with this credential",
    "write": "everyday work of the tool, changes included",
    "admin": "all that the tool's profile knows: what cannot be undone too",
}
_EXACT_RISK: Final = "no profile judges the line: what the program does with these words is the operator's to know"
_PLAIN: Final = re.compile(r"[A-Za-z0-9._/:@=+-]{1,200}")


@dataclasses.dataclass(slots=True)
class Suggestion:
    """change: a command line for the operator; None: none is proposed, and `note` says why. example: the newest line."""

    capability: str
    tool: str
    reason_code: str
    missing: str
    change: str | None
    risk: str | None
    note: str
    example: dict[str, Any]
    last_seen: str
    count: int = 0
    agents: set[str] = dataclasses.field(default_factory=set)

    def to_wire(self) -> dict[str, Any]:
        return {
            "capability": self.capability,
            "tool": self.tool,
            "reasonCode": self.reason_code,
            "missing": self.missing,
            "change": self.change,
            "risk": self.risk,
            "note": self.note or None,
            "count": self.count,
            "lastSeen": self.last_seen,
            "agents": sorted(self.agents),
            "example": self.example,
        }


@dataclasses.dataclass(slots=True)
class Suggestions:
    """now_allowed: recorded denials that today's policy allows. unusable: those whose record does not hold the whole line."""

    groups: list[Suggestion]
    now_allowed: int = 0
    unusable: int = 0


def suggest(config: Config, denials: Iterable[Recorded]) -> Suggestions:
    """denials: newest first. The groups come with the most frequent first. Raises ConfigError."""
    from janee.authority.policy import compile_policy
    from janee.profiles import Library

    policy, library = compile_policy(config), Library()
    found = Suggestions([])
    groups: dict[tuple[str, ...], Suggestion] = {}
    judged: dict[str, Suggestion | None] = {}
    for denial in denials:
        if denial.was_allowed:
            continue
        if denial.given is None:
            found.unusable += 1
            continue
        line = json.dumps({**denial.given, "reason": "reason" in denial.given}, sort_keys=True)
        if line not in judged:  # the same line is denied again and again, and a proposal compiles policies
            decision = decide(policy, denial.given)
            judged[line] = None if decision.allowed else _propose(config, library, decision, denial)
        made = judged[line]
        if made is None:
            found.now_allowed += 1
            continue
        group = groups.setdefault((made.capability, made.tool, made.reason_code, made.change or made.note), made)
        group.count += 1
        group.agents.add(denial.given["agent"])
    found.groups = sorted(groups.values(), key=lambda group: -group.count)
    return found


def _propose(config: Config, library: Library, decision: Decision, denial: Recorded) -> Suggestion:
    given = denial.given or {}
    argv = given.get("argv")
    made = Suggestion(
        capability=given["capability"],
        tool=(argv[0] if argv else "") if argv is not None else f"HTTP {given['method']}",
        reason_code=decision.reason_code.value if decision.reason_code else "",
        missing=decision.evaluated_policy,
        change=None,
        risk=None,
        note=decision.next_step,
        example={name: given[name] for name in ("argv", "cwd", "method", "path") if name in given},
        last_seen=denial.time,
    )
    if made.reason_code == "COMMAND_NOT_ALLOWED" and argv:
        named = _NAMED.fullmatch(decision.next_step)
        if named:
            made.change, made.risk, made.note = named["change"], named["risk"], ""
        elif not _has_entry(config, made.capability, argv[0]):
            _propose_entry(config, library, made, given)
    return made


def _has_entry(config: Config, capability: str, tool: str) -> bool:
    from janee.config.schema import ToolRule

    known = config.capabilities.get(capability)
    return known is None or any(isinstance(rule, ToolRule) and rule.tool == tool for rule in known.allow_commands)


def _propose_entry(config: Config, library: Library, made: Suggestion, given: dict[str, Any]) -> None:
    """An entry for a tool that has none: the weakest preset that allows the line, or the exact line if there is no profile."""
    from janee.config.schema import ArgvRule, ToolRule

    argv = given["argv"]
    edit = f"janee capability edit {made.capability} --allow-command"
    if refused := library.refused(argv[0]):
        made.note = f"{argv[0]} {refused}: no rule is proposed"
        return
    if library.load(argv[0]) is not None:
        for preset, risk in _TOOL_RISKS.items():
            if _would_allow(config, given, ToolRule(argv[0], {"preset": preset})):
                made.change, made.risk, made.note = f"{edit} '{{tool: {argv[0]}, preset: {preset}}}'", risk, ""
                return
        made.note = f"the profile of {argv[0]} allows this line under no preset: no rule is proposed"
        return
    made.note = "only an exact {argv: […]} rule would allow it; the line has words that are not plain, so none is proposed"
    if all(_PLAIN.fullmatch(word) for word in argv) and _would_allow(config, given, ArgvRule(tuple(argv))):
        words = ", ".join(f'"{word}"' for word in argv)
        made.change, made.risk, made.note = f"{edit} '{{argv: [{words}]}}'", _EXACT_RISK, ""


def _would_allow(config: Config, given: dict[str, Any], rule: CommandRule) -> bool:
    from janee.authority.policy import compile_policy
    from janee.errors import ConfigError

    name = given["capability"]
    capability = config.capabilities[name]
    changed = dataclasses.replace(capability, allow_commands=(*capability.allow_commands, rule))
    try:
        policy = compile_policy(dataclasses.replace(config, capabilities={name: changed}))
    except ConfigError:
        return False
    return decide(policy, given).allowed
