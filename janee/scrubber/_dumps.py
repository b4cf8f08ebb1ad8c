"""The lines that `xxd`, `od` and `hexdump` write, read as one line of digits (or characters, `od -c`).

Only their usual layouts, and only from an offset that begins with `0000` on, line after line: anything else is ordinary text.
Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ._views import View

_LINE_END: Final = rb"(?=\n|\Z)"
_LINES: Final = (
    re.compile(rb"[0-9a-f]{8}: ((?:[0-9a-fA-F]{2,32}(?: |" + _LINE_END + rb"))+)(?: [^\n]{1,80})?" + _LINE_END),  # xxd
    re.compile(rb"[0-9a-f]{8}  ((?:[0-9a-fA-F]{2}(?:  ?|" + _LINE_END + rb"))+) *\|[^\n]{0,17}\|" + _LINE_END),  # hexdump -C
    re.compile(  # od, hexdump: words in any base, floating point numbers
        rb"[0-9a-f]{6,8}((?: +-?[0-9a-fA-F][0-9a-fA-F.+-]{1,25})+)(?: *>[^\n]{0,17}<)? *" + _LINE_END
    ),
    re.compile(rb"[0-9a-f]{6,7}((?: (?:  [!-~]| \\[0-9a-z]|[0-7]{3}|   ))+)" + _LINE_END),  # od -c, hexdump -c
)
_BEGUN: Final = re.compile(rb"[0-9a-f]{1,8}(?::?(?: [^\n]{0,150})?)?\Z")
_LONGEST: Final = 160
_BLANKS: Final = re.compile(rb" +")
_SIGNS: Final = re.compile(rb"[ .+-]+")
_NUMBERS: Final = re.compile(rb"(?: *-?[0-9a-fA-F][0-9a-fA-F.+-]+)+ *" + _LINE_END)
_OFFSET: Final = b"0000"

MID_LINE, LINE_START, AFTER_DUMP = range(3)
"""What stands in front of a text: a part of its first line; an ordinary line, or nothing; a line of a dump."""


@dataclass(frozen=True, slots=True)
class Dumps:
    """The dump lines of a text.

    lines: their places, without line ends. digits: in each, the columns. begun: where an unfinished one starts, or the length.
    """

    lines: tuple[tuple[int, int], ...]
    digits: tuple[tuple[int, int], ...]
    begun: int

    def view(self, text: bytes) -> View:
        """`text` with its dumps as digits only, each on one line."""
        return View(text, self._removed(text))

    def _removed(self, text: bytes) -> Iterator[tuple[int, int]]:
        last = -2  # no line before the first
        for (start, end), (first, stop) in zip(self.lines, self.digits, strict=True):
            # The line end in front goes too if a dump line stands before it.
            yield (start - 1 if start - 1 == last else start), first
            between = _SIGNS if _NUMBERS.match(text, first, stop) else _BLANKS
            for blank in between.finditer(text, first, stop):
                yield blank.span()
            yield stop, end
            last = end

    def line_at(self, at: int) -> tuple[int, int] | None:
        """The dump line that byte `at` belongs to, its line end included."""
        return next((line for line in self.lines if line[0] <= at <= line[1]), None)


NO_DUMPS: Final = Dumps((), (), 0)


def dumps(text: bytes, before: int, *, ended: bool) -> Dumps:
    """Find them. before: MID_LINE, LINE_START or AFTER_DUMP. ended: the last line is complete without a line end."""
    lines: list[tuple[int, int]] = []
    digits: list[tuple[int, int]] = []
    begun = len(text)
    at, in_dump = 0, before == AFTER_DUMP
    if before == MID_LINE:
        at = text.find(b"\n") + 1 or len(text)
    while at < len(text):
        if not in_dump and not text.startswith(_OFFSET, at):
            at = text.find(b"\n" + _OFFSET, max(at - 1, 0)) + 1
            if at == 0:
                at = text.rfind(b"\n") + 1
                if not ended and _OFFSET.startswith(text[at:]) and (at or before != MID_LINE):
                    begun = at
                break
        end = text.find(b"\n", at)
        if end < 0 and not ended:
            if _BEGUN.match(text, at):
                begun = at
            break
        end = len(text) if end < 0 else end
        match = next((found for line in _LINES if (found := line.match(text, at, end))), None) if end - at <= _LONGEST else None
        in_dump = match is not None
        if match is not None:
            lines.append((at, end))
            digits.append(match.span(1))
        at = end + 1
    return Dumps(tuple(lines), tuple(digits), begun)
