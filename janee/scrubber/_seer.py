"""Looks at a text in every view: where matches lie in the text itself, and from where on it must be kept or held back.

Guarantees: what it reports depends on the text, not on where chunks were cut; a match in a view covers all bytes of the text
between its first and its last, colours and line ends included.

A match across line ends that has fewer than `LEAD` bytes before its first line end is masked from its sixth letter or digit
on: to hold back every line that ends in the first letter of a secret would delay most lines of a log.

One thing does depend on the chunks: if a backspace takes away the last character of a match that overlaps an earlier one, that
character may be masked already. Never less is masked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from . import _views as views
from ._dumps import AFTER_DUMP, LINE_START, MID_LINE, NO_DUMPS, Dumps, dumps
from ._matcher import Matcher, Span
from ._squeezed import Loose, Squeezed
from ._views import View

LEAD: Final = 5
_LINE_FEED: Final = 10
_BETWEEN: Final = b" \t\r\n,:;|-\\%"  # what a list that was cut off may end with

Masked = tuple[int, int, int, int]
"""(start, end, owners, mask): a match start..end of the text, of which mask..end is not written."""


class Sight(NamedTuple):
    """masked: ascending by `mask`, disjoint from there on. cut: up to here the text may be written; keep: from here on it is
    needed again (≤ cut).

    before: what stands in front of `keep`, for the next look.
    """

    masked: list[Masked]
    cut: int
    keep: int
    before: int = LINE_START


@dataclass(frozen=True, slots=True)
class Seer:
    """terminal, columns: which views to look at besides the text itself. loose: what to look for in squeezed text, or None."""

    matcher: Matcher
    terminal: bool = False
    loose: Loose | None = None
    columns: bool = False

    @property
    def furthest(self) -> int:
        """Bytes of text over which one match may stretch, with all that a view leaves out."""
        return 4 * max(self.matcher.longest, self.loose.matcher.longest if self.loose else 0) + 1024

    def look(self, text: bytes, spans: list[Span], covered: int, before: int, *, ended: bool) -> Sight:
        """What is in `text`. Its last bytes are not final unless it is `ended`.

        spans: the matches in the text itself. covered: bytes at its start under a marker already written.
        before: what stands in front of it (`_dumps`).
        """
        size = len(text)
        # The letters of a sequence that is not complete yet are no text.
        whole = text if ended or not self.terminal else text[: views.pending(text)]
        terminal = views.terminal(whole) if self.terminal else ()
        plain = terminal[0] if terminal else None
        unbroken = whole if plain is None else plain.shown
        flat = Squeezed(unbroken, plain) if self.loose is not None else None
        columns = dumps(text, before, ended=ended) if self.columns else NO_DUMPS
        more: list[Masked] = []
        lasts: list[View | None] = [None, *terminal]
        for view in terminal:
            more += self._seen(text, view, _found(self.matcher, view.shown))
        if flat is not None:
            more += self._seen_loosely(text, flat, spans)
        if columns.lines:
            digits = columns.view(text)
            lasts.append(digits)
            more += self._seen_in_columns(text, columns, digits)
        if ended:
            more += (last for seen in lasts if (last := self._unfinished(text, seen)))
            if flat is not None and (last := self._unfinished_loosely(text, flat)):
                more.append(last)
        masked = [(start, end, owners, start) for start, end, owners in spans]
        if more:
            masked = _merged(masked + more)
        if ended:
            return Sight(masked, size, size)
        cut = keep = self._held(text, whole, plain)
        if self.loose is not None:
            cut, keep = self._held_loosely(self.loose, whole, plain, [(0, covered, 0, 0), *masked], cut)
        if self.columns:
            cut = min(cut, self._held_in_columns(text, columns))
            keep = min(keep, cut)
        for start, _, _, mask in masked:
            if start < keep <= cut <= mask:  # its end is masked later, so it must be found again
                keep = start
        if plain is not None or len(whole) < size:
            keep = views.sequence_start(text, keep)
        return Sight(masked, cut, *_line_start(text, columns, keep, before)) if self.columns else Sight(masked, cut, keep)

    def _seen(self, text: bytes, view: View, found: list[Span]) -> Iterator[Masked]:
        """The matches of `found` in `view` that are none of the text itself, as places in the text."""
        for span in found:
            for start, end, owners in self.matcher.matches(view.shown, span):
                first, last = view.place(start), view.place(end - 1) + 1
                if end - start < last - first <= self.furthest:
                    yield first, last, owners, first

    def _seen_loosely(self, text: bytes, view: Squeezed, known: list[Span]) -> Iterator[Masked]:
        """The matches in squeezed text, as places in the text. known: those of the text itself."""
        if self.loose is None:
            return
        at = 0
        for span in _found(self.loose.matcher, view.shown):
            first, last = view.place(span[0]), view.place(span[1] - 1) + 1
            while at < len(known) and known[at][1] < last:
                at += 1
            if at < len(known) and known[at][0] <= first and known[at][2] & span[2] == span[2]:
                continue
            if self.loose.is_free and last - first <= self.furthest and not _has_line_end(text[first:last]):
                yield first, last, span[2], first
                continue
            for start, end, owners in self.loose.matcher.matches(view.shown, span):
                first, last = view.place(start), view.place(end - 1) + 1
                if last - first <= self.furthest and self.loose.agrees(view, start, end):
                    mask = self._mask(text, view, start)
                    if mask < last:
                        yield first, last, owners, mask

    def _seen_in_columns(self, text: bytes, columns: Dumps, view: View) -> Iterator[Masked]:
        """Matches in dumps. Each reaches to the end of its last line, where the same bytes stand again as characters."""
        for shown, matcher in self._in_columns(view):
            for span in _found(matcher, shown):
                for start, end, owners in matcher.matches(shown, span):
                    first, last = view.place(start), view.place(end - 1) + 1
                    line = columns.line_at(last - 1)
                    if line is None or last - first > self.furthest:
                        continue
                    if matcher is self.matcher or self.loose is None or self.loose.is_number(shown[start:end]):
                        yield first, line[1], owners, first

    def _in_columns(self, view: View) -> Iterator[tuple[bytes, Matcher]]:
        yield view.shown, self.matcher
        if self.loose is not None:  # line ends stay: what stands around a dump does not belong to it
            yield view.shown.lower(), self.loose.matcher

    def _mask(self, text: bytes, view: Squeezed, start: int) -> int:
        """From where on a match that starts at `start` of `view` is masked."""
        first = view.place(start)
        lead = _has_line_end(text[first : view.place(start + LEAD - 1)])
        return view.place(start + LEAD) if lead else first

    def _unfinished(self, text: bytes, view: View | None) -> Masked | None:
        """What the end of the text begins of a needle, if that is enough to be masked."""
        shown = text if view is None else view.shown
        length, owners = self.matcher.unfinished(shown)
        start = len(shown) - length
        if not length:
            return None
        first, last = (start, len(text)) if view is None else (view.place(start), view.place(len(shown) - 1) + 1)
        return (first, last, owners, first) if last <= first + self.furthest else None

    def _unfinished_loosely(self, text: bytes, view: Squeezed) -> Masked | None:
        """The same in squeezed text."""
        length, owners = self.loose.matcher.unfinished(view.shown) if self.loose is not None else (0, 0)
        start = len(view.shown) - length
        if self.loose is None or not length or not self.loose.agrees_unfinished(view, start):
            return None
        first, mask = view.place(start), self._mask(text, view, start)
        last = view.place(len(view.shown) - 1) + 1
        is_cut = not text[last:].strip(_BETWEEN)
        return (first, last, owners, mask) if is_cut and mask < last <= first + self.furthest else None

    def _held(self, text: bytes, whole: bytes, view: View | None) -> int:
        """Up to where `text` may be written, as itself and as a terminal shows it. whole: without an unfinished sequence at
        its end. view: None if the terminal shows `whole` as it is."""
        size = len(text)
        if not self.terminal:
            return size - self.matcher.hold(text)
        if view is not None or len(whole) < size:
            return min(size - self.matcher.hold(text), len(whole), self._held_on_terminal(whole))
        # Backspaces may follow and take away what stands at the end.
        gone = 0
        while gone < min(size, views.RUBBED_OUT) and views.is_printable(text[size - gone - 1]):
            gone += 1
        return size - self.matcher.hold_rubbed(text, gone)

    def _held_on_terminal(self, text: bytes) -> int:
        """The same for a text with terminal sequences or backspaces, none of them unfinished."""
        low = max(0, len(text) - self.furthest)
        colours = views.without_sequences(text[low:])
        stem = colours.shown.rstrip(b"\x08")
        pressed = min(len(colours.shown) - len(stem), views.RUBBED_OUT)
        view = views.rubbed_out(stem, colours)
        shown, cut = view.shown, len(text)
        length = self.matcher.hold(colours.shown)
        if length:
            cut = low + colours.place(len(colours.shown) - length)
        for gone in range(views.RUBBED_OUT + 1):
            left = len(shown) - gone
            if gone and (left < 0 or not views.is_printable(shown[left])):
                break
            if gone >= pressed or left == 0 or not views.is_printable(shown[left - 1]):
                length = self.matcher.hold(shown[:left])
                if length:
                    cut = min(cut, low + view.place(left - length))
        return cut

    def _held_loosely(self, loose: Loose, text: bytes, view: View | None, known: list[Masked], cut: int) -> tuple[int, int]:
        """(cut, keep) for matches in squeezed text. known: the matches that are complete."""
        if view is not None:
            view = views.without_sequences(text)
        shown = text if view is None else view.shown
        low = max(0, len(shown) - self.furthest)
        seen = Squeezed(shown[low:], View(shown, ((0, low),), view))
        size = len(seen.shown)
        keep = cut
        for length in loose.matcher.suffixes(seen.shown):
            start = size - length
            first = seen.place(start)
            if len(text) - first > self.furthest:
                continue
            keep = min(keep, first)
            if not _has_line_end(text[first : seen.place(start + LEAD - 1) if length >= LEAD else None]):
                cut = min(cut, first)
            elif length > LEAD:
                mask = seen.place(start + LEAD)
                cut = min(cut, _end_over(known, mask) or mask)  # in a match it would only prolong that one
        return cut, min(keep, cut)

    def _held_in_columns(self, text: bytes, columns: Dumps) -> int:
        """Up to where `text` may be written if the dump at its end goes on."""
        cut = columns.begun
        if columns.lines and columns.lines[-1][1] + 1 == columns.begun:
            view = columns.view(text[: columns.begun - 1])
            for shown, matcher in self._in_columns(view):
                length = matcher.hold(shown)
                if length:
                    cut = min(cut, view.place(len(shown) - length))
        return cut


def _line_start(text: bytes, columns: Dumps, keep: int, before: int) -> tuple[int, int]:
    """`keep`, or the start of the dump line that it is in, which is read whole or not at all; what stands before."""
    line = columns.line_at(keep)
    if line is not None:
        keep = line[0]
    if keep == 0:
        return keep, before
    if text[keep - 1] != _LINE_FEED:
        return keep, MID_LINE
    return keep, LINE_START if columns.line_at(keep - 1) is None else AFTER_DUMP


def _end_over(known: list[Masked], at: int) -> int:
    """Where the match ends under whose marker byte `at` is; 0: under none."""
    return next((end for _, end, _, mask in reversed(known) if mask <= at < end), 0)


def _found(matcher: Matcher, shown: bytes) -> list[Span]:
    found = matcher.find(shown)
    return matcher.scan(shown) if found is None else found


def _has_line_end(text: bytes) -> bool:
    return b"\n" in text or b"\r" in text


def _merged(matches: list[Masked]) -> list[Masked]:
    """`matches`, made one where what is masked of them overlaps."""
    matches.sort(key=_place_of_mask)
    merged: list[Masked] = []
    for start, end, owners, mask in matches:
        if merged and mask < merged[-1][1]:
            first, last, others, place = merged[-1]
            merged[-1] = (min(first, start), max(last, end), owners | others, place)
        else:
            merged.append((start, end, owners, mask))
    return merged


def _place_of_mask(match: Masked) -> int:
    return match[3]
