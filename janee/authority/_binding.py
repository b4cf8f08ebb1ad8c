"""What binds the rows of the database to the master key, so that nobody changes them by SQL unnoticed. Pure but for SELECT.

Guarantees: who lacks the master key can make no audit record (not even a well chained one), alter no grant, and alter, remove,
bring back or replace no secret, runner key, agent or revocation, without a tag that no longer fits. The tag over the latter
("the state") counts its versions: an older state, with its own good tag, is known by its number, which is remembered outside.
It never decides what to do about it, and cannot see nonces, rates and live sessions removed: those bind nothing.
"""

from __future__ import annotations

import hmac
import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from janee.errors import StoreError

if TYPE_CHECKING:
    from janee.authority.vault import Vault

_VERSION_BYTES: Final = 8
_STATE: Final = (
    "SELECT service, field, hex(box), updated FROM secrets ORDER BY service, field",
    "SELECT name, agents, hex(box), created, revoked_at FROM runner_keys ORDER BY name",
    "SELECT id, hex(token_tag), hex(id_tag), created, revoked_at FROM agents ORDER BY id",
    # A live session says no more than one that begins now: only the revoked ones matter, and there are few.
    "SELECT agent, runner, id, first_seen, revoked_at FROM sessions WHERE revoked_at IS NOT NULL ORDER BY agent, runner",
)
_TABLES: Final = "secrets, runner keys, agents or revocations"


def record_tag(vault: Vault, seq: int, record_hash: str) -> bytes:
    """The tag of an audit record; its hash stands for all before it."""
    return vault.tag(b"record", str(seq).encode(), record_hash.encode("utf-8", "surrogateescape"))


def is_record_tag(vault: Vault, seq: int, record_hash: str, tag: object) -> bool:
    return isinstance(tag, bytes) and hmac.compare_digest(tag, record_tag(vault, seq, record_hash))


def grant_tag(vault: Vault, columns: tuple[Any, ...]) -> bytes:
    """The tag over all columns of a grant's row, in the order of the table, as SQLite gives them back."""
    return vault.tag(b"grant", json.dumps(columns).encode())


def verify_grant(vault: Vault, row: tuple[Any, ...]) -> None:
    """Return None if the last column of `row` is the tag of the others. Raises StoreError STORE_CHANGED."""
    tag = row[-1]
    if not isinstance(tag, bytes) or not hmac.compare_digest(tag, grant_tag(vault, row[:-1])):
        raise changed(f"the grant {row[0]} was not written by Janee")


def sealed_state(vault: Vault, version: int, db: sqlite3.Connection | None) -> bytes:
    """What `meta` keeps about the state: its version and tag. db: None for a new store, which is empty."""
    number = version.to_bytes(_VERSION_BYTES, "big")
    tables = [[] if db is None else db.execute(statement).fetchall() for statement in _STATE]
    return number + vault.tag(b"state", number, json.dumps(tables).encode())


def state_version(vault: Vault, db: sqlite3.Connection) -> int:
    """The version of the state, which is as Janee left it. Raises StoreError STORE_CHANGED."""
    row = db.execute("SELECT value FROM meta WHERE name = 'state'").fetchone()
    kept = row[0] if row is not None and isinstance(row[0], bytes) else b""
    version = int.from_bytes(kept[:_VERSION_BYTES], "big")
    if not hmac.compare_digest(kept, sealed_state(vault, version, db)):
        raise changed(f"its {_TABLES} were changed by something else than Janee")
    return version


def changed(problem: str) -> StoreError:
    return StoreError(
        "STORE_CHANGED",
        f"the state database was changed: {problem}",
        "restore the newest copy; to go on from what is there, after janee list and janee runner list: "
        "janee authority --accept-rollback",
    )
