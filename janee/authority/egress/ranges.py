"""Answers in parts: a part is looked at with what stands around it, so that no secret comes out in halves. Pure.

Guarantees: a part is asked for with a margin on both sides, longer than anything that the scrubber looks for; only if nothing
at all was found in the part and its margins, the part alone is passed on, at its own place. A secret that lies across the
border of two parts is therefore found in both. What has several parts, or is no plain range of bytes, is asked for whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MARGIN: Final = 64 << 10  # bytes
_ASKED: Final = re.compile(r"bytes=(?P<first>\d{1,15})?-(?P<last>\d{1,15})?")
_GIVEN: Final = re.compile(r"bytes (?P<first>\d{1,15})-(?P<last>\d{1,15})/(?P<total>\d{1,15})")


@dataclass(frozen=True, slots=True)
class Asked:
    """`bytes=first-last`; first None: the `last` bytes at the end; last None: up to the end."""

    first: int | None
    last: int | None
    margin: int

    @property
    def header(self) -> str:
        """What the service is asked for."""
        if self.first is None:
            return f"bytes=-{(self.last or 0) + self.margin}"
        start = max(0, self.first - self.margin)
        return f"bytes={start}-" + ("" if self.last is None else str(self.last + self.margin))


@dataclass(frozen=True, slots=True)
class Part:
    """What of an answer is passed on: `length` bytes after the first `skip`. header: the value of Content-Range."""

    skip: int
    length: int
    header: str


def parse_range(value: str, longest: int) -> Asked | None:
    """What is asked for; None: not a single plain range. longest: bytes of the longest string that is looked for."""
    found = _ASKED.fullmatch(value.strip().lower())
    if found is None or (found["first"] is None and not int(found["last"] or 0)):
        return None
    first, last = (None if found[name] is None else int(found[name]) for name in ("first", "last"))
    if first is not None and last is not None and last < first:
        return None
    return Asked(first, last, max(MARGIN, 4 * longest))


def part_of(asked: Asked, content_range: str) -> Part | None:
    """What to pass on of a 206 answer; None: it is not the answer to what was asked for."""
    found = _GIVEN.fullmatch(content_range.strip().lower())
    if found is None:
        return None
    start, end, total = (int(found[name]) for name in ("first", "last", "total"))
    if not start <= end < total:
        return None
    if asked.first is None:
        first, last = max(0, total - (asked.last or 0)), total - 1
        expected = max(0, total - (asked.last or 0) - asked.margin)
    else:
        first = asked.first
        last = total - 1 if asked.last is None else min(asked.last, total - 1)
        expected = max(0, asked.first - asked.margin)
    expected_end = total - 1 if asked.last is None or asked.first is None else min(asked.last + asked.margin, total - 1)
    if (start, end) != (expected, expected_end) or not first <= last:
        return None
    return Part(first - start, last - first + 1, f"bytes {first}-{last}/{total}")
