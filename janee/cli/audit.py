"""`janee audit`: reading, verifying and exporting the audit log."""

from __future__ import annotations

import contextlib
import select
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from janee.cli._home import current_home
from janee.cli._options import json_option
from janee.cli._output import note, print_json, say, warn
from janee.cli._times import parse_since
from janee.errors import JaneeError, StoreError, UsageError

if TYPE_CHECKING:
    import sqlite3

FOLLOW_POLL_MS: Final = 200
MAX_TAIL: Final = 1_000_000
_SHOWN_FIRST: Final = ("agent", "runner", "capability", "decision", "reasonCode", "outcome", "exitCode")
_NOT_SHOWN: Final = frozenset({"seq", "time", "event", "prev", "hash", "signature", "signedHash", "requestId", "agentClaimed"})

Record = Mapping[str, Any]
Filter = Callable[[Record], bool]


@click.group(name="audit")
def command() -> None:
    """Read and verify the audit log."""


def _filters(function: Any) -> Any:
    for option in (
        click.option("--since", metavar="TIME", help="From then on: 10m, 2h, 7d (ago), 2026-02-23, 2026-02-23T10:00:00Z."),
        click.option("--denied", is_flag=True, help="Only denials."),
        click.option("--grant", "grant_id", metavar="ID", help="Only this grant."),
        click.option("--runner", metavar="NAME", help="Only this Runner."),
        click.option("--capability", metavar="NAME", help="Only this capability."),
        click.option("--agent", metavar="ID", help="Only this agent."),
        click.option(
            "--event", "events", multiple=True, metavar="EVENT", help="Only this event, for example exec.decided or exec.*"
        ),
    ):
        function = option(function)
    return function


@command.command()
@click.option("-n", "--lines", type=click.IntRange(0, MAX_TAIL), default=20, show_default=True, help="How many records.")
@click.option("-f", "--follow", is_flag=True, help="Go on with new records as they come, until interrupted.")
@_filters
@json_option
def tail(lines: int, follow: bool, as_json: bool, **filters: Any) -> None:
    """Show the last records, oldest first. --json: one record a line, as recorded, with its hash."""
    from janee.authority.reading import as_record, open_for_reading, rows_newest_first

    matches, earliest = _matcher(**filters), parse_since(filters["since"]) if filters["since"] else ""
    show = _show_json if as_json else _show_line
    with open_for_reading(current_home()) as connection:
        found: list[Record] = []
        newest = 0
        connection.execute("BEGIN")
        for row in rows_newest_first(connection):
            newest = max(newest, row.seq)
            if len(found) >= lines:
                break
            record: Record = as_record(row)
            if str(record.get("time", "~")) < earliest:
                break
            if matches(record):
                found.append(record)
        connection.execute("COMMIT")
        for record in reversed(found):
            show(record)
        if follow:
            _follow(connection, newest, matches, show)
        elif not found:
            note("no records")


def _follow(connection: sqlite3.Connection, newest: int, matches: Filter, show: Callable[[Record], None]) -> None:
    from janee.authority.audit import Corrupt
    from janee.authority.reading import as_record, rows_after

    sys.stdout.flush()
    reader = select.poll()
    with contextlib.suppress(OSError, ValueError):  # a stdout without a descriptor
        reader.register(sys.stdout.fileno(), 0)  # nothing but POLLERR: the reader of the pipe has gone (poll(2))
    while not reader.poll(FOLLOW_POLL_MS):
        for row in rows_after(connection, newest):
            if isinstance(row, Corrupt):
                raise StoreError("STORE_DAMAGED", f"record {row.seq} {row.problem}", "see: janee audit verify")
            newest = row.seq
            if matches(record := as_record(row)):
                show(record)
                sys.stdout.flush()


def _matcher(
    *,
    events: tuple[str, ...],
    agent: str | None,
    capability: str | None,
    runner: str | None,
    grant_id: str | None,
    denied: bool,
    since: str | None,
) -> Filter:
    """since: taken care of by whoever walks the log: it ends there."""
    wanted = {"agent": agent, "capability": capability, "runner": runner, "grantId": grant_id}
    equal = {field: value for field, value in wanted.items() if value is not None}

    def matches(record: Record) -> bool:
        event = str(record.get("event", ""))
        if events and not any(event == name or (name.endswith(".*") and event.startswith(name[:-1])) for name in events):
            return False
        if denied and record.get("decision") != "deny":
            return False
        return all(record.get(field) == value for field, value in equal.items())

    return matches


