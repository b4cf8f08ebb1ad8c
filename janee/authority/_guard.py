"""Notices what others did to the database between two looks of ours: before anything is read from it or written to it.

Guarantees: nothing is decided on, or added to, a database that was rolled back, cut, edited, or given a trigger while we run:
its log must hold the last record that this process knows and the one that the anchor remembers, its head and its state must
bear our tags, and its state must not be older than known. What other Janee processes commit passes.
SQLite's `data_version` says whether anybody else committed; only then there is something to check. So a change to the file
that goes around SQLite is noticed at the next start and by `janee audit verify`, not here.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from janee.authority import _binding, _database
from janee.authority.audit import Anchor
from janee.errors import StoreError

if TYPE_CHECKING:
    from janee.authority.vault import Vault


class Guard:
    """What this process knows of the database behind one connection."""

    __slots__ = ("_data_version", "_db", "_path", "_schema_version", "_vault", "known")

    def __init__(self, db: sqlite3.Connection, path: Path, vault: Vault) -> None:
        self._db = db
        self._path = path
        self._vault = vault
        self._data_version = self._schema_version = -1
        self.known: Anchor | None = None  # how far log and state had come, by what we saw and did ourselves

    def is_unchanged(self) -> bool:
        """Whether nobody else committed since `verify`. In a transaction: it holds to its end."""
        return self._number("data_version") == self._data_version

    def verify(self, store_id: str, remembered: Anchor | None) -> None:
        """Return None if the database may be relied on. In a transaction.

        remembered: the anchor, read before the transaction could see anything newer. Raises StoreError STORE_CHANGED,
        STORE_ROLLED_BACK, STORE_FOREIGN, ANCHOR_INVALID.
        """
        data, schema = self._number("data_version"), self._number("schema_version")
        if schema != self._schema_version:
            _database.verify_schema(self._db, self._path)
        head = self._head(store_id)
        if remembered is None and (head.seq or head.state):
            raise forgotten(self._path)
        for anchor in (self.known, remembered):
            if anchor is not None:
                self._verify_after(anchor, head)
        self._data_version, self._schema_version, self.known = data, schema, head

    def _head(self, store_id: str) -> Anchor:
        seq, digest, tag = last_record(self._db)
        if seq and not _binding.is_record_tag(self._vault, seq, digest, tag):
            raise _binding.changed(f"its last audit record, {seq}, was not written by Janee")
        return Anchor(store_id, seq, digest, _binding.state_version(self._vault, self._db))

    def _verify_after(self, anchor: Anchor, head: Anchor) -> None:
        found = self._db.execute("SELECT hash FROM audit WHERE seq = ?", (anchor.seq,)).fetchone()
        if anchor.seq and found is None:
            raise self._rolled_back(f"its audit log ends at {head.seq}, it had come to {anchor.seq}")
        if anchor.seq and found[0] != anchor.hash:
            raise self._rolled_back(f"its audit record {anchor.seq} is not the one remembered")
        if head.state < anchor.state:
            raise self._rolled_back(f"its keys and secrets are in state {head.state}, they had come to {anchor.state}")

    def _rolled_back(self, problem: str) -> StoreError:
        return StoreError(
            "STORE_ROLLED_BACK",
            f"{self._path} is older than it was: {problem}; revocations and used grants may be forgotten",
            "restore the newest copy; to go on from this one: janee authority --accept-rollback (see: janee audit verify)",
        )

    def _number(self, pragma: str) -> int:
        (value,) = self._db.execute(f"PRAGMA {pragma}").fetchone()
        return int(value)


def last_record(db: sqlite3.Connection) -> tuple[int, str, object]:
    """Seq, hash and tag of the last audit record; zero and nothing if there is none."""
    row = db.execute("SELECT seq, hash, tag FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return row or (0, "", b"")


def forgotten(path: Path) -> StoreError:
    return StoreError(
        "ANCHOR_INVALID",
        f"nothing outside {path} remembers how far its audit log had come: the anchor is gone",
        "restore it with the master key beside it; to go on without: janee authority --accept-rollback",
    )
