"""What a run of the demo found: values only. How they are printed is the CLI's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from janee.demo.sightings import Sighting


class Verdict(StrEnum):
    DONE = "done"
    FAILED = "FAILED"  # a legitimate job that was not done
    REFUSED = "refused"  # nothing of the secret came back, and the defence meant for this said no
    REDACTED = "redacted"  # the secret was printed, and taken out on its way
    LEAKED = "LEAKED"
    UNEXPECTED = "UNEXPECTED"  # nothing leaked, but not for the reason that the demo wants to show

    @property
    def is_good(self) -> bool:
        return self in (Verdict.DONE, Verdict.REFUSED, Verdict.REDACTED)


@dataclass(frozen=True, slots=True)
class Row:
    """One job or theft. came_back: a short line, free of secrets unless the verdict is LEAKED."""

    name: str
    came_back: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """audit: the records of `janee audit tail --json`, oldest first. leaking_files: those with a secret in them."""

    jobs: tuple[Row, ...]
    thefts: tuple[Row, ...]
    sightings: tuple[Sighting, ...]
    leaking_files: tuple[Path, ...]
    audit: tuple[Mapping[str, Any], ...]
    audit_is_intact: bool
    seconds: float

    @property
    def leaks(self) -> tuple[str, ...]:
        rows = [row.name for row in self.thefts if row.verdict is Verdict.LEAKED]
        processes = [f"the memory of {sighting.role}" for sighting in self.sightings if sighting.is_leak]
        return (*rows, *processes, *(f"the file {path}" for path in self.leaking_files))

    @property
    def failures(self) -> tuple[str, ...]:
        """What did not go as it should, leaks aside."""
        rows = [row.name for row in (*self.jobs, *self.thefts) if row.verdict in (Verdict.FAILED, Verdict.UNEXPECTED)]
        return (*rows, *(() if self.audit_is_intact else ("janee audit verify",)))

    @property
    def is_success(self) -> bool:
        return not self.leaks and not self.failures and bool(self.jobs) and bool(self.thefts)
