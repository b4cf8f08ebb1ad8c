"""Looks at a text in every view: where matches lie in the text itself, and from where on it must be kept or held back.

Guarantees: what it reports depends on the text, not on where chunks were cut; a match in a view covers all bytes of the text
between its first and its last, colours and line ends included.

A match across line ends that has fewer than `LEAD` bytes before its first line end is masked from its fifth byte on: to hold back
every line that ends in the first letter of a secret would delay most lines of a log.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from . import _views as views
from ._matcher import Matcher, Span
from ._views import View

LEAD: Final = 4

Masked = tuple[int, int, int, int]
"""(start, end, owners, mask): a match start..end of the text, of which mask..end is not written."""


class Sight(NamedTuple):
    """masked: ascending, disjoint. cut: up to here the text may be written; keep: from here on it is needed again (≤ cut)."""

    masked: list[Masked]
    cut: int
    keep: int


@dataclass(frozen=True, slots=True)
class Seer:
    """terminal, wrapped: which views to look at besides the text itself."""

    matcher: Matcher
    terminal: bool
    wrapped: bool

    @property
    def furthest(self) -> int:
        """Bytes of text over which one match may stretch, with all that a view leaves out."""
        return 4 * self.matcher.longest + 1024

    def look(self, text: bytes, spans: list[Span], covered: int, *, ended: bool) -> Sight:
        """spans: the matches in the text itself. covered: bytes at its start under a marker already written. ended: no more comes."""
        size = len(text)
        whole = size if ended or not self.terminal else views.pending(text)
        view = views.terminal(text) if self.terminal else None
        shown = text if view is None else view.shown
        joined = _joined(shown) if self.wrapped else None
        more: list[Masked] = []
        if view is not None:
            more += self._seen(text, spans, view, self._found(shown))
        if joined is not None:
            found = self._found(joined)
            if found and not _same(found, spans, text):
                more += self._seen(text, spans, views.without_line_ends(shown, view), found)
        if ended:
            lasts = [None, view, None if joined is None else views.without_line_ends(shown, view)]
            more += (last for seen in lasts if (last := self._unfinished(text, seen)))
        masked = [(start, end, owners, start) for start, end, owners in spans]
        if more:
            masked = _merged(masked + more)
        if ended:
            return Sight(masked, size, size)
        cut = min(whole, size - self.matcher.hold(text))
        if whole < size:
            text = text[:whole]
            view = views.terminal(text)
            shown = text if view is None else view.shown
        if self.terminal:
            cut = min(cut, self._held_before_backspaces(text))
        if joined is None:
            return Sight(masked, cut, cut)
        return Sight(masked, *self._held_across_lines(text, shown, view, max(covered, masked[-1][1] if masked else 0), cut))

    def _found(self, shown: bytes) -> list[Span]:
        found = self.matcher.find(shown)
        return self.matcher.scan(shown) if found is None else found

    def _seen(self, text: bytes, spans: list[Span], view: View, found: list[Span]) -> Iterator[Masked]:
        """The matches of `found` in `view` that are none of the text itself, as places in the text."""
        for span in found:
            for start, end, owners in self.matcher.matches(view.shown, span):
                first, last = view.place(start), view.place(end - 1) + 1
                if end - start < last - first <= self.furthest:
                    mask = self._mask(text, view, start)
                    if mask < last:
                        yield first, last, owners, mask

    def _mask(self, text: bytes, view: View, start: int) -> int:
        """From where on a match that starts at `start` of `view` is masked."""
        first = view.place(start)
        return view.place(start + LEAD) if _has_line_end(text[first : view.place(start + LEAD - 1)]) else first

    def _unfinished(self, text: bytes, view: View | None) -> Masked | None:
        """What the end of the text begins of a needle, if that is enough to be masked."""
        shown = text if view is None else view.shown
        length, owners = self.matcher.unfinished(shown)
        start = len(shown) - length
        if not length:
            return None
        first, mask = (start, start) if view is None else (view.place(start), self._mask(text, view, start))
        return (first, len(text), owners, mask) if mask < len(text) and len(text) - first <= self.furthest else None

    def _held_before_backspaces(self, text: bytes) -> int:
        """Up to where `text` may be written if backspaces may follow and take away what stands at its end."""
        low = (
            max(0, len(text) - self.furthest)
            if b"\x08" in text or b"\x1b" in text
            else max(0, len(text) - self.matcher.longest - LEAD)
        )
        tail = text[low:]
        colours = View(tail, ()) if b"\x1b" not in tail else views.without_sequences(tail)
        stem = colours.shown.rstrip(b"\x08")
        pressed = min(len(colours.shown) - len(stem), views.RUBBED_OUT)
        view = views.rubbed_out(stem, colours)
        shown, cut = view.shown, len(text)
        for gone in range(views.RUBBED_OUT + 1):
            left = len(shown) - gone
            if gone and (left < 0 or not views.is_printable(shown[left])):
                break
            if gone >= pressed or left == 0 or not views.is_printable(shown[left - 1]):
                length = self.matcher.hold(shown[:left])
                if length:
                    cut = min(cut, low + view.place(left - length))
        return cut

    def _held_across_lines(self, text: bytes, shown: bytes, view: View | None, reach: int, cut: int) -> tuple[int, int]:
        """(cut, keep) for matches across line ends. reach: where the last match ends that is known."""
        low = max(0, len(shown) - self.furthest)
        tail = shown[low:]
        joined = _joined(tail)
        keep = cut
        seen: View | None = None
        for length in () if joined is None else self.matcher.suffixes(joined):
            if seen is None:
                seen = views.without_line_ends(tail, None)

            def place(at: int, tail: View = seen) -> int:
                at = low + tail.place(at)
                return at if view is None else view.place(at)

            start = len(seen.shown) - length
            first = place(start)
            if len(text) - first > self.furthest or not _has_line_end(text[first:]):
                continue
            keep = min(keep, first)
            lead = length < LEAD or _has_line_end(text[first : place(start + LEAD - 1)])
            if not lead or first < reach:
                cut = min(cut, first)
            elif length > LEAD:
                cut = min(cut, place(start + LEAD))
        return cut, min(keep, cut)


def _joined(shown: bytes) -> bytes | None:
    """`shown` without its line ends; None: it has none."""
    if b"\n" not in shown and b"\r" not in shown:
        return None
    return shown.replace(b"\n", b"").replace(b"\r", b"")


def _has_line_end(text: bytes) -> bool:
    return b"\n" in text or b"\r" in text


def _same(found: list[Span], spans: list[Span], text: bytes) -> bool:
    """Whether `found`, in the view without line ends, are just `spans`, those of the text.

    Each of `spans` that has no line end in it is found in the view as well; so if they are as long together, there is no more.
    """
    return sum(end - start for start, end, _ in found) == sum(end - start for start, end, _ in spans) and not any(
        _has_line_end(text[start:end]) for start, end, _ in spans
    )


def _merged(matches: list[Masked]) -> list[Masked]:
    """`matches`, overlapping ones made one: masked from the first place where one of them is."""
    matches.sort()
    merged: list[Masked] = []
    for start, end, owners, mask in matches:
        if merged and start < merged[-1][1]:
            first, last, others, place = merged[-1]
            merged[-1] = (first, max(last, end), owners | others, min(place, mask))
        else:
            merged.append((start, end, owners, mask))
    return merged
