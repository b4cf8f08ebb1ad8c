"""What a reader sees in a text, and where each byte of it stands in the text.

Views: without terminal sequences (colours, cursor, titles) and what backspaces take away. Pure; a view of nothing removed costs
nothing. Letters and digits alone: `_squeezed`.

Every rule is local, so that a view of a part is the part of the view, once `pending` bytes at the end are waited for.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

RUBBED_OUT: Final = 4
"""So many characters are taken away by as many backspaces; further ones only vanish."""

_SEQUENCE: Final = re.compile(
    rb"\x1b(?:"
    rb"\[[0-?]{0,64}[ -/]{0,8}[@-~]"  # CSI: colours, cursor
    rb"|\][^\x07\x1b\n]{0,512}(?:\x07|\x1b\\)"  # OSC: titles, links
    rb"|[PX^_][^\x1b\n]{0,512}\x1b\\"
    rb"|[ -/]{1,4}[0-~]"
    rb"|[0-OQ-WYZ\\`-~])"
)
_UNFINISHED: Final = re.compile(
    rb"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|\][^\x07\x1b\n]{0,512}\x1b?|[PX^_][^\x1b\n]{0,512}\x1b?|[ -/]{0,4})?\Z"
)
_LONGEST_SEQUENCE: Final = 520
_BACKSPACES: Final = re.compile(rb"\x08+")
_FIRST_PRINTABLE: Final = 32


class View:
    """`shown`: what is left of a text. Positions of it are turned into positions of the text by `place`."""

    __slots__ = ("_at", "_removed", "_under", "shown")

    def __init__(self, text: bytes, removed: Iterable[tuple[int, int]], under: "View | None" = None) -> None:
        """removed: ascending disjoint ranges of `text`. under: the view that `text` is what is shown of."""
        self._under: Final = under
        self._at: Final[list[int]] = []
        self._removed: Final[list[int]] = []
        pieces: list[bytes] = []
        last = gone = 0
        for start, end in removed:
            pieces.append(text[last:start])
            self._at.append(start - gone)
            gone += end - start
            self._removed.append(gone)
            last = end
        pieces.append(text[last:])
        self.shown: Final = b"".join(pieces)

    def place(self, at: int) -> int:
        """Where byte `at` of what is shown stands in the text."""
        before = bisect_right(self._at, at)
        if before:
            at += self._removed[before - 1]
        return at if self._under is None else self._under.place(at)


def terminal(text: bytes) -> tuple[View, ...]:
    """`text` without terminal sequences, and, if there are backspaces, also without what they take away; (): the same."""
    if b"\x1b" not in text and b"\x08" not in text:
        return ()
    plain = without_sequences(text)
    return (plain, rubbed_out(plain.shown, plain)) if b"\x08" in plain.shown else (plain,)


def without_sequences(text: bytes) -> View:
    return View(text, (match.span() for match in _SEQUENCE.finditer(text)))


def rubbed_out(text: bytes, under: View | None) -> View:
    """`text`, which `under` shows, without backspaces and the printable bytes that they take away."""
    ranges: list[tuple[int, int]] = []
    last = 0
    for run in _BACKSPACES.finditer(text):
        start, end = run.span()
        stop = max(last, start - min(end - start, RUBBED_OUT))
        while start > stop and is_printable(text[start - 1]):
            start -= 1
        ranges.append((start, end))
        last = end
    return View(text, ranges, under)


def sequence_start(text: bytes, at: int) -> int:
    """`at`, or where the terminal sequence begins that byte `at` is inside of."""
    first = at
    before = at
    for _ in range(2):  # the end of one, ESC \, is itself the beginning of one
        before = text.rfind(b"\x1b", max(0, at - _LONGEST_SEQUENCE), before)
        if before < 0:
            break
        match = _SEQUENCE.match(text, before)
        if match is not None and match.end() > at:
            first = before
    return first


def is_printable(byte: int) -> bool:
    return byte >= _FIRST_PRINTABLE and byte != 127


def pending(text: bytes) -> int:
    """Where an unfinished terminal sequence begins at the end of `text`; its length if there is none."""
    first = len(text)
    low = max(0, first - _LONGEST_SEQUENCE)
    at = text.rfind(b"\x1b", low)
    for _ in range(2):  # the end of one, ESC \, is itself the beginning of one
        if at < 0:
            break
        if _UNFINISHED.match(text, at):
            first = at
        at = text.rfind(b"\x1b", low, at)
    return first
