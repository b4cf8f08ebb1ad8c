"""A command line against a tool's profile: taken apart as the tool takes it apart, every part checked.

Guarantees: never raises; one pass for each form of the command, so linear; what the profile does not name (a subcommand, an
option, an operand, a value outside its type) is refused, with its position in the argv and the rule that is missing. Every
occurrence of a repeated option is checked. It never decides what is enough: that is the preset's and the operator's rule's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from janee.authority.policy._sql import MAX_SQL
from janee.authority.policy._values import Context, Found, check, holds_sql
from janee.profiles import Command, Form, Operand, Option, Preset, Syntax, Tool, ValueType

MAX_ARGUMENTS: Final = 1024
_HELP: Final = frozenset({"--help", "-help"})
_MAX_CLUSTER: Final = 32  # flags in one argument
_NUMBER: Final = re.compile(r"-[0-9]{1,9}")
_TRUTH: Final = frozenset({"true", "false", "t", "f", "1", "0", "True", "False", "TRUE", "FALSE", "T", "F"})


@dataclass(frozen=True, slots=True)
class Part:
    """One understood part. rule: the profile's place for it. preset: what it needs. width: how many arguments it takes."""

    position: int
    role: str  # command, option, operand, end
    text: str
    rule: str
    preset: Preset
    width: int = 1
    spellings: tuple[str, ...] = ()  # of an option: all of them


