"""config.yaml as a tree with line numbers.

Guarantees: a tree without anchors, aliases, tags, merge keys or duplicate keys, with bounded depth and size; every node knows
its line. Scalars stay text until a field says what it wants: no `no` turns into False, no `1e3` into a number by surprise.
It never quotes a value in an error: a value in the wrong place may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

MAX_DEPTH: Final = 24
MAX_NODES: Final = 50_000


class InvalidYamlError(Exception):
    """What is wrong, where (line: from 1), and the fix."""

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Scalar:
    text: str
    plain: bool  # written without quotes
    line: int

    @property
    def is_null(self) -> bool:
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    items: tuple[tuple[Scalar, Node], ...]
    line: int

    def get(self, key: str) -> Node | None:
        return next((node for name, node in self.items if name.text == key), None)


Node = Scalar | Sequence | Mapping


def parse_yaml(text: str) -> Node:
    """Parse one document; an empty one is an empty Mapping. Raises InvalidYamlError."""
    # imported here: `janee --help` and others that read no configuration do not pay for it
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return _Builder(iter(YAML(typ="safe", pure=True).parse(text))).document()
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidYamlError(
            line, f"not valid YAML: {(error.problem or 'syntax error')[:120]}", "correct the syntax"
        ) from None
    except YAMLError:
        raise InvalidYamlError(
            1, "not valid YAML: it holds characters that YAML does not allow", "remove control characters"
        ) from None


class _Builder:
    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._nodes = 0

    def document(self) -> Node:
        from ruamel.yaml import events as kinds

        result: Node | None = None
        for event in self._events:
            if isinstance(event, kinds.DocumentStartEvent) and result is not None:
                raise InvalidYamlError(_line(event), "a second document begins here", "keep one document in the file")
            if isinstance(event, kinds.NodeEvent):
                result = self._node(event, 0)
        return result if result is not None else Mapping((), 1)

    def _node(self, event: Any, depth: int) -> Node:
        from ruamel.yaml import events as kinds

        self._nodes += 1
        line = _line(event)
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise InvalidYamlError(
                line, f"nested deeper than {MAX_DEPTH} levels or more than {MAX_NODES} values", "make it smaller"
            )
        if isinstance(event, kinds.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise InvalidYamlError(
                line, "anchors and aliases (& and *) are not accepted", "write the value out; quote a leading *"
            )
        if getattr(event, "tag", None) is not None:
            raise InvalidYamlError(line, "tags (!) are not accepted", "remove the tag; quote a leading !")
        if isinstance(event, kinds.ScalarEvent):
            return Scalar(event.value, event.style is None, line)
        if isinstance(event, kinds.SequenceStartEvent):
            return Sequence(tuple(self._children(kinds.SequenceEndEvent, depth)), line)
        return self._mapping(line, depth, kinds.MappingEndEvent)

    def _children(self, end: type, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), end):
            yield self._node(event, depth + 1)

    def _mapping(self, line: int, depth: int, end: type) -> Mapping:
        items: dict[str, tuple[Scalar, Node]] = {}
        children = self._children(end, depth)
        for key in children:
            value = next(children)
            if not isinstance(key, Scalar):
                raise InvalidYamlError(key.line, "a key must be a plain text", "quote what begins with [ or {")
            if key.text == "<<":
                raise InvalidYamlError(key.line, "merge keys (<<) are not accepted", "write the values out")
            if key.text in items:
                first = items[key.text][0].line
                raise InvalidYamlError(key.line, f"{shown(key.text)} appears twice, first in line {first}", "keep one of them")
            items[key.text] = (key, value)
        return Mapping(tuple(items.values()), line)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def shown(key: str) -> str:
    """A key as an error shows it: cut, printable."""
    return repr(ascii(key)[1:-1][:60])
