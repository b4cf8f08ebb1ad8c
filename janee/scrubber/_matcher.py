"""Exact matching of a set of needles in bytes.

Guarantees: `find` reports the union of ALL occurrences of ALL needles, overlapping ones merged; `hold` is the longest suffix
that can still become one. Both are exact: speed comes from looking only where a needle can lie, never from looking less
closely.

Never keeps state between calls: chunks and what is held back are the stream's business. Never shows a needle in its repr.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from ._probe import Probe

_DFA_BYTES: Final = 1_500
"""Above this many needle bytes a DFA's table leaves the cache: measured with 800 tokens of 40 bytes on concatenated
prefixes, DFA 8 MB/s, contiguous NFA 390."""

_NEAR: Final = 64
"""Up to this many bytes from the end every needle's head is looked for; beyond, only those of the longer needles."""

_HEAD: Final = 4
_FAR_HEAD: Final = 8

UNFINISHED_BYTES: Final = 8
"""At the end of a stream, a needle cut off after so many bytes is masked as well (or after half of it, if that is less)."""


Span = tuple[int, int, int]
"""A merged match (start, end, owners): bytes start..end of the text; bit i of owners is set for secret i. A plain tuple:
one is made for every hit."""


class Matcher:
    """All occurrences of a set of needles, and the suffix that may yet become one. Immutable once built."""

    __slots__ = ("_exact", "_far", "_heads", "_needles", "_owners", "_probe", "_short", "_sorted", "_starts", "longest")

    longest: Final[int]

    def __init__(self, needles: Mapping[bytes, int]) -> None:
        """needles: each (not empty) with the bit set of the secrets that it belongs to. No needles: nothing ever matches."""
        self._needles: Final = sorted(needles, key=len)
        self._owners: Final = [needles[needle] for needle in self._needles]
        self.longest = len(self._needles[-1]) if self._needles else 0
        self._probe: Final = Probe(self._needles)
        self._exact: BytesAhoCorasick | None = None
        self._sorted: Final = sorted(self._needles)
        self._short: Final = tuple(needle for needle in self._needles if len(needle) < 2 * UNFINISHED_BYTES)
        heads = {needle[:_HEAD] for needle in self._needles}
        self._starts: Final = frozenset(head[:size] for size in range(1, _HEAD) for head in heads if len(head) > size)
        self._heads: Final = _overlapping({needle[:_HEAD] for needle in self._needles if len(needle) > _HEAD})
        self._far: Final = _overlapping({needle[:_FAR_HEAD] for needle in self._needles if len(needle) > _NEAR})

    def __repr__(self) -> str:
        return f"Matcher({len(self._needles)} needles)"

    @property
    def is_large(self) -> bool:
        """Whether `scan` may be quicker than `find`, on some texts."""
        return self._probe.is_slow

    @property
    def is_built(self) -> bool:
        """Whether the automaton of all needles is there."""
        return self._exact is not None

    def scan(self, text: bytes) -> list[Span]:
        """Every maximal run of overlapping matches in `text`, ascending. Runs that only touch stay separate."""
        return self._merged(self._exactly().find_matches_as_indexes(text, True), 0) if self._needles else []

    def find(self, text: bytes) -> list[Span] | None:
        """The same as `scan`, usually ten times faster; None: `text` is so dense with hits that `scan` is the better way."""
        if not self._needles:
            return []
        windows = self._probe.windows(text, 16 + (len(text) >> 9))
        if windows is None:
            return None
        if not windows:
            return []
        exact = self._exactly()
        spans: list[Span] = []
        for start, end in windows:
            matches = exact.find_matches_as_indexes(text[start:end], True)
            if len(matches) == 1:
                index, at, stop = matches[0]
                spans.append((start + at, start + stop, self._owners[index]))
            elif matches:
                spans += self._merged(matches, start)
        return spans

    def _merged(self, matches: list[tuple[int, int, int]], offset: int) -> list[Span]:
        """Merge `matches` (sorted by end), from the last: what overlaps a run then only extends its start."""
        owners = self._owners
        spans: list[Span] = []
        first = -1
        last = mask = 0
        for index, start, end in reversed(matches):
            if end > first >= 0:
                if start < first:
                    first = start
                mask |= owners[index]
            else:
                if first >= 0:
                    spans.append((first + offset, last + offset, mask))
                first, last, mask = start, end, owners[index]
        if first >= 0:
            spans.append((first + offset, last + offset, mask))
        spans.reverse()
        return spans

    def matches(self, text: bytes, span: Span) -> list[Span]:
        """The single matches that make up `span`, which is one that `find` reported of `text`."""
        first, last, _ = span
        found = self._exactly().find_matches_as_indexes(text[first:last], True)
        return [(first + start, first + end, self._owners[index]) for index, start, end in found]

    def hold(self, text: bytes) -> int:
        """Length of the longest suffix of `text` that is a proper prefix of a needle; 0 if there is none."""
        return next(self.suffixes(text), 0)

    def hold_rubbed(self, text: bytes, most: int) -> int:
        """The longest `hold` of `text` without the last 0 to `most` bytes, counted from the end of the whole `text`.

        In one pass, as it is asked of every chunk: what stands at the end may be taken away by backspaces.
        """
        size = len(text)
        best = 0
        for searcher, head, base, stop in (
            (self._far, _FAR_HEAD, size - most - self.longest + 1, size - _NEAR + _FAR_HEAD),
            (self._heads, _HEAD, size - most - min(_NEAR, self.longest) + 1, size),
        ):
            if searcher is None or stop <= 0:
                continue
            first = max(0, base)
            for _, start, _ in searcher.find_matches_as_indexes(text[first:stop], True):
                at = first + start
                if size - at <= best:
                    break
                if any(self.is_prefix(text[at:end]) for end in range(size, max(size - most, at + head) - 1, -1)):
                    best = size - at
                    break
        for back in range(min(size, most + _HEAD - 1), best, -1):
            at = size - back
            if any(text[at : at + length] in self._starts for length in range(max(1, back - most), min(_HEAD, back + 1))):
                return back
        return best

    def suffixes(self, text: bytes) -> Iterator[int]:
        """Lengths of all suffixes of `text` that are proper prefixes of needles, the longest first."""
        size = len(text)
        if self._far is not None and size >= _NEAR:
            base = max(0, size - self.longest + 1)
            for _, start, _ in self._far.find_matches_as_indexes(text[base : size - _NEAR + _FAR_HEAD], True):
                if self.is_prefix(text[base + start :]):
                    yield size - base - start
        base = max(0, size - min(_NEAR, self.longest) + 1)
        if self._heads is not None:
            for _, start, _ in self._heads.find_matches_as_indexes(text[base:], True):
                if self.is_prefix(text[base + start :]):
                    yield size - base - start
        for length in (3, 2, 1):
            if text[-length:] in self._starts and length <= size:
                yield length

    def is_prefix(self, start: bytes) -> bool:
        """Whether `start` is a proper prefix of a needle."""
        needles = self._sorted
        at = bisect_left(needles, start)
        if at < len(needles) and needles[at] == start:
            at += 1
        return at < len(needles) and needles[at].startswith(start)

    def unfinished(self, text: bytes) -> tuple[int, int]:
        """(length, owners) of the longest suffix of `text` that is enough of a needle to be masked where the stream ends.

        Enough: `UNFINISHED_BYTES`, or half of the needle. (0, 0): none.
        """
        held = self.hold(text)
        for length in range(held, 0, -1):
            suffix = text[-length:]
            if length >= UNFINISHED_BYTES:
                at = bisect_left(self._sorted, suffix)
                begun = [n for n in self._sorted[at : at + 64] if len(n) > length and n.startswith(suffix)]
            else:
                begun = [n for n in self._short if length < len(n) <= 2 * length and n.startswith(suffix)]
            if begun:
                mask = 0
                for needle in begun:
                    mask |= self._owners[self._needles.index(needle)]
                return length, mask
        return 0, 0

    def _exactly(self) -> BytesAhoCorasick:
        """The automaton of all needles, built at the first hit: most grants print no secret, and none should wait for it."""
        if self._exact is None:
            small = sum(map(len, self._needles)) < _DFA_BYTES
            implementation = Implementation.DFA if small else Implementation.ContiguousNFA
            self._exact = BytesAhoCorasick(self._needles, MatchKind.Standard, implementation)
        return self._exact


def _overlapping(patterns: set[bytes]) -> BytesAhoCorasick | None:
    return BytesAhoCorasick(sorted(patterns), MatchKind.Standard, Implementation.NoncontiguousNFA) if patterns else None