def _show_json(record: Record) -> None:
    print_json(record, indent=None)


def _show_line(record: Record) -> None:
    names = [name for name in _SHOWN_FIRST if name in record] + sorted(record.keys() - _NOT_SHOWN - set(_SHOWN_FIRST))
    facts = " ".join(f"{name}={_value(record[name])}" for name in names)
    say(f"{record.get('seq', '?'):>6} {str(record.get('time', '?'))[:19]} {record.get('event', '?'):16} {facts}")


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + " ".join(_value(item) for item in value) + "]"
    text = str(value)
    return repr(text) if text == "" or any(char.isspace() for char in text) else text


@command.command()
@click.option(
    "--file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Verify an export instead of the store."
)
@click.option(
    "--public-key", metavar="BASE64", help="With --file: the key that must have signed (default: the one in the export)."
)
@json_option
def verify(file: Path | None, public_key: str | None, as_json: bool) -> None:
    """Verify the whole log: every record, the chain, the signatures, and that its end was not cut off.

    Ends 0 if it is intact, 1 with the first record at fault and what is wrong with it.
    """
    if public_key is not None and file is None:
        raise UsageError("USAGE", "--public-key belongs to --file", "the store's own key is used for the store")
    try:
        answer = _verify_export(file, public_key) if file else _verify_home()
    except StoreError as error:
        if as_json:
            print_json({"ok": False, "seq": None, "problem": error.message, "code": error.code})
        raise
    if as_json:
        print_json(answer)
    if not answer["ok"]:
        where = f"record {answer['seq']}: " if answer["seq"] else ""
        raise JaneeError(
            "AUDIT_BROKEN",
            f"the audit log is not intact: {where}{answer['problem']}",
            "keep the file as evidence, find out who could write it, and restore the newest backup",
        )
    if not answer["anchored"]:
        warn("nothing outside the database remembers how far the log had come: a cut-off end cannot be found")
    if not as_json:
        say(f"intact: {answer['records']} records, {answer['checkpoints']} signed checkpoints, head {answer['head'][:16]}…")


def _verify_home() -> dict[str, Any]:
    from janee.authority.reading import verify_store

    verification = verify_store(current_home())
    return _answer(verification.report, is_anchored=verification.anchor is not None)


def _answer(report: Any, *, is_anchored: bool) -> dict[str, Any]:
    finding = report.finding
    return {
        "ok": report.is_intact,
        "records": report.records,
        "checkpoints": report.checkpoints,
        "lastSeq": report.head_seq,
        "head": report.head_hash,
        "anchored": is_anchored,
        "seq": finding.seq if finding else None,
        "problem": finding.problem if finding else None,
    }


def _verify_export(file: Path, public_key: str | None) -> dict[str, Any]:
    from janee.authority.exporting import verify_export

    with file.open("rb") as lines:
        return _answer(verify_export(lines, public_key), is_anchored=True)


@command.command()
@click.option("--output", "-o", type=click.Path(path_type=Path), help="A file that does not exist yet (default: stdout).")
def export(output: Path | None) -> None:
    """Write the whole log as JSON lines: a header with the store's public key and the log's head, then every record.

    Anybody can verify it: janee audit verify --file FILE --public-key KEY
    """
    from janee.authority.exporting import export_lines
    from janee.authority.store import Store

    home = current_home()
    try:
        with Store.open(home) as store, contextlib.ExitStack() as stack:
            stream = stack.enter_context(output.open("x", encoding="ascii")) if output else sys.stdout
            stream.writelines(f"{line}\n" for line in export_lines(home, store))
    except OSError as error:
        if output is None or isinstance(error, BrokenPipeError):
            raise
        raise UsageError("USAGE", f"{output}: {error.strerror or 'cannot be written'}".lower(), "name a new file") from None
