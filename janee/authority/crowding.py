"""How often an agent may be denied: nobody fills the disk or keeps the Authority busy with requests that lead nowhere.

Guarantees: after MAX_DENIALS denials in a minute an agent is refused everything until the minute ends; of those refusals a few
a minute are recorded, then their number. Memory is bounded by the requests of a minute. It never decides and never writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_DENIALS: Final = 600  # a minute
MAX_RECORDED: Final = 3  # refusals of those that were denied too often, a minute


@dataclass(slots=True)
class _Count:
    denied: int = 0
    recorded: int = 0
    left_out: int = 0


class DenialLimit:
    """Counts in memory. crowd: who is counted together. now: seconds since the epoch."""

    def __init__(self) -> None:
        self._minute = -1
        self._counts: dict[str, _Count] = {}

    def is_over(self, crowd: str, now: float) -> bool:
        return self._count(crowd, now).denied >= MAX_DENIALS

    def note(self, crowd: str, now: float) -> None:
        """A denial was made (and recorded)."""
        self._count(crowd, now).denied += 1

    def to_record(self, crowd: str, now: float) -> int | None:
        """None: do not record this refusal. Else how many were not recorded before it, this minute or the last."""
        count = self._count(crowd, now)
        if count.recorded >= MAX_RECORDED:
            count.left_out += 1
            return None
        count.recorded += 1
        left_out, count.left_out = count.left_out, 0
        return left_out

    def _count(self, crowd: str, now: float) -> _Count:
        minute = int(now // 60)
        if minute != self._minute:
            # Who left something out is remembered for one more minute, so that the number comes on record.
            self._counts = {name: _Count(left_out=count.left_out) for name, count in self._counts.items() if count.left_out}
            self._minute = minute
        return self._counts.setdefault(crowd, _Count())