@dataclass(frozen=True, slots=True)
class Line:
    """A command line that the profile understands. path: the subcommand's words, the tool's name first."""

    path: tuple[str, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a line is not understood. position: of the argument at fault (its number, when one is missing)."""

    position: int
    why: str
    parts: tuple[Part, ...] = ()
    is_denied: bool = False  # the profile names it and denies it: no preset lifts that
    lift: tuple[str, ...] = ()  # what an entry's `allow` would have to name
    needs: str = ""  # the preset that it needs


class _StopError(Exception):
    def __init__(self, position: int, why: str, is_denied: bool = False) -> None:
        super().__init__(why)
        self.position = position
        self.why = why
        self.is_denied = is_denied


def read_line(tool: Tool, command: tuple[str, ...], context: Context) -> Line | Refused:
    """Read a whole command line; command[0] is the tool's name already compared."""
    if len(command) > MAX_ARGUMENTS:
        return Refused(MAX_ARGUMENTS, f"more than {MAX_ARGUMENTS} arguments")
    left = MAX_SQL if sum(map(len, command)) > MAX_SQL else None
    reader = _Reader(tool.profile.syntax, command, context, left=left)
    try:
        return reader.command(tool.root, 1)
    except _StopError as stop:
        return Refused(stop.position, stop.why, tuple(reader.parts), stop.is_denied)


@dataclass(slots=True)
class _Reader:
    syntax: Syntax
    argv: tuple[str, ...]
    context: Context
    parts: list[Part] = field(default_factory=list)
    left: int | None = None  # characters of statements that may still come; None: the line is shorter than that

    def _check(self, value_type: ValueType, value: str) -> Found:
        if self.left is not None and holds_sql(value_type):
            self.left -= len(value)
            if self.left < 0:
                return f"is too much: statements of more than {MAX_SQL} characters in all"
        return check(value_type, value, self.context)

    def _asks_help(self) -> bool:
        """Whether the line ends in an option, known to the profile, by which tools only print their manual."""
        last = len(self.argv) - 1
        return any(part.position == last and not _HELP.isdisjoint((part.text, *part.spellings)) for part in self.parts)

    def command(self, node: Command, at: int) -> Line:
        """What follows the words of `node`, from argument `at` on."""
        if node.children:
            found = self._child(node, at)
            if found is not None:
                child, position = found
                self.parts.append(Part(position, "command", self.argv[position], f"[{child.text}]", Preset.READ))
                return self.command(child, position + 1)
        if node.denied:
            raise _StopError(at - 1, f"`{node.text}`: {node.denied}", True)
        if not node.forms:
            if self._asks_help():
                return Line(node.path, tuple(self.parts))
            wanted = "a subcommand is missing" if at >= len(self.argv) else "no subcommand of it is named"
            raise _StopError(len(self.argv), f"`{node.text}`: {wanted}")
        before = list(self.parts)
        stops: list[tuple[_StopError, list[Part]]] = []
        for form in node.forms:
            self.parts[:] = before
            try:
                self._form(node, form, at)
            except _StopError as stop:
                stops.append((stop, list(self.parts)))
            else:
                return Line(node.path, tuple(self.parts))
        farthest, self.parts[:] = max(stops, key=lambda item: (item[0].position, item[0].is_denied))
        raise farthest

    def _child(self, node: Command, at: int) -> tuple[Command, int] | None:
        """The subcommand and where it stands; None if the node's own form is meant. Options on the way are checked."""
        kept = len(self.parts)
        while at < len(self.argv):
            argument = self.argv[at]
            if argument == "--" and self.syntax.terminator:
                break
            if argument.startswith("-") and argument != "-":
                if node.forms and not self._finds(node.leading, argument):
                    break  # an option of its own form
                at = self._option(node.leading, at, node)
                continue
            child = node.children.get(argument)
            if child is not None:
                return child, at
            if not node.forms and not node.denied:
                raise _StopError(at, f"{_shown(argument)} is no subcommand of `{node.text}` that the profile knows")
            break
        if node.forms:
            del self.parts[kept:]
        return None

    def _finds(self, scope: Mapping[str, Option], argument: str) -> bool:
        return argument.partition("=")[0] in scope or argument[:2] in scope

    def _form(self, node: Command, form: Form, at: int) -> None:
        operands: list[int] = []
        later: list[int] | None = None
        self._need(form.preset, at - 1, node)
        while at < len(self.argv):
            argument = self.argv[at]
            if argument == "--" and self.syntax.terminator and not (operands and not self.syntax.permute):
                self.parts.append(Part(at, "end", "--", "end of options", Preset.READ))
                later = list(range(at + 1, len(self.argv)))
                break
            if argument.startswith("-") and len(argument) > 1:
                if operands and not self.syntax.permute:
                    operands.extend(range(at, len(self.argv)))
                    break
                at = self._option(form.scope, at, node)
                continue
            operands.append(at)
            at += 1
        if form.after is None:
            operands.extend(later or ())
            later = None
        self._operands(node, form.operands, operands)
        if later is not None and form.after is not None:
            self._operands(node, form.after, later)
        given = {part.text for part in self.parts if part.role == "option"}
        for needed in form.needs:
            if not needed & given and not self._asks_help():
                raise _StopError(len(self.argv), f"`{node.text}` is allowed only with one of {', '.join(sorted(needed))}")
        self.parts.sort(key=lambda part: part.position)

    def _need(self, preset: Preset, at: int, node: Command) -> None:
        self.parts.append(Part(at, "form", node.text, f"[{node.text}] {preset.name.lower()}", preset, 0))

    # --- options

    def _option(self, scope: Mapping[str, Option], at: int, node: Command) -> int:
        """Check the option at `at` and its values; the position behind them."""
        argument = self.argv[at]
        name, mark, value = argument.partition("=")
        option = scope.get(name)
        if option is None and self.syntax.single_dash:
            other = name[1:] if name.startswith("--") else "-" + name
            option = scope.get(other)
        if option is not None and (name.startswith("--") or len(name) > 2 or not self.syntax.attached or not mark):
            if mark and not self.syntax.equals and len(name) > 2:
                raise _StopError(at, f"{_shown(argument)}: this tool takes no `=` in its options")
            return self._values(option, name, value if mark else None, at, node)
        if not argument.startswith("--") and (self.syntax.attached or self.syntax.clusters):
            return self._cluster(scope, at, node)
        raise _StopError(at, self._unknown(scope, name, node))

    def _cluster(self, scope: Mapping[str, Option], at: int, node: Command) -> int:
        argument = self.argv[at]
        if _NUMBER.fullmatch(argument) and "-#" in scope and argument[:2] not in scope:
            return self._values(scope["-#"], "-#", argument[1:] if scope["-#"].values else None, at, node)
        index = 1
        while index < min(len(argument), _MAX_CLUSTER):
            name = "-" + argument[index]
            option = scope.get(name)
            if option is None:
                raise _StopError(at, self._unknown(scope, name if index > 1 or len(argument) == 2 else argument, node))
            rest = argument[index + 1 :]
            if option.denied or (option.values and rest):
                if rest and not self.syntax.attached and not option.denied:
                    raise _StopError(at, f"{_shown(argument)}: this tool takes no attached values")
                stripped = rest.removeprefix("=") if self.syntax.short_equals else rest
                return self._values(option, name, stripped if rest else None, at, node)
            if rest and self.syntax.short_equals and rest.startswith("="):
                return self._values(option, name, rest[1:], at, node)
            if not rest:
                return self._values(option, name, None, at, node)
            if not self.syntax.clusters:
                raise _StopError(at, f"{_shown(argument)}: this tool takes no clustered options")
            self._note(option, name, at, 1, Preset.READ)
            index += 1
        raise _StopError(at, self._unknown(scope, argument, node))

    def _values(self, option: Option, name: str, attached: str | None, at: int, node: Command) -> int:
        if option.denied:
            raise _StopError(at, f"{name} of `{node.text}`: {option.denied}", True)
        if not option.values:
            if attached is not None and not (self.syntax.flag_values and attached in _TRUTH):
                raise _StopError(at, f"{name} of `{node.text}` takes no value")
            self._note(option, name, at, 1, Preset.READ)
            return at + 1
        if option.is_optional:
            needed = Preset.READ if attached is None else self._value(option.values[0], attached, name, at)
            self._note(option, name, at, 1, needed)
            return at + 1
        position, needed = at + 1, Preset.READ
        for index, value_type in enumerate(option.values):
            if index == 0 and attached is not None:
                needed = max(needed, self._value(value_type, attached, name, at))
                continue
            if position >= len(self.argv):
                raise _StopError(position, f"{name} of `{node.text}`: its value is missing")
            needed = max(needed, self._value(value_type, self._separate(position, name), name, position))
            position += 1
        while option.is_greedy and position < len(self.argv) and not self.argv[position].startswith("-"):
            needed = max(needed, self._value(option.values[-1], self.argv[position], name, position))
            position += 1
        self._note(option, name, at, position - at, needed)
        return position

    def _separate(self, position: int, name: str) -> str:
        value = self.argv[position]
        if value.startswith("-") and value != "-" and not self.syntax.dash_values and not _NUMBER.fullmatch(value):
            raise _StopError(position, f"{name}: {_shown(value)} begins with a dash; write {name}=VALUE")
        return value

    def _value(self, value_type: ValueType, value: str, name: str, at: int) -> Preset:
        found: Found = self._check(value_type, value)
        if isinstance(found, str):
            raise _StopError(at, f"the value of {name}, {_shown(value)}, {found}", found.startswith("is denied"))
        return found

    def _note(self, option: Option, name: str, at: int, width: int, needed: Preset) -> None:
        types = " ".join(value.kind.value for value in option.values)
        rule = f"{option.spellings[-1]} {types}".rstrip()
        self.parts.append(Part(at, "option", name, rule, max(option.preset, needed), width, option.spellings))

    def _unknown(self, scope: Mapping[str, Option], name: str, node: Command) -> str:
        if name.startswith("--") and len(name) > 4:
            longer = [known for known in scope if known.startswith(name)]
            if longer:
                return f"{_shown(name)} is short for {longer[0]}; abbreviations are not taken, write it out"
        return f"{_shown(name)} is no option of `{node.text}` that the profile knows"

    # --- operands

    def _operands(self, node: Command, places: tuple[Operand, ...], positions: list[int]) -> None:
        spare = len(positions) - sum(place.is_required for place in places)
        if spare < 0 and not positions and self._asks_help():
            return
        if spare < 0:
            missing = [place.name for place in places if place.is_required][len(positions)]
            raise _StopError(len(self.argv), f"`{node.text}`: {missing} is missing")
        at = 0
        for place in places:
            count = 1 if place.is_required else 0
            if spare and (place.is_repeated or not place.is_required):
                more = spare if place.is_repeated else 1
                count, spare = count + more, spare - more
            for position in positions[at : at + count]:
                self._operand(place, position)
            at += count
        if at < len(positions) and node.children and not places:
            raise _StopError(
                positions[at], f"{_shown(self.argv[positions[at]])} is no subcommand of `{node.text}` that the profile knows"
            )
        if at < len(positions):
            raise _StopError(
                positions[at], f"{_shown(self.argv[positions[at]])} is one operand more than `{node.text}` takes here"
            )

    def _operand(self, place: Operand, position: int) -> None:
        value = self.argv[position]
        found = self._check(place.type, value)
        if isinstance(found, str):
            raise _StopError(position, f"{_shown(value)} (as {place.name}) {found}", found.startswith("is denied"))
        self.parts.append(Part(position, "operand", value, place.name, max(place.preset, found)))


def _shown(text: str) -> str:
    """An argument as it may be shown: escaped and short. It is the agent's own text; the audit scrubs it like all others."""
    return ascii(text if len(text) <= 80 else text[:79] + "…")
