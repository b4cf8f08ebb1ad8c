"""One pipe through the scrubber: bytes in, clean bytes out.

Guarantees
- No byte of a match comes out, wherever the chunks are cut; the output does not depend on the chunks, byte for byte.
- Overlapping matches become one marker, adjacent ones one each.
- Held back is only the longest suffix that is a proper prefix of a needle (< the longest needle); a match that reaches into
  it is written at once, and the rest of a chain of overlaps, even an endless one, is only counted. Memory: one chunk + the
  longest needle.
- At the end, a match that is cut off after 8 bytes or half of the needle is masked as well.

Never waits, reads or writes; never decodes; never imports or opens anything after it was built.
"""

from typing import Final

from ._dumps import LINE_START
from ._matcher import Matcher
from ._pace import Pace
from ._seer import Seer, Sight


class StreamScrubber:
    """Made by `Scrubber.stream()`. Not for two threads at once."""

    __slots__ = (
        "_before",
        "_covered",
        "_kept",
        "_marker",
        "_matcher",
        "_names",
        "_open",
        "_pace",
        "_seer",
        "_tally",
        "_written",
        "hits",
    )

    def __init__(self, matcher: Matcher, seer: Seer | None, marker: bytes, names: tuple[str | int, ...]) -> None:
        """seer: None: only the text itself is looked at, in no other view."""
        self._matcher: Final = matcher
        self._seer: Final = seer
        self._marker: Final = marker
        self._names: Final = names
        self._kept = b""  # the end of what was read, as far as it is needed again
        self._written = 0  # so many bytes of _kept are written already
        self._covered = 0  # so many bytes of _kept belong to a marker that is already written
        self._before = LINE_START  # what stands in front of _kept
        self._open = 0  # owners of the marker written last, which may still grow
        self._pace: Final = Pace(matcher)
        self._tally: dict[int, int] = {}
        self.hits = 0
        """Markers written: one for each merged span."""

    def __repr__(self) -> str:
        return f"StreamScrubber(held={self.held}, hits={self.hits})"

    @property
    def held(self) -> int:
        """Bytes read that are not written yet, because they may be the start of a secret."""
        return len(self._kept) - self._written

    @property
    def hits_by_secret(self) -> dict[str | int, int]:
        """Markers in which each secret (by name, else by index) took part; secrets that never matched are left out."""
        counts: dict[str | int, int] = {}
        tally = dict(self._tally)
        if self._open:
            tally[self._open] = tally.get(self._open, 0) + 1
        for mask, count in tally.items():
            rest = mask
            while rest:
                low = rest & -rest
                name = self._names[low.bit_length() - 1]
                counts[name] = counts.get(name, 0) + count
                rest ^= low
        return counts

    def feed(self, data: bytes) -> bytes:
        """Take `data`, the next bytes of the pipe; return the clean bytes that are now certain."""
        text = self._kept + data if self._kept else bytes(data)
        if not text:
            return b""
        spans = self._pace.find(text)
        if self._seer is None:
            cut = len(text) - self._matcher.hold(text)
            sight = Sight([(start, end, owners, start) for start, end, owners in spans] if spans else [], cut, cut)
        else:
            sight = self._seer.look(text, spans, self._covered, self._before, ended=False)
        return self._emit(text, sight)

    def finish(self) -> bytes:
        """The pipe has ended: return the last clean bytes. After that the object is as new, but for its counts."""
        text = self._kept
        seer = self._seer or Seer(self._matcher)
        last = (
            self._emit(text, seer.look(text, self._pace.find(text), self._covered, self._before, ended=True)) if text else b""
        )
        self._close()
        self._covered = 0
        self._before = LINE_START
        return last

    def _emit(self, text: bytes, sight: Sight) -> bytes:
        """Write `text` up to the cut with what was seen masked; a match that begins before the cut is written whole, now."""
        masked, cut, keep, self._before = sight
        out: list[bytes] = []
        covered = self._covered
        at = max(covered, self._written)
        for _, end, owners, mask in masked:
            if mask < covered:
                if end > covered:  # more of the marker that is already written
                    self._open |= owners
                    covered = end
                    at = max(at, end)
                continue
            if mask >= cut:
                break
            self._close()
            self._open = owners
            self.hits += 1
            out.append(text[at:mask])
            out.append(self._marker)
            at = covered = end
        if at < cut:
            out.append(text[at:cut])
        self._kept = text[keep:]
        self._written = cut - keep
        self._covered = max(0, covered - keep)
        return b"".join(out)

    def _close(self) -> None:
        if self._open:
            self._tally[self._open] = self._tally.get(self._open, 0) + 1
            self._open = 0
