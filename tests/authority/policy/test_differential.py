"""What our parser calls the value of an option, the real tool does too.

Each option that a profile allows is put before markers that no tool knows as options (`--zz-1 --zz-2`): which marker the tool
complains about first says how many arguments the option took. The tool gets no further than that complaint; its home and
directory are empty, and it has no service to talk to. Our parser is asked the same, with the types taken off.

JANEE_TEST_DIFFERENTIAL: options per tool (default: a sample); "all" for a night.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from janee.authority.policy._hosts import Hosts
from janee.authority.policy._line import Refused, read_line
from janee.authority.policy._values import Context
from janee.profiles import Command, Form, Kind, Library, Operand, Option, Preset, Tool, ValueType

LIBRARY: Final = Library()
MARKERS: Final = ("--zz-1", "--zz-2")
ANY_TEXT: Final = ValueType(Kind.TEXT)
HELP: Final = frozenset({"-h", "--help", "-?", "--version", "-V"})
TOOLS: Final = ("git", "curl", "psql", "kubectl", "gh", "aws", "wget", "rsync", "docker")
AMOUNT: Final = os.environ.get("JANEE_TEST_DIFFERENTIAL", "12")
pytestmark = pytest.mark.timeout(3600 if AMOUNT == "all" else 300)  # aws takes half a second for each option
SLOW: Final = {"aws": 5}  # half a second each

UNKNOWN: Final = re.compile(
    r"(?<!pset: )(?:unknown|unrecognized|invalid) (?:option|options|flag|switch|argument)\b[^\n]*?zz-(\d)"
    r"|zz-(\d): (?:is unknown|unknown option)",
    re.IGNORECASE,
)
TAKEN: Final = re.compile(
    r'invalid argument "--zz-1" for|invalid argument passed to|expected (?:one|at least one) argument|argument [^\n]*: invalid',
    re.IGNORECASE,
)


def options(tool: Tool) -> Iterator[tuple[Command, str, Option]]:
    """Every spelling of every option that somebody may use, with its command."""
    waiting = [tool.root]
    while waiting:
        command = waiting.pop()
        waiting.extend(child for child in command.children.values() if not child.denied)
        for form in command.forms:
            for spelling, option in form.scope.items():
                if not option.denied and spelling not in HELP:
                    yield command, spelling, option


def sample(tool: Tool) -> list[tuple[Command, str, Option]]:
    found = sorted(
        {(command.path, spelling): (command, spelling, option) for command, spelling, option in options(tool)}.items()
    )
    every = [value for _, value in found]
    if AMOUNT == "all":
        return every
    amount = SLOW.get(tool.profile.tool, int(AMOUNT))
    return random.Random(tool.profile.tool).sample(every, min(amount, len(every)))


def relaxed(command: Command) -> Command:
    """The same tree, in which every value is free text: only the taking apart is compared."""
    scope: dict[str, Option] = {}
    for form in command.forms:
        scope.update(form.scope)
    operands = (Operand(ANY_TEXT, "X", is_required=False, is_repeated=True),)
    forms = (Form(Preset.READ, free(scope), operands),) if command.forms else ()
    children = {name: relaxed(child) for name, child in command.children.items()}
    return replace(command, forms=forms, leading=free(command.leading), children=children)


def free(scope: dict[str, Option] | object) -> dict[str, Option]:
    assert hasattr(scope, "items")
    return {
        name: replace(option, values=tuple(ANY_TEXT for _ in option.values), preset=Preset.READ)
        for name, option in scope.items()
    }


def ours(tool: Tool, argv: tuple[str, ...]) -> int | None:
    """How many arguments our parser gives to the option before the markers; None: it says so of none."""
    found = read_line(tool, argv, Context(Hosts((("api.example.com", None),), frozenset({"https"})), ("/w",)))
    if not isinstance(found, Refused):
        return None
    if "begins with a dash" in found.why or "its value is missing" in found.why:
        return 1
    at = argv[found.position] if found.position < len(argv) else ""
    return MARKERS.index(at) if at in MARKERS else None


def theirs(argv: tuple[str, ...], directory: Path) -> int | None:
    said = run(argv, directory)
    if TAKEN.search(said):
        return 1
    found = UNKNOWN.search(said)
    return int(found[1] or found[2]) - 1 if found else None


def run(argv: tuple[str, ...], directory: Path) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(directory), "LC_ALL": "C", "GIT_PAGER": "cat", "GIT_EDITOR": "true"}
    done = subprocess.run(argv, cwd=directory, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return (done.stderr + done.stdout).decode(errors="replace")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("work")
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", "-C", str(path), *who, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    return path


@pytest.mark.parametrize("name", TOOLS)
def test_an_option_takes_as_many_arguments_as_the_tool_gives_it(name: str, directory: Path) -> None:
    if shutil.which(name) is None or "not found" in run((name, "--version"), directory):
        pytest.skip(f"needs {name}")
    tool = LIBRARY.load(name)
    assert tool is not None
    plain = replace(tool, root=relaxed(tool.root))
    wrong, compared = [], 0
    for command, spelling, _ in sample(tool):
        argv = (*command.path, spelling, *MARKERS)
        real = theirs(argv, directory)
        if real is None:
            continue  # it stopped at something else, or knows no such option: older or newer than the profile
        compared += 1
        if ours(plain, argv) != real:
            wrong.append((argv, "ours", ours(plain, argv), "theirs", real))
    assert wrong == []
    assert compared >= min(len(sample(tool)) // 4, 5)


def test_npm_knows_the_same_flags_and_values() -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs node and npm")
    root = Path(npm).resolve().parents[1]
    script = (
        "const found=require.resolve('@npmcli/config/lib/definitions',{paths:[process.argv[1]]});"
        "const all=Object.entries(require(found).definitions).map(([name,about])=>{const types=[].concat(about.type);"
        "return [name,types.includes(Boolean)?types.every(t=>[Boolean,null,true,false].includes(t)):'value']});"
        "console.log(JSON.stringify(Object.fromEntries(all)))"
    )
    done = subprocess.run([node, "-e", script, str(root)], capture_output=True, timeout=60)
    if done.returncode != 0:
        pytest.skip("needs an npm whose definitions can be read")
    kinds: dict[str, bool | str] = json.loads(done.stdout)  # True: a flag; "value": takes one; False: either
    tool = LIBRARY.load("npm")
    assert tool is not None
    wrong, compared = set(), 0
    for _, spelling, option in options(tool):
        kind = kinds.get(spelling.removeprefix("--"))
        compared += kind is not None
        if (kind is True and option.values and not option.is_optional) or (kind == "value" and not option.values):
            wrong.add(spelling)
    assert wrong == set()
    assert compared >= 20
