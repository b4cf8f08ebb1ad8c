"""Finds, at memory speed, where a needle may lie: every needle in a text has a gram of it in or beside a reported place.

How. Every needle contains at least one of a small set of *grams* (8 bytes). Up to 64 short patterns, ahocorasick's leftmost
searchers use SIMD (about 3 GB/s; 0.5 GB/s with any table), so the grams are searched in groups of at most 64. A leftmost
search reports no overlapping hits: a gram that overlaps a reported one of the same group is missed, which is why a window
reaches one gram further than the longest needle of the group.

It never decides that something is a match: the caller looks into the windows with the exact automaton.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

GRAM = 8
"""Bytes of a gram. Longer is rarer in ordinary text; shorter than the shortest usual needle keeps one rule for all."""

_SIMD_PATTERNS = 64
_SIMD_GRAMS = _SIMD_PATTERNS - 4  # with the fillers
_SIMD_GROUPS = 14  # measured: as quick as a table for 840 grams, and it needs no room in the cache that others use too
_SHARED, _SHARED_BY = 4, 16
_MANY_GRAM = 4  # for too many for SIMD: short, so that the table stays in the cache
_DFA_GRAMS = 2000
_SIMD_QUICK = _SIMD_PATTERNS * 4
_SIMD_MOST = _SIMD_GRAMS * _SIMD_GROUPS
_TELLING = 40
_RUN = 2  # SIMD takes eight patterns together: one like "aaab" would make the others be looked at closely on a run of a's
_FEW = 4000  # needles that are worth that

# How telling a byte is: what is rare in logs scores high. Only speed depends on this table.
_RARITY = bytes(
    6 if 65 <= b <= 90 or b in b"+_" else 5 if 48 <= b <= 57 else 0 if b in b" \n\t\r" else 3 if 97 <= b <= 122 else 2
    for b in range(256)
)

# Where three bytes are enough to have one of each pattern (few patterns, or all of digits), the library looks for those bytes
# instead of using SIMD, which is 20 times slower. So there are always four that have nothing in common with others: they
# are in no text (no UTF-8), and a hit would only mean a closer look.
_FILLERS = tuple(bytes([byte]) * GRAM for byte in range(0xF8, 0x100))
_FILLERS_LEAST = 4


class Probe:
    """The gram searchers of one set of needles. Immutable."""

    __slots__ = ("_groups", "is_slow")

    def __init__(self, needles: Sequence[bytes]) -> None:
        """needles: distinct, none empty, sorted by length, shortest first."""
        reach = choose_grams(needles)
        self.is_slow: Final = len(reach) > _SIMD_QUICK
        """Whether it may be slower than looking at the whole text at once."""
        ordered = sorted(reach, key=reach.__getitem__)
        runs = [gram for gram in ordered if len(set(gram[:4])) <= _RUN]
        grams = [gram for gram in ordered if len(set(gram[:4])) > _RUN] if runs else ordered
        # Groups by reach: a long needle (a private key in hexadecimal) must not widen the windows of all the others.
        self._groups = tuple(
            (searcher(group), reach[group[-1]])
            for some in (grams, runs)
            for group in _split(some, few=len(ordered) <= _SIMD_MOST)
        )

    def windows(self, text: bytes, limit: int) -> list[tuple[int, int]] | None:
        """The ranges of `text` outside of which no needle lies, ascending and disjoint.

        None: more than `limit` hits, looking at the whole text is cheaper.
        """
        if len(self._groups) == 1:
            search, reach = self._groups[0]
            hits = search.find_matches_as_indexes(text)
            if not hits:
                return []
            if len(hits) > limit:
                return None
            return _merge((start - reach, end + reach) for _, start, end in hits)
        found: list[tuple[int, int]] = []
        for search, reach in self._groups:
            hits = search.find_matches_as_indexes(text)
            if hits:
                if len(hits) > limit:
                    return None
                found += [(start - reach, end + reach) for _, start, end in hits]
        if len(found) > 1:
            found.sort()
        return _merge(found)


def _split(grams: list[bytes], *, few: bool) -> list[list[bytes]]:
    """`grams` in groups of much the same size; one group if they are too many for SIMD."""
    if not grams:
        return []
    count = -(-len(grams) // _SIMD_GRAMS) if few else 1
    size = -(-len(grams) // count)
    return [grams[at : at + size] for at in range(0, len(grams), size)]


def searcher(grams: Sequence[bytes]) -> BytesAhoCorasick:
    """A leftmost searcher over `grams` (short patterns), of the kind that is fastest for their number."""
    if len(grams) <= _SIMD_GRAMS:  # SIMD does the work, so what is built quickest
        implementation = Implementation.NoncontiguousNFA
    elif len(grams) <= _DFA_GRAMS:
        implementation = Implementation.DFA
    else:  # the other table would leave the cache
        implementation = Implementation.ContiguousNFA
    fillers = _FILLERS[: max(_FILLERS_LEAST, len(_FILLERS) - len(grams))]
    filled = [*grams, *fillers] if 1 < len(grams) <= _SIMD_GRAMS else grams
    return BytesAhoCorasick(filled, MatchKind.LeftmostLongest, implementation)


def choose_grams(needles: Sequence[bytes]) -> dict[bytes, int]:
    """Few grams such that every needle contains one, each with the reach that a window around it needs, in bytes.

    needles: shortest first, so that the windows of one long value (fragments) share the gram in their middle.
    """
    reach: dict[bytes, int] = {}
    if len(needles) <= _FEW:
        for needle in needles:
            gram = needle if len(needle) <= GRAM else _gram_inside(needle, reach)
            reach[gram] = max(reach.get(gram, 0), len(needle))
        if len(reach) <= _SIMD_MOST:
            return reach
        reach = {}
    heads = _shared_heads(needles)
    for needle in needles:
        gram = heads.get(needle[:_SHARED]) or needle[-_MANY_GRAM:]
        reach[gram] = max(reach.get(gram, 0), len(needle))
    return reach


def _shared_heads(needles: Sequence[bytes]) -> dict[bytes, bytes]:
    """First bytes → the gram that all the many needles beginning so have in common (tokens of one maker: `ghp_`)."""
    counts = Counter(needle[:_SHARED] for needle in needles)
    often = {head for head, count in counts.items() if count >= _SHARED_BY and len(head) == _SHARED}
    alike: dict[bytes, list[bytes]] = {}
    for needle in needles if often else ():
        if needle[:_SHARED] in often:
            alike.setdefault(needle[:_SHARED], []).append(needle)
    return {head: _common_start(min(group), max(group))[:GRAM] for head, group in alike.items()}


def _common_start(first: bytes, last: bytes) -> bytes:
    """What the first and the last of a sorted group, hence all of it, begin with."""
    size = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:size]


def _gram_inside(needle: bytes, taken: Mapping[bytes, int]) -> bytes:
    """A gram of `needle`, which is longer than one: one that is `taken` already, or a telling one, if possible its end.

    The end, as output that stops short of a secret (its first half, again and again) is then no hit.
    """
    last = len(needle) - GRAM
    for at in range(last + 1 if last <= 2 * GRAM else 0):  # longer ones are too few to be worth the time
        if needle[at : at + GRAM] in taken:
            return needle[at : at + GRAM]
    if len(set(needle[last : last + 4])) == 1:  # SIMD looks at the first four bytes: a run of them would hit everywhere
        return needle[-4:]
    best = needle[last:]
    score = telling(best)
    if score >= _TELLING or last <= GRAM:
        return best
    for at in (3 * last // 4, last // 2, last // 4, 0):
        now = telling(needle[at : at + GRAM])
        if now > score:
            best, score = needle[at : at + GRAM], now
    return best


def telling(gram: bytes) -> int:
    """How rare `gram` probably is in ordinary text; more is rarer."""
    return sum(gram.translate(_RARITY)) + 2 * len(set(gram))


def _merge(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Clip `ranges` (sorted by start) at 0 and join those that touch."""
    merged: list[tuple[int, int]] = []
    first, last = 0, -1  # no range yet
    for start, end in ranges:
        if 0 <= last >= start:
            last = max(last, end)
        else:
            if last >= 0:
                merged.append((first, last))
            first, last = max(start, 0), end
    if last >= 0:
        merged.append((first, last))
    return merged
