"""Patterns for arguments: a regular expression language that runs in linear time.

Guarantees: a pattern matches the whole argument or nothing; matching takes a bounded number of steps whatever the pattern and
the argument are (a position automaton, Glushkov 1961: no backtracking); `.`, negated classes and `\\D \\W \\S` never match
control, bidirectional or invisible characters: only a pattern that names such a character admits it.

The language: literals, `.`, classes `[a-z0-9_-]` and `[^/]`, `\\d \\w \\s` (ASCII; `\\s` is a blank or a tab), `\\n \\t \\r
\\xHH`, an escaped punctuation mark, groups `(…)` and `(?:…)`, alternatives `|`, repetitions `* + ? {n} {n,} {n,m}`. A leading
`^` and a trailing `$` say what is so anyway. Everything else (look-around, references, lazy repetitions, flags) is an error,
never a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MAX_SOURCE: Final = 1024  # characters of a pattern
MAX_POSITIONS: Final = 4096  # characters and classes after repetitions are written out
MAX_INPUT: Final = 16_384  # characters of an argument that a pattern may look at
MAX_STEPS: Final = 400_000  # of all patterns that one command is compared with: some 50 ms
MAX_NODES: Final = 16 * MAX_POSITIONS  # parts after repetitions are written out, groups and empty ones too
_MASK_STEPS: Final = 4  # what it costs, in steps, to ask one class or range about a character
_MAX_DEPTH: Final = 32
_REPEAT: Final = re.compile(r"\{(\d{1,4})(,(\d{1,4})?)?\}")

Ranges = tuple[tuple[str, str], ...]
_DIGIT: Final[Ranges] = (("0", "9"),)
_WORD: Final[Ranges] = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
_BLANK: Final[Ranges] = ((" ", " "), ("\t", "\t"))
_CLASSES: Final = {"d": _DIGIT, "w": _WORD, "s": _BLANK}
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r"}


class PatternError(ValueError):
    """The pattern is outside the language; the text says where and why."""


def is_plain(character: str) -> bool:
    """Whether a character is visible and harmless: no control, format (bidi, zero width), surrogate or line separator."""
    category = unicodedata.category(character)
    return category[0] != "C" and category not in ("Zl", "Zp")


class TooCostlyError(Exception):
    """The comparison takes more work than one request may cost."""


@dataclass(slots=True)
class Budget:
    """The steps that are left for one request, whatever number of patterns and arguments it has."""

    left: int = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Raises TooCostlyError."""
        self.left -= steps
        if self.left < 0:
            raise TooCostlyError("the command takes too many steps to compare")


@dataclass(frozen=True, slots=True)
class _Class:
    ranges: Ranges
    negated: bool = False

    def has(self, character: str) -> bool:
        found = any(low <= character <= high for low, high in self.ranges)
        return (not found and is_plain(character)) if self.negated else found


# The syntax tree: a class, or ("cat"|"alt", items), or ("rep", item, low, high|None).
@dataclass(frozen=True, slots=True)
class _Group:
    kind: str
    items: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    item: _Node
    low: int
    high: int | None


