"""Which of the matcher's two exact ways through a text is the quicker one for this pipe, found by trying.

Guarantees: what is found is the same by either way; only the time depends on what was chosen. With few needles the probe is
always tried first, and left alone for a while where hits are dense. With many it may be two or three times slower than the
automaton of all needles (on the beginnings of needles, one after the other), or quicker by as much (on logs): so both are
timed, now and then.

Never lets the clock decide anything else; never builds the automaton of all needles only to try it.
"""

from time import perf_counter_ns
from typing import Final

from ._matcher import Matcher, Span

_DENSE_CHUNKS: Final = 15
_TIMED_BYTES: Final = 2048
"""Shorter texts are not worth two looks at the clock."""

_SOON: Final = 2
_LATE: Final = 128
"""Chunks between two trials of the other way: few after a change, four times as many after each trial in vain."""

_SPIKE: Final = 1.25
"""So many times the cost before is the most that is believed of one chunk: the process may have had to wait."""


class Pace:
    """One pipe's choice. Not for two threads at once."""

    __slots__ = ("_cost", "_dense", "_exact_chunks", "_left", "_matcher", "_scans", "_wait")

    def __init__(self, matcher: Matcher) -> None:
        self._matcher: Final = matcher
        self._dense = 0  # chunks for which the probe was last found not worth its time
        self._exact_chunks = 0  # of these, how many are still to come
        self._scans = False  # many needles: the way that was better
        self._cost = 0.0  # what it last took, ns per byte
        self._wait = self._left = _SOON

    def find(self, text: bytes) -> list[Span]:
        """What `Matcher.scan` finds in `text`."""
        if self._matcher.is_large and len(text) >= _TIMED_BYTES:
            return self._timed(text)
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

    def _timed(self, text: bytes) -> list[Span]:
        is_trial = self._left == 0 and self._matcher.is_built
        scans = self._scans is not is_trial
        started = perf_counter_ns()
        spans = None if scans else self._matcher.find(text)
        if spans is None:
            spans = self._matcher.scan(text)
        cost = (perf_counter_ns() - started) / len(text)
        if not is_trial:
            self._cost = min(cost, _SPIKE * self._cost) if self._cost else cost
            self._left = max(0, self._left - 1)
            return spans
        if cost < self._cost:
            self._scans, self._cost, self._wait = scans, cost, _SOON
        else:
            self._wait = min(4 * self._wait, _LATE)
        self._left = self._wait
        return spans
