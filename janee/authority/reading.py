"""Reading the store without its key: the audit log's rows, verification of the whole, which secrets are stored.

Guarantees: a damaged file or row becomes a finding or a StoreError, never a traceback; verification reads one consistent
snapshot while others go on writing. It never writes and never decrypts.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from janee.authority import _anchor, _binding, _database
from janee.authority._guard import forgotten
from janee.authority._rows import GRANT_COLUMNS, RunnerInfoRow, StoredAgent
from janee.authority.audit import Corrupt, Finding, Report, Sealed, verify_log
from janee.config.home import JaneeHome
from janee.errors import StoreError

if TYPE_CHECKING:
    from janee.authority.audit import Anchor
    from janee.authority.vault import Vault

_BATCH: Final = 500


@contextlib.contextmanager
def open_for_reading(home: JaneeHome) -> Iterator[sqlite3.Connection]:
    """A read-only connection to the state database. Raises StoreError, for what goes wrong in the block too."""
    with contextlib.closing(_database.connect_read_only(home.state_db)) as connection, _database.translated(home.state_db):
        yield connection


def stored_fields(connection: sqlite3.Connection) -> Mapping[str, frozenset[str]]:
    """Which fields are stored for each service."""
    result: dict[str, frozenset[str]] = {}
    for service, field in connection.execute("SELECT service, field FROM secrets"):
        result[service] = result.get(service, frozenset()) | {field}
    return result


def store_id(connection: sqlite3.Connection) -> str:
    row = connection.execute("SELECT value FROM meta WHERE name = 'store-id'").fetchone()
    if row is None or not isinstance(row[0], bytes):
        raise StoreError("STORE_FOREIGN", "the state database lacks its identity: it was changed", "restore a backup")
    return row[0].decode("ascii", "replace")


def rows_after(connection: sqlite3.Connection, seq: int | None) -> Iterator[Sealed | Corrupt]:
    """The records after `seq` (None: all), oldest first; ends with a Corrupt if the file cannot be read further."""
    last = seq or 0
    try:
        which = "" if seq is None else "WHERE seq > ?"
        values = () if seq is None else (seq,)
        cursor = connection.execute(f"SELECT seq, record, hash, tag FROM audit {which} ORDER BY seq", values)  # noqa: S608
        while batch := cursor.fetchmany(_BATCH):
            for row in batch:
                last = row[0]
                yield _sealed(row)
    except (sqlite3.Error, UnicodeError) as error:
        yield Corrupt(last + 1, f"cannot be read: the database is damaged ({type(error).__name__})")


def rows_newest_first(connection: sqlite3.Connection) -> Iterator[Sealed | Corrupt]:
    for row in connection.execute("SELECT seq, record, hash, tag FROM audit ORDER BY seq DESC"):
        yield _sealed(row)


def _sealed(row: tuple[Any, ...]) -> Sealed | Corrupt:
    seq, record, digest, tag = row
    if not isinstance(record, str) or not isinstance(digest, str):
        return Corrupt(seq, "does not have the form of a record")
    return Sealed(seq, record, digest, tag)


def as_record(row: Sealed | Corrupt) -> dict[str, Any]:
    """A record as shown and exported: its fields and `hash`; `damaged` says what is wrong with one that cannot be read."""
    if isinstance(row, Corrupt):
        return {"seq": row.seq, "event": "?", "damaged": row.problem}
    try:
        record = json.loads(row.text)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return {"seq": row.seq, "event": "?", "damaged": "is not JSON"}
    return {**record, "hash": row.hash}


@dataclass(frozen=True, slots=True)
class Verification:
    """The report on a store's log. anchor: what it was held against; None: nothing was remembered."""

    report: Report
    anchor: Anchor | None


def verify_store(home: JaneeHome) -> Verification:
    """Verify the store of a home: the file's form, the log's chain, signatures and tags, the memory outside, the other tables.

    Raises StoreError when there is nothing to verify (no file, not a database, no or the wrong master key).
    """
    with open_for_reading(home) as connection:
        # The anchor first: what is committed afterwards only makes the log longer.
        identity = store_id(connection)
        anchor = _anchor.read_anchor(home, identity)
        vault = _vault(home, identity, connection)
        connection.execute("BEGIN")
        if problem := _structural_problem(home, connection, identity):
            return Verification(Report(0, 0, 0, "", Finding(0, problem)), anchor)
        report = verify_log(
            rows_after(connection, None),  # a record below 1 would be an inserted one
            store_id=identity,
            verify_signature=vault.is_signature,
            anchor=anchor,
            verify_tag=lambda row: _binding.is_record_tag(vault, row.seq, row.hash, row.tag),
        )
        if report.is_intact and (problem := _table_problem(home, connection, vault, report, anchor)):
            report = replace(report, finding=Finding(0, problem))
        return Verification(report, anchor)


def _table_problem(
    home: JaneeHome, connection: sqlite3.Connection, vault: Vault, report: Report, anchor: Anchor | None
) -> str | None:
    """What is wrong beside the log, or with what remembers it."""
    try:
        state = _binding.state_version(vault, connection)
        for row in connection.execute(f"SELECT {GRANT_COLUMNS} FROM grants"):  # noqa: S608
            _binding.verify_grant(vault, row)
    except StoreError as error:
        return error.message
    if anchor is None:
        return forgotten(home.state_db).message if report.head_seq or state else None
    if state < anchor.state:
        return f"its keys and secrets are in state {state}, they had come to {anchor.state}: older ones were put in place"
    return None


def _vault(home: JaneeHome, identity: str, connection: sqlite3.Connection) -> Vault:
    from janee.authority.vault import Vault, load_master_key, verify_key_check

    vault = Vault(load_master_key(home, identity), identity)
    row = connection.execute("SELECT value FROM meta WHERE name = 'key-check'").fetchone()
    verify_key_check(vault, row[0] if row else b"", version=_database.SCHEMA_VERSION, key_file=home.key_file(identity))
    return vault


def _structural_problem(home: JaneeHome, connection: sqlite3.Connection, identity: str) -> str | None:
    expected = _anchor.read_link(home)
    if expected is not None and expected != identity:
        return f"the database is another store ({identity}) than the one that belongs to this home ({expected})"
    found = [text for (text,) in connection.execute("PRAGMA integrity_check(3)")]
    return None if found == ["ok"] else f"the database file is damaged: {'; '.join(found)}"


def runner_rows(connection: sqlite3.Connection) -> tuple[RunnerInfoRow, ...]:
    """All runner keys, without the keys."""
    rows = connection.execute("SELECT name, agents, created, revoked_at FROM runner_keys ORDER BY name")
    return tuple(RunnerInfoRow(row[0], tuple(json.loads(row[1])), row[2], row[3]) for row in rows)


def agent_rows(connection: sqlite3.Connection) -> tuple[StoredAgent, ...]:
    """All agents, without their tokens."""
    rows = connection.execute("SELECT id, created, revoked_at, token_tag IS NOT NULL FROM agents ORDER BY id")
    return tuple(StoredAgent(row[0], row[1], row[2], bool(row[3])) for row in rows)