_Node = _Class | _Group | _Repeat


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern. Sets of positions are integers, one bit a position."""

    source: str
    nullable: bool
    first: int
    last: int
    follow: tuple[int, ...]
    classes: tuple[tuple[_Class, int], ...]  # each class and the positions that it stands at

    def matches(self, text: str, budget: Budget | None = None) -> bool:
        """Whether the whole of `text` matches; a text that is too long does not.

        budget: shared by all that one request asks; TooCostlyError when it is used up. None: one of its own, and a text
        that uses it up does not match.
        """
        if budget is None:
            try:
                return self.matches(text, Budget())
            except TooCostlyError:
                return False
        if not text:
            return self.nullable
        if len(text) > MAX_INPUT:
            return False
        masks: dict[str, int] = {}
        live = self.first
        for character in text[:-1]:
            live &= self._mask(character, masks, budget)
            budget.spend(live.bit_count() + 1)
            if not live:
                return False
            live = self._after(live)
        return bool(live & self._mask(text[-1], masks, budget) & self.last)

    def _mask(self, character: str, masks: dict[str, int], budget: Budget) -> int:
        mask = masks.get(character)
        if mask is None:
            budget.spend(_MASK_STEPS * sum(1 + len(item.ranges) for item, _ in self.classes))
            mask = masks[character] = sum(positions for item, positions in self.classes if item.has(character))
        return mask

    def _after(self, live: int) -> int:
        following = 0
        while live:
            lowest = live & -live
            following |= self.follow[lowest.bit_length() - 1]
            live ^= lowest
        return following


def compile_pattern(source: str) -> Pattern:
    """Compile a pattern. Raises PatternError."""
    if len(source) > MAX_SOURCE:
        raise PatternError(f"the pattern has {len(source)} characters, at most {MAX_SOURCE} are taken")
    return _Automaton().pattern(source, _Parser(source).parse())


class _Parser:
    """Recursive descent; `_at` is the next character's index."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 1 if source.startswith("^") else 0
        self._end = len(source) - 1 if source.endswith("$") and not _is_escaped(source, len(source) - 1) else len(source)

    def parse(self) -> _Node:
        node = self._alternatives(0)
        if self._at < self._end:
            raise self._error("a `)` without its `(`")
        return node

    def _alternatives(self, depth: int) -> _Node:
        if depth > _MAX_DEPTH:
            raise self._error("groups are nested too deeply")
        branches = [self._sequence(depth)]
        while self._take("|"):
            branches.append(self._sequence(depth))
        return branches[0] if len(branches) == 1 else _Group("alt", tuple(branches))

    def _sequence(self, depth: int) -> _Node:
        items: list[_Node] = []
        while self._at < self._end and self._peek() not in "|)":
            items.append(self._repeated(self._atom(depth)))
        return _Group("cat", tuple(items))

    def _repeated(self, item: _Node) -> _Node:
        low_high = self._quantifier()
        if low_high is None:
            return item
        if self._at < self._end and self._peek() in "*+?{":
            raise self._error("a repetition of a repetition (use a group)")
        return _Repeat(item, *low_high)

    def _quantifier(self) -> tuple[int, int | None] | None:
        for sign, low, high in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self._take(sign):
                return low, high
        if self._at >= self._end or self._peek() != "{":
            return None
        found = _REPEAT.match(self._source, self._at, self._end)
        if found is None:
            raise self._error("`{` is no repetition like {2} or {1,40}; write `\\{` for the character")
        self._at = found.end()
        least = int(found[1])
        most = least if found[2] is None else None if found[3] is None else int(found[3])
        if most is not None and most < least:
            raise self._error("the repetition's upper bound is below its lower bound")
        return least, most

    def _atom(self, depth: int) -> _Node:
        character = self._next()
        if character == "(":
            if self._take("?") and not self._take(":"):
                raise self._error("only plain groups (…) and (?:…) are known")
            node = self._alternatives(depth + 1)
            if not self._take(")"):
                raise self._error("a `(` without its `)`")
            return node
        if character == "[":
            return self._class()
        if character == ".":
            return _Class((), negated=True)
        if character == "\\":
            return self._escape()
        if character in "*+?{}^$]":
            raise self._error(f"`{character}` is not a character here; write `\\{character}`")
        return _Class(((character, character),))

    def _escape(self) -> _Class:
        character = self._next()
        if character.lower() in _CLASSES:
            return _Class(_CLASSES[character.lower()], negated=character.isupper())
        literal = self._literal_escape(character)
        return _Class(((literal, literal),))

    def _literal_escape(self, character: str) -> str:
        if character in _CONTROLS:
            return _CONTROLS[character]
        if character == "x" and re.fullmatch(r"[0-9A-Fa-f]{2}", self._source[self._at : self._at + 2]):
            self._at += 2
            return chr(int(self._source[self._at - 2 : self._at], 16))
        if character.isalnum():
            raise self._error(f"`\\{character}` is not known")
        return character

    def _class(self) -> _Class:
        negated = self._take("^")
        ranges: list[tuple[str, str]] = []
        while not self._take("]"):
            ranges.extend(self._class_item())
        if not ranges:
            raise self._error("an empty class")
        return _Class(tuple(ranges), negated)

    def _class_item(self) -> Ranges:
        character = self._next()
        if character == "\\":
            named = self._next()
            if named in _CLASSES:
                return _CLASSES[named]
            low = self._literal_escape(named)
        elif character == "[":
            raise self._error("a `[` inside a class; write `\\[`")
        else:
            low = character
        if self._at + 1 < self._end and self._peek() == "-" and self._source[self._at + 1] != "]":
            self._at += 1
            high = self._next()
            if high == "\\":
                high = self._literal_escape(self._next())
            if high < low:
                raise self._error("a range whose end lies before its start")
            return ((low, high),)
        return ((low, low),)

    def _peek(self) -> str:
        return self._source[self._at]

    def _next(self) -> str:
        if self._at >= self._end:
            raise self._error("it ends too early")
        self._at += 1
        return self._source[self._at - 1]

    def _take(self, character: str) -> bool:
        if self._at < self._end and self._source[self._at] == character:
            self._at += 1
            return True
        return False

    def _error(self, why: str) -> PatternError:
        return PatternError(f"pattern {self._source!r}, character {self._at}: {why}")


