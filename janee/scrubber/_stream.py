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

from ._matcher import Matcher, Span

_DENSE_CHUNKS: Final = 15


class StreamScrubber:
    """Made by `Scrubber.stream()`. Not for two threads at once."""

    __slots__ = ("_covered", "_dense", "_exact_chunks", "_held", "_marker", "_matcher", "_names", "_open", "_tally", "hits")

    def __init__(self, matcher: Matcher, marker: bytes, names: tuple[str | int, ...]) -> None:
        self._matcher: Final = matcher
        self._marker: Final = marker
        self._names: Final = names
        self._held = b""
        self._covered = 0  # so many bytes of _held belong to a marker that is already written
        self._open = 0  # owners of the marker written last, which may still grow
        self._dense = 0  # chunks for which the probe was last found not worth its time
        self._exact_chunks = 0  # of these, how many are still to come
        self._tally: dict[int, int] = {}
        self.hits = 0
        """Markers written: one for each merged span."""

    def __repr__(self) -> str:
        return f"StreamScrubber(held={len(self._held)}, hits={self.hits})"

    @property
    def held(self) -> int:
        """Bytes read that are not written yet, because they may be the start of a secret."""
        return len(self._held)

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
        text = self._held + data if self._held else bytes(data)
        if not text:
            return b""
        spans = self._find(text)
        cut = len(text) - self._matcher.hold(text)
        if not spans and not self._covered:
            self._held = text[cut:]
            return text[:cut] if self._held else text
        return self._emit(text, spans, cut)

    def finish(self) -> bytes:
        """The pipe has ended: return the last clean bytes. After that the object is as new, but for its counts."""
        text, end = self._held, len(self._held)
        spans = self._find(text) if text else []
        length, owners = self._matcher.unfinished(text) if text else (0, 0)
        if length:
            spans = _with_last(spans, (end - length, end, owners))
        last = self._emit(text, spans, end)
        self._close()
        self._covered = 0
        return last

    def _find(self, text: bytes) -> list[Span]:
        """Matches in `text`, by the way that was better for the chunks before: only the time depends on it."""
        if self._exact_chunks == 0:
            spans = self._matcher.find(text)
            if spans is not None:
                self._dense = 0
                return spans
            self._dense = min(2 * self._dense + 1, _DENSE_CHUNKS)
            self._exact_chunks = self._dense
        else:
            self._exact_chunks -= 1
        return self._matcher.scan(text)

    def _emit(self, text: bytes, spans: list[Span], cut: int) -> bytes:
        """Write `text` up to `cut` with `spans` masked; a span that begins before the cut is written whole, now."""
        out: list[bytes] = []
        at = covered = self._covered
        for start, end, owners in spans:
            if start < covered:  # more of the marker that is already written
                self._open |= owners
                if end > covered:
                    at = covered = end
                continue
            if start >= cut:
                break
            self._close()
            self._open = owners
            self.hits += 1
            out.append(text[at:start])
            out.append(self._marker)
            at = covered = end
        if at < cut:
            out.append(text[at:cut])
        self._held = text[cut:]
        self._covered = max(0, covered - cut)
        return b"".join(out)

    def _close(self) -> None:
        if self._open:
            self._tally[self._open] = self._tally.get(self._open, 0) + 1
            self._open = 0


def _with_last(spans: list[Span], last: Span) -> list[Span]:
    """`spans` with `last`, which reaches to the end of the text, merged into those that it overlaps."""
    start, end, owners = last
    while spans and spans[-1][1] > start:
        start = min(start, spans[-1][0])
        owners |= spans[-1][2]
        spans = spans[:-1]
    return [*spans, (start, end, owners)]
