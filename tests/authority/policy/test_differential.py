"""What our parser calls the value of an option, the real tool does too.

Each option that a profile allows is put in front of markers that no tool knows as options (`--zz-1 --zz-2 …`): which marker
the tool complains about first says how many arguments the option took. The tool never gets further than that complaint; it
has no credential, and an empty home and directory. Ours is asked the same, with the types taken off. A tool that complains
about something else first (a value that is no number) says nothing, and is not counted.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from janee.authority.policy._hosts import Hosts
from janee.authority.policy._line import Refused, read_line
from janee.authority.policy._values import Context
from janee.profiles import Command, Form, Kind, Library, Operand, Option, Preset, Tool, ValueType

MARKERS: Final = ("--zz-1", "--zz-2", "--zz-3", "--zz-4")
UNKNOWN: Final = re.compile(r"(?:unknown (?:option|switch|flag)|unrecognized option|invalid option|option)\W+(zz-\d)")
ANY_TEXT: Final = ValueType(Kind.TEXT)
NIGHTLY: Final = "JANEE_DIFFERENTIAL_ALL"  # every option of every command, instead of a sample
SAMPLE: Final = 40
SAYS_NOTHING: Final = frozenset({"-h", "--help", "--version", "-V", "-?", "-M"})  # answers before it reads further
JUDGES_VALUE: Final = frozenset({"-P", "--pset"})  # psql calls the name of a setting an "option" too


def relaxed(command: Command) -> Command:
    """The same tree, in which every value is free text: only the taking apart is compared."""
    scope: dict[str, Option] = {}
    for form in command.forms:
        scope.update(form.scope)
    anything = (Operand(ANY_TEXT, "X", is_required=False, is_repeated=True),)
    forms = (Form(Preset.READ, _free(scope), anything),) if command.forms else ()
    children = {name: relaxed(child) for name, child in command.children.items()}
    return replace(command, forms=forms, leading=_free(command.leading), children=children)


def _free(scope: Mapping[str, Option]) -> dict[str, Option]:
    return {name: replace(option, values=(ANY_TEXT,) * len(option.values)) for name, option in scope.items()}


def lines(command: Command) -> Iterator[tuple[str, ...]]:
    for form in command.forms[:1]:
        for name, option in form.scope.items():
            if not option.denied and not option.is_greedy and name != "-#":
                yield (*command.path, name, *MARKERS)
    for child in command.children.values():
        yield from lines(child)


def ours(tool: Tool, argv: tuple[str, ...]) -> str:
    found = read_line(tool, argv, Context(Hosts((("api.example.com", None),), frozenset({"https"})), ("/w",)))
    assert isinstance(found, Refused)
    return argv[found.position].removeprefix("--")


def theirs(program: str, argv: tuple[str, ...], directory: Path) -> str | None:
    """The first marker that the tool complains about; None if it says something else."""
    done = subprocess.run(
        [program, *argv[1:]],
        env={"PATH": os.defpath, "HOME": str(directory), "LC_ALL": "C"},
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    found = UNKNOWN.search((done.stderr + done.stdout).decode(errors="replace"))
    return found[1] if found else None


@pytest.mark.parametrize("name", ["curl", "git", "kubectl", "psql"])
def test_an_option_takes_as_many_arguments_as_the_tool_says(name: str, tmp_path: Path) -> None:
    program = shutil.which(name, path=os.defpath)
    if program is None:
        pytest.skip(f"needs {name} in {os.defpath}")
    if name == "git":
        subprocess.run([program, "init", "-q", str(tmp_path)], check=True, timeout=60, env={"HOME": str(tmp_path)})
    known = Library().load(name)
    assert known is not None
    tool = replace(known, root=relaxed(known.root))
    every = [argv for argv in lines(tool.root) if not (SAYS_NOTHING | JUDGES_VALUE) & set(argv)]
    step = 1 if os.environ.get(NIGHTLY) else max(1, len(every) // SAMPLE)
    asked, wrong = 0, []
    for argv in every[::step]:
        blamed = theirs(program, argv, tmp_path)
        if blamed is not None:
            asked += 1
            if blamed != ours(tool, argv):
                wrong.append(f"{argv}: the tool blames {blamed}, ours {ours(tool, argv)}")
    assert wrong == []
    assert asked >= 10
