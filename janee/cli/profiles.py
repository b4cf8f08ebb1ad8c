"""`janee profiles`: which tools have a profile, and what one allows. Needs no configuration.

Guarantees: shows what the engine decides by, the loaded profile, never a text about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from janee.cli._options import json_option
from janee.cli._output import print_json, say
from janee.errors import UsageError

if TYPE_CHECKING:
    from janee.profiles import Command, Option, Tool


@click.group("profiles")
def command() -> None:
    """Show the tools whose command lines Janee understands."""


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the tools that have a profile."""
    from janee.profiles import Library

    library = Library()
    rows = []
    for name in library.names():
        tool = library.load(name)
        if tool is not None:
            rows.append(
                {"tool": name, "about": tool.profile.about, "delivery": tool.profile.delivery, "source": tool.profile.source}
            )
    if as_json:
        print_json({"profiles": rows})
        return
    for row in rows:
        say(f"{row['tool']:<14} {row['about']}")


@command.command("show")
@click.argument("tool")
@json_option
def show(tool: str, as_json: bool) -> None:
    """Show what the profile of TOOL allows under which preset, and what it denies and why."""
    from janee.profiles import Library

    library = Library()
    loaded = library.load(tool)
    if loaded is None:
        why = library.refused(tool)
        hint = "see: janee profiles list; for other tools write {argv: […]} rules"
        raise UsageError("NO_PROFILE", f"there is no profile of {tool}" + (f": {tool} {why}" if why else ""), hint)
    commands = list(_commands(loaded.root))
    if as_json:
        print_json(_facts(loaded) | {"commands": commands})
        return
    for key, value in _facts(loaded).items():
        if value:
            say(f"{key}: {value if isinstance(value, str) else ', '.join(map(str, value))}")
    for entry in commands:
        say(f"{entry['command']}: {(entry['denied'] and 'denied, ' + entry['denied']) or entry['preset']}")
        for text, verdict in entry["options"].items():
            if verdict != entry["preset"]:
                say(f"    {text}: {verdict}")


def _facts(tool: Tool) -> dict[str, Any]:
    profile = tool.profile
    return {
        "tool": profile.tool,
        "about": profile.about,
        "syntax": profile.syntax.name,
        "delivery": profile.delivery,
        "credentials": list(profile.credentials),
        "source": profile.source,
        "digest": f"sha256:{tool.digest}",
        "environment": [f"{name}={value}" for name, value in profile.harden.env.items()],
        "insert": list(profile.harden.insert),
        "files": list(profile.harden.files),
        "programs": None if profile.harden.programs is None else list(profile.harden.programs),
    }


def _commands(node: Command) -> Iterator[dict[str, Any]]:
    """Every command that can be used or is denied, in the profile's order; an alias is not repeated."""
    if node.denied:
        yield {"command": node.text, "preset": None, "denied": node.denied, "options": {}}
    for form in node.forms:
        options = {", ".join(option.spellings): _verdict(option, form.preset.name) for option in form.scope.values()}
        places = " ".join(f"[{place.name}]" if not place.is_required else place.name for place in form.operands)
        text = f"{node.text} {places}".rstrip()
        yield {"command": text, "preset": form.preset.name.lower(), "denied": None, "options": options}
    seen: set[int] = set()
    for child in node.children.values():
        if id(child) not in seen:
            seen.add(id(child))
            yield from _commands(child)


def _verdict(option: Option, preset: str) -> str:
    if option.denied:
        return f"denied, {option.denied}"
    return max(option.preset.name.lower(), preset.lower(), key=("read", "write", "admin").index)
