"""A profile's grammar, from text to a tree of commands. The notation is docs/profiles.md's.

Guarantees: a line that is not understood is an error that names tool and line; nothing is guessed. One spelling takes the same
number of values in all forms of a command, so that forms never disagree on what is an option and what an operand.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, NoReturn

from janee.profiles._model import PRESETS, Command, Form, Operand, Option, Preset, Profile, ProfileError, Tool, ValueType
from janee.profiles.types import BUILT_IN, either, listed, one_of

_HEADER: Final = re.compile(r"\[([^\]]*)\]\s*(read|write|admin)?\s*(?:!\s*(\S.*))?")
_SPELLING: Final = re.compile(r"--?(?:\[no-\])?[A-Za-z0-9?#@_.:*+-]+|-#|-")
_OPTIONAL: Final = re.compile(r"(.*)\[=(.+)\]")


@dataclass(slots=True)
class _Section:
    """The lines below one header, understood."""

    preset: Preset | None = None
    options: list[Option] = field(default_factory=list)
    operands: tuple[Operand, ...] = ()
    after: tuple[Operand, ...] | None = None
    needs: list[frozenset[str]] = field(default_factory=list)


@dataclass(slots=True)
class _Node:
    path: tuple[str, ...]
    denied: str = ""
    common: list[Option] = field(default_factory=list)
    forms: list[_Section] = field(default_factory=list)
    children: dict[str, _Node] = field(default_factory=dict)  # an alias leads to the same node


def build(profile: Profile) -> Tool:
    """Read the grammar. Raises ProfileError."""
    root = _Reader(profile).read()
    return Tool(profile, _command(profile, root, {}), hashlib.sha256(_stable(profile).encode()).hexdigest())


class _Reader:
    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._bundles: dict[str, list[Option]] = {}
        self._root = _Node((profile.tool,))
        self._types: dict[str, ValueType] = {}
        self._line = 0

    def read(self) -> _Node:
        section: _Section | None = None
        options: list[Option] | None = None
        for line in self._lines():
            if line.startswith("%"):
                section, options = None, self._bundles.setdefault(line[1:].strip(), [])
            elif line.startswith("["):
                section, options = self._header(line)
            elif options is None:
                self._fail("a line before the first header")
            elif line.startswith("-"):
                options.extend(self._option(line))
            elif line.startswith("use:"):
                for name in line[4:].split():
                    options.extend(self._bundles[name] if name in self._bundles else self._fail(f"no bundle {name!r}"))
            elif section is not None and section.preset is not None and line.startswith("args:"):
                section.operands, section.after = self._operands(line[5:])
            elif section is not None and section.preset is not None and line.startswith("needs:"):
                section.needs.append(frozenset(line[6:].split()))
            else:
                self._fail(f"not understood: {line!r}")
        return self._root

    def _lines(self) -> Iterator[str]:
        for number, line in enumerate(self._profile.grammar.splitlines(), 1):
            self._line = number
            stripped = line.strip()
            if stripped and not stripped.startswith("# ") and stripped != "#":
                yield stripped

    def _header(self, line: str) -> tuple[_Section | None, list[Option] | None]:
        found = _HEADER.fullmatch(line)
        if found is None:
            self._fail(f"not a header: {line!r}")
        nodes = self._nodes([word.split("|") for word in found[1].split()])
        if found[3]:
            for node in nodes:
                node.denied = found[3].strip()
            return None, None
        if len(nodes) != 1:
            self._fail("only denied commands can be listed together")
        if found[2] is None:
            return None, nodes[0].common
        section = _Section(PRESETS[found[2]])
        nodes[0].forms.append(section)
        return section, section.options

    def _nodes(self, words: list[list[str]]) -> list[_Node]:
        """The node that a path leads to. `{a b c}` cannot be written: `[x a,b,c] ! reason` names several last words."""
        nodes = [self._root]
        for index, names in enumerate(words):
            groups = [name.split(",") for name in names]
            if any(len(group) > 1 for group in groups):
                if index + 1 != len(words) or len(groups) != 1:
                    self._fail("a list of names has to come last")
                return [self._child(nodes[0], [name]) for name in groups[0]]
            nodes = [self._child(nodes[0], names)]
        return nodes

    def _child(self, parent: _Node, names: list[str]) -> _Node:
        node = next((parent.children[name] for name in names if name in parent.children), None)
        if node is None:
            node = _Node((*parent.path, names[0]))
        for name in names:
            if not name or parent.children.setdefault(name, node) is not node:
                self._fail(f"{name!r} is another command already")
        return node

    def _option(self, line: str) -> list[Option]:
        facts, mark, reason = f"{line} ".partition(" ! ")
        if mark and not reason.strip():
            self._fail("`!` without a reason")
        spellings: list[str] = []
        values: list[ValueType] = []
        preset, is_optional, is_greedy = Preset.READ, False, False
        for word in facts.replace(", ", " ").split():
            if word.startswith("@"):
                preset = PRESETS[word[1:]] if word[1:] in PRESETS else self._fail(f"no preset {word!r}")
            elif word.startswith("-") and not values:
                found = _OPTIONAL.fullmatch(word)
                if found:
                    is_optional, values, word = True, [self._type(found[2])], found[1]
                if not _SPELLING.fullmatch(word):
                    self._fail(f"not an option's spelling: {word!r}")
                spellings.append(word)
            else:
                is_greedy = word.endswith("...")
                values.append(self._type(word.removesuffix("...")))
        return _with_negations(Option(tuple(spellings), tuple(values), is_optional, is_greedy, preset, reason.strip()))

    def _operands(self, text: str) -> tuple[tuple[Operand, ...], tuple[Operand, ...] | None]:
        before, mark, after = f" {text} ".partition(" -- ")
        return self._places(before), self._places(after) if mark else None

    def _places(self, text: str) -> tuple[Operand, ...]:
        places = []
        for word in text.split():
            is_optional = word.startswith("[") and word.endswith("]")
            inner = word[1:-1] if is_optional else word
            is_repeated = inner.endswith("...")
            name, mark, preset = inner.removesuffix("...").partition("@")
            if mark and preset not in PRESETS:
                self._fail(f"no preset {preset!r}")
            places.append(
                Operand(self._type(name), name, not is_optional, is_repeated, PRESETS[preset] if mark else Preset.READ)
            )
        if sum(place.is_repeated for place in places) > 1:
            self._fail("only one place can repeat")
        return tuple(places)

    def _type(self, text: str) -> ValueType:
        if text not in self._types:
            self._types[text] = self._new_type(text)
        return self._types[text]

    def _new_type(self, text: str) -> ValueType:
        if text.startswith("{") and text.endswith("}"):
            return one_of(text[1:-1].replace("|", " "))
        if "|" in text:
            return either(*(self._type(part) for part in text.split("|")))
        if text.endswith("+"):
            return listed(self._type(text[:-1]))
        known = self._profile.types.get(text) or BUILT_IN.get(text)
        return known if known is not None else self._fail(f"no type {text!r}")

    def _fail(self, why: str) -> NoReturn:
        raise ProfileError(f"profile {self._profile.tool}, line {self._line} of its grammar: {why}")


def _with_negations(option: Option) -> list[Option]:
    """`--[no-]verify` is two spellings; the negative one takes no value."""
    if not any("[no-]" in spelling for spelling in option.spellings):
        return [option]
    plain = tuple(spelling.replace("[no-]", "") for spelling in option.spellings)
    negative = tuple(spelling.replace("[no-]", "no-") for spelling in option.spellings if "[no-]" in spelling)
    return [replace(option, spellings=plain), replace(option, spellings=negative, values=(), is_optional=False)]


def _command(profile: Profile, node: _Node, inherited: Mapping[str, Option]) -> Command:
    own = _scope(node.common, inherited)
    forms = tuple(
        Form(
            section.preset or Preset.ADMIN,
            _scope(section.options, own),
            section.operands,
            section.after,
            tuple(section.needs),
        )
        for section in node.forms
    )
    _verify_forms(node, forms)
    leading = own if not forms or not node.children else forms[0].scope
    passed_on: Mapping[str, Option] = leading if profile.syntax.inherit else {}
    built: dict[int, Command] = {}
    children: dict[str, Command] = {}
    for name, child in node.children.items():
        if id(child) not in built:
            built[id(child)] = _command(profile, child, passed_on)
        children[name] = built[id(child)]
    return Command(node.path, forms, leading, MappingProxyType(children), node.denied)


def _scope(options: list[Option], inherited: Mapping[str, Option]) -> Mapping[str, Option]:
    """A later line takes the place of an earlier one: a bundle first, then what differs."""
    return MappingProxyType(dict(inherited) | {spelling: option for option in options for spelling in option.spellings})


def _verify_forms(node: _Node, forms: tuple[Form, ...]) -> None:
    where = f"profile {node.path[0]}, [{' '.join(node.path[1:])}]"
    if len(forms) > 1 and node.children:
        raise ProfileError(f"{where}: a command with subcommands can have one form only")
    arities: dict[str, tuple[int, bool, bool]] = {}
    for form in forms:
        for spelling, option in form.scope.items():
            if not option.denied and arities.setdefault(spelling, _arity(option)) != _arity(option):
                raise ProfileError(f"{where}: {spelling} takes values in one form and not in another")
        for missing in frozenset().union(*form.needs) - form.scope.keys():
            raise ProfileError(f"{where}: needs {missing}, which is no option of it")


def _arity(option: Option) -> tuple[int, bool, bool]:
    return len(option.values), option.is_optional, option.is_greedy


def _stable(value: object) -> str:
    """A text that is the same for the same value: mappings sorted."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key!r}:{_stable(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, tuple | list):
        return "(" + ",".join(_stable(item) for item in value) + ")"
    fields = getattr(type(value), "__dataclass_fields__", None)
    if fields:
        return type(value).__name__ + "(" + ",".join(f"{name}={_stable(getattr(value, name))}" for name in fields) + ")"
    return repr(value)