def _is_escaped(source: str, index: int) -> bool:
    slashes = len(source[:index]) - len(source[:index].rstrip("\\"))
    return slashes % 2 == 1


@dataclass(frozen=True, slots=True)
class _Part:
    nullable: bool
    first: int
    last: int


_EMPTY: Final = _Part(True, 0, 0)


class _Automaton:
    """Writes the positions of a syntax tree out and links each to those that may follow it."""

    def __init__(self) -> None:
        self._follow: list[int] = []
        self._positions: dict[_Class, int] = {}
        self._nodes = 0

    def pattern(self, source: str, node: _Node) -> Pattern:
        part = self._part(node)
        return Pattern(source, part.nullable, part.first, part.last, tuple(self._follow), tuple(self._positions.items()))

    def _part(self, node: _Node) -> _Part:
        self._nodes += 1
        if self._nodes > MAX_NODES:  # repetitions of what takes no position
            raise PatternError(f"the pattern needs more than {MAX_NODES} parts; use smaller repetitions")
        if isinstance(node, _Class):
            return self._position(node)
        if isinstance(node, _Repeat):
            return self._repeat(node)
        parts = [self._part(item) for item in node.items]
        if node.kind == "alt":
            return _Part(any(p.nullable for p in parts), _union(p.first for p in parts), _union(p.last for p in parts))
        whole = _EMPTY
        for part in parts:
            whole = self._then(whole, part)
        return whole

    def _position(self, item: _Class) -> _Part:
        index = len(self._follow)
        if index >= MAX_POSITIONS:
            raise PatternError(f"the pattern needs more than {MAX_POSITIONS} positions; use smaller repetitions")
        self._follow.append(0)
        self._positions[item] = self._positions.get(item, 0) | (1 << index)
        return _Part(False, 1 << index, 1 << index)

    def _then(self, left: _Part, right: _Part) -> _Part:
        self._link(left.last, right.first)
        return _Part(
            left.nullable and right.nullable,
            left.first | (right.first if left.nullable else 0),
            right.last | (left.last if right.nullable else 0),
        )

    def _repeat(self, node: _Repeat) -> _Part:
        tail = _EMPTY
        if node.high is None:
            loop = self._part(node.item)
            self._link(loop.last, loop.first)
            tail = _Part(True, loop.first, loop.last)
        else:
            # x{0,3} is (x(x(x)?)?)?, so that one position is live at a time.
            for _ in range(node.high - node.low):
                inner = self._then(self._part(node.item), tail)
                tail = _Part(True, inner.first, inner.last)
        for _ in range(node.low):
            tail = self._then(self._part(node.item), tail)
        return tail

    def _link(self, sources: int, targets: int) -> None:
        while sources:
            lowest = sources & -sources
            self._follow[lowest.bit_length() - 1] |= targets
            sources ^= lowest


def _union(sets: Iterable[int]) -> int:
    whole = 0
    for item in sets:
        whole |= item
    return whole
