"""What was asked for, as the audit log has it: the command lines and requests that were decided.

Guarantees: nothing is read as it was not recorded. A line that was too long to be recorded whole, or from which the scrubber
took something, is unusable: a decision about it would be one about another line. It never decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from janee.cli._times import parse_since
from janee.config.file import JaneeHome

MAX_RECORDS: Final = 1_000_000
_MARKER: Final = "[REDACTED]"
_CUT: Final = "…"  # in what was too long to be recorded whole
_DECIDED: Final = frozenset({"exec.decided", "execute.decided"})
_ASKED: Final = frozenset({"exec.requested", "execute.requested"})


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decision on record. given: the case, in the form of `policy test`; None: unusable. time: RFC 3339."""

    time: str
    was_allowed: bool
    given: dict[str, Any] | None


def recorded(home: JaneeHome, since: str | None) -> Iterator[Recorded]:
    """The decisions since then (all: None), newest first. Raises UsageError, StoreError."""
    from janee.authority.reading import as_record, open_for_reading, rows_newest_first

    earliest = parse_since(since) if since else ""
    waiting: dict[str, dict[str, Any]] = {}  # decided; what was asked stands before it in the log
    with open_for_reading(home) as connection:
        for count, row in enumerate(rows_newest_first(connection)):
            record = as_record(row)
            time = str(record.get("time", "~"))
            if time < earliest or count >= MAX_RECORDS:
                break
            event, request = record.get("event"), _key(record)
            if event in _DECIDED:
                waiting[request] = record
            elif event in _ASKED and request in waiting:
                yield _case(waiting.pop(request), record)
    yield from (_case(record, {}) for record in waiting.values())


def _key(record: dict[str, Any]) -> str:
    return "\0".join(str(record.get(name)) for name in ("runner", "requestId", "grantId", "capability"))


def _case(decided: dict[str, Any], asked: dict[str, Any]) -> Recorded:
    """A decision and its request as one. asked: empty for a refusal that has no record of its own for the request."""
    facts = asked | decided
    given: dict[str, Any] = {"capability": facts.get("capability")}
    command, method, path = facts.get("command"), facts.get("method"), facts.get("path")
    if isinstance(command, list):
        given["argv"] = command
    else:
        given |= {"method": method, "path": path}
    given |= {name: facts[name] for name in ("agent", "cwd", "reason") if isinstance(facts.get(name), str)}
    texts = [value for item in given.values() for value in (item if isinstance(item, list) else [item])]
    is_whole = "commandSha256" not in facts and not any(_CUT in str(given.get(name, "")) for name in ("path", "cwd"))
    is_usable = is_whole and "agent" in given and all(isinstance(text, str) and _MARKER not in text for text in texts)
    return Recorded(str(decided.get("time", "")), decided.get("decision") == "allow", given if is_usable else None)
