"""Every line of the corpus in `argv/*.jsonl`, against the tool's profile; and the same lines rewritten.

A line: {"tool", "argv", "must": "allow" | "deny", "why", "preset"?, "baseUrl"?, "options"? (further keys of the entry)}.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from janee.authority.policy import Decision, ExecQuery, Policy, compile_policy, decide_exec
from janee.config.file import parse_config
from janee.profiles import Library

DIRECTORY = Path(__file__).parent / "argv"
DEFAULT_URL = "https://api.example.com"
LIBRARY = Library()
SERVICES: dict[str, str] = json.loads((DIRECTORY / "services.json").read_text())
FILES = sorted(DIRECTORY.glob("*.jsonl"))
MAX_EVERYDAY = 6  # lines that each attack is put into


@dataclass(frozen=True)
class Case:
    file: str
    number: int
    tool: str
    argv: tuple[str, ...]
    must: str
    why: str
    entry: str

    @property
    def url(self) -> str:
        return json.loads(self.entry)["baseUrl"]  # type: ignore[no-any-return]


def cases(file: Path) -> list[Case]:
    found = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if line.strip():
            given: dict[str, Any] = json.loads(line)
            tool = given["tool"]
            entry = {"tool": tool, "preset": given.get("preset", "write"), **given.get("options", {})}
            url = given.get("baseUrl", SERVICES.get(tool, DEFAULT_URL))
            text = json.dumps({"entry": entry, "baseUrl": url}, sort_keys=True)
            found.append(Case(file.stem, number, tool, tuple(given["argv"]), given["must"], given["why"], text))
    return found


@cache
def policy(entry: str) -> Policy:
    given = json.loads(entry)
    config = {
        "version": "0.3.0",
        "services": {"s": {"baseUrl": given["baseUrl"], "auth": {"type": "bearer"}}},
        "capabilities": {
            "c": {"service": "s", "mode": "exec", "allowedAgents": ["local"], "allowCommands": [given["entry"]]},
        },
    }
    return compile_policy(parse_config(json.dumps(config).encode()))


def decide(case: Case, argv: tuple[str, ...]) -> Decision:
    return decide_exec(policy(case.entry), ExecQuery("c", "local", argv, cwd="/home/agent/project", is_hypothetical=True))


def why_not(decision: Decision) -> str:
    return "; ".join(step.detail for step in decision.trace if step.check == "rule") or decision.evaluated_policy


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_line_is_decided_as_it_must_be(file: Path) -> None:
    wrong: list[str] = []
    for case in cases(file):
        decision = decide(case, case.argv)
        if decision.allowed != (case.must == "allow"):
            wrong.append(f"{file.name}:{case.number} must {case.must} ({case.why}): {case.argv} {why_not(decision)}")
    assert wrong == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_attack_is_denied_in_every_spelling(file: Path) -> None:
    wrong: list[str] = []
    for case in cases(file):
        if case.must == "deny":
            tool = LIBRARY.load(case.tool)
            rewritten = spellings(case.argv, tool is not None and tool.profile.syntax.short_equals)
            wrong.extend(f"{file.name}:{case.number} {argv}" for argv in rewritten if decide(case, argv).allowed)
    assert wrong == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_everyday_lines_with_an_attack_inserted_are_denied(file: Path) -> None:
    all_cases = cases(file)
    wrong: list[str] = []
    for attack in [case for case in all_cases if case.must == "deny" and option_of(case)]:
        path, option = path_of(attack), option_of(attack)
        everyday = [case for case in all_cases if case.must == "allow" and case.entry == attack.entry]
        for case in [case for case in everyday if path_of(case) == path][:MAX_EVERYDAY]:
            argv = (*path, *option, *case.argv[len(path) :])
            if decide(case, argv).allowed:
                wrong.append(f"{file.name}:{attack.number} into {case.number}: {argv}")
    assert wrong == []


def test_every_file_holds_attacks_and_everyday_lines() -> None:
    names = {file.stem for file in FILES}
    for tool in LIBRARY.names():
        assert tool in names, f"{tool} has a profile and no corpus"
    for file in FILES:
        kinds = [case.must for case in cases(file)]
        assert kinds.count("deny") >= 8, file.name
        if LIBRARY.load(file.stem) is not None:
            assert kinds.count("allow") >= 5, file.name


def spellings(argv: tuple[str, ...], takes_short_equals: bool) -> list[tuple[str, ...]]:
    """The same line, written otherwise: `--o=v` and `--o v`, `-ov` and `-o v`, clustered, doubled."""
    found: list[tuple[str, ...]] = []
    for index in range(1, len(argv)):
        word, before, after = argv[index], argv[:index], argv[index + 1 :]
        if word.startswith("--") and "=" in word:
            name, _, value = word.partition("=")
            found.append((*before, name, value, *after))
        if word.startswith("--") and len(word) > 2 and after and not after[0].startswith("-"):
            found.append((*before, f"{word}={after[0]}", *after[1:]))
        if len(word) == 2 and word[0] == "-" and word != "--" and after and not after[0].startswith("-"):
            found.append((*before, word + after[0], *after[1:]))
            if takes_short_equals:
                found.append((*before, f"{word}={after[0]}", *after[1:]))
        if len(word) > 2 and word[0] == "-" and word[1] != "-":
            found.append((*before, word[:2], word[2:], *after))
        if word.startswith("-") and word != "--":
            found.append((*before, word, word, *after))
    return found


def path_of(case: Case) -> tuple[str, ...]:
    """The tool and its subcommand's words."""
    tool = LIBRARY.load(case.tool)
    node, length = (tool.root if tool else None), 1
    while node is not None and length < len(case.argv) and case.argv[length] in node.children:
        node, length = node.children[case.argv[length]], length + 1
    return case.argv[:length]


def option_of(case: Case) -> tuple[str, ...]:
    """The one option (with its value) by which the line is an attack, if it follows the subcommand."""
    length = len(path_of(case))
    rest = case.argv[length : length + 2]
    if not rest or not rest[0].startswith("-") or rest[0] == "--":
        return ()
    option = rest[:1] if "=" in rest[0] else rest
    alone = decide(case, (*case.argv[:length], *option))
    return option if f"argument {length}:" in why_not(alone) or f"argument {length + 1}:" in why_not(alone) else ()
