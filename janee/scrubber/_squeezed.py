"""A text read as its letters and digits only, in lower case: what stands between them hides nothing.

One view for all separators, line wraps at any width, prefixes of lines, list punctuation, invisible characters and changes of
case: `0x67, 0x68`, `67:68`, `\\x67\\x68` and `%67%68` differ only in what is left out or stands in front of each number.

A value of ordinary words is looked for more strictly (`agrees`): "production database" is not the secret "production-database".
Pure.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Final

from ._matcher import Matcher
from ._views import View

_KEPT: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_OTHERS: Final = bytes(byte for byte in range(256) if byte not in _KEPT)
_LOWER: Final = bytes(byte + 32 if 65 <= byte <= 90 else byte for byte in range(256))
_BLOCK: Final = 512

_RUNS: Final = re.compile(rb"[A-Za-z0-9]+")
_ADJACENT: Final = re.compile(rb"[A-Za-z0-9]{2}")
_LINE_ENDS: Final = re.compile(rb"[\r\n]+")
_PREFIXED_LINE_ENDS: Final = re.compile(rb"[ \t]*[\\=]?[\r\n][\s>#|*]*")


def squeeze(text: bytes) -> bytes:
    """The letters and digits of `text`, in lower case."""
    return text.translate(_LOWER, _OTHERS)


def core(value: bytes) -> bytes:
    """`value` from its first letter or digit to its last."""
    first = _RUNS.search(value)
    return value[first.start() : len(value.rstrip(_OTHERS))] if first else b""


class Squeezed:
    """A view (see `_views.View`) of a text, or of what another view shows of one."""

    __slots__ = ("_counts", "_text", "_under", "shown")

    def __init__(self, text: bytes, under: View | None = None) -> None:
        """under: the view that `text` is what is shown of; None: the text itself."""
        self._text: Final = text
        self._under: Final = under
        self._counts: list[int] = []
        self.shown: Final = squeeze(text)

    def place(self, at: int) -> int:
        """Where byte `at` of what is shown stands in the text."""
        inner = self._inner(at)
        return inner if self._under is None else self._under.place(inner)

    def piece(self, start: int, end: int) -> bytes:
        """What `text` has from byte `start` of what is shown to byte `end - 1` of it."""
        return self._text[self._inner(start) : self._inner(end - 1) + 1]

    def _inner(self, at: int) -> int:
        if not self._counts:
            done = 0
            for block in range(0, len(self._text), _BLOCK):
                self._counts.append(done)
                done += len(self._text[block : block + _BLOCK].translate(None, _OTHERS))
        block = bisect_right(self._counts, at) - 1
        rest = at - self._counts[block]
        for run in _RUNS.finditer(self._text, block * _BLOCK, (block + 1) * _BLOCK):
            size = run.end() - run.start()
            if rest < size:
                return run.start() + rest
            rest -= size
        return len(self._text)


class Loose:
    """What is looked for in squeezed text. Immutable."""

    __slots__ = ("_cores", "_free", "matcher")

    def __init__(self, needles: Mapping[bytes, int], cores: Mapping[bytes, frozenset[bytes]]) -> None:
        """needles: squeezed, with their owners. cores: of the values, for those that are words."""
        self.matcher: Final = Matcher(needles)
        self._cores: Final = cores
        self._free: Final = sorted(needle for needle in needles if needle not in cores) if cores else ()

    @property
    def is_free(self) -> bool:
        """Whether every match counts, without a look at what stands between the letters."""
        return not self._cores

    def is_number(self, needle: bytes) -> bool:
        """Whether `needle` is no words."""
        return needle not in self._cores

    def agrees(self, view: Squeezed, start: int, end: int) -> bool:
        """Whether start..end of `view`, the place of a needle, is a secret."""
        cores = self._cores.get(view.shown[start:end])
        if cores is None:
            return True
        piece = view.piece(start, end)
        return any(_is_spread(piece, value) for value in cores)

    def agrees_unfinished(self, view: Squeezed, start: int) -> bool:
        """The same for the beginning of a needle, at the end of the text."""
        if not self._cores:
            return True
        begun = view.shown[start:]
        at = bisect_left(self._free, begun)
        if at < len(self._free) and self._free[at].startswith(begun):
            return True
        piece = view.piece(start, len(view.shown))
        return any(
            _is_spread(piece, value[: _end_of(value, len(begun))])
            for needle, values in self._cores.items()
            if needle.startswith(begun)
            for value in values
        )


def _end_of(value: bytes, count: int) -> int:
    """Where `count` letters and digits of `value` end."""
    return Squeezed(value)._inner(count - 1) + 1


def _is_spread(piece: bytes, value: bytes) -> bool:
    """Whether `piece` is `value` with line ends in it, or with something behind each letter."""
    if value in (piece, _LINE_ENDS.sub(b"", piece), _PREFIXED_LINE_ENDS.sub(b"", piece)):
        return True
    return _ADJACENT.search(piece) is None and piece.translate(None, _OTHERS) == value.translate(None, _OTHERS)
