"""The state of the Authority in one SQLite file: secrets, runner keys, agents, nonces, grants, sessions, rates, the audit log.

Guarantees:
- What happens in one `transaction()` is on disk when the block is left, or did not happen: grant and records are one commit.
- A write that fails for whatever reason (full disk, read-only, locked) raises StoreError AUDIT_UNAVAILABLE; the caller denies.
- A secret is decrypted for each call of `secret()` and kept nowhere.
- A database that was rolled back, cut, replaced or changed in its format is refused at `open`.
It never decides and never reads config.yaml. Threads: any thread may call; calls take turns on one lock.
Several processes may use one file; each call sees what the others committed.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from janee.authority import _anchor, _database, audit
from janee.authority._rows import ISSUED, GrantRow, RunnerInfoRow, SessionRow, StoredAgent, StoredRunnerKey
from janee.authority._transaction import GRANT_COLUMNS, Transaction, grant_row, read_grant
from janee.authority.reading import agent_rows, runner_rows
from janee.authority.vault import Vault, create_master_key, load_master_key, make_key_check, verify_key_check
from janee.config.home import JaneeHome, verify_private_directory
from janee.errors import ConfigError, StoreError
from janee.secret import Secret

__all__ = ["GrantRow", "RunnerInfoRow", "SessionRow", "Store", "StoredAgent", "StoredRunnerKey", "Transaction"]

_PRUNE_NONCES_EVERY: Final = 256


class Store:
    """The open store of one home."""

    __slots__ = (
        "_anchor_file",
        "_clock",
        "_db",
        "_lock",
        "_nonce_calls",
        "_nonces",
        "_path",
        "_transaction",
        "_vault",
        "store_id",
    )

    def __init__(self, home: JaneeHome, store_id: str, vault: Vault, clock: Callable[[], float]) -> None:
        """For `open`, which has checked the file."""
        self.store_id: Final = store_id
        self._path = home.state_db
        self._vault = vault
        self._clock = clock
        self._lock = threading.RLock()
        self._transaction: Transaction | None = None
        self._nonce_calls = 0
        with contextlib.ExitStack() as undo:
            self._anchor_file = _anchor.AnchorFile(home, store_id)
            undo.callback(self._anchor_file.close)
            self._db = _database.connect(self._path, synchronous="FULL")
            undo.callback(self._db.close)
            # Nonces need no fsync of their own: the grant that follows one is a FULL commit of the same write-ahead log.
            self._nonces = _database.connect(self._path, synchronous="NORMAL")
            undo.pop_all()

    @classmethod
    def open(
        cls, home: JaneeHome, *, create: bool = False, accept_rollback: bool = False, clock: Callable[[], float] = time.time
    ) -> Store:
        """Open the store of a home with its master key.

        create: make home directory, database and master key where they are missing. accept_rollback: go on with a database that
        is older than the anchor remembers; this is audited. clock: seconds since the epoch, for the time of records.
        Raises StoreError; ConfigError for a home that is open to others.
        """
        if create:
            _create(home)
        store_id, key_check = _read_identity(home.state_db)
        _verify_link(home, store_id)
        vault = Vault(load_master_key(home, store_id), store_id)
        verify_key_check(vault, key_check, version=_database.SCHEMA_VERSION, key_file=home.key_file(store_id))
        remembered = _remembered(home, store_id)  # before the database is looked at: a commit in between only makes it newer
        store = cls(home, store_id, vault, clock)
        try:
            store._verify_anchor(remembered, accept_rollback)
            _anchor.write_link(home, store_id)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        with self._lock:
            self._nonces.close()
            self._db.close()
            self._anchor_file.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _verify_anchor(self, remembered: audit.Anchor | StoreError | None, accept_rollback: bool) -> None:
        if isinstance(remembered, StoreError):
            if not accept_rollback:
                raise remembered
            problem: str | None = remembered.message
        else:
            problem = self._rollback(remembered)
        if problem and not accept_rollback:
            raise StoreError(
                "STORE_ROLLED_BACK",
                f"{self._path} is older than it was: {problem}; revocations and used grants may be forgotten",
                "restore the newest copy; to go on from this one: janee authority --accept-rollback (see: janee audit verify)",
            )
        if problem:
            with self.transaction() as transaction:
                transaction.audit("audit.rollback_accepted", problem=problem)

    def _rollback(self, anchor: audit.Anchor | None) -> str | None:
        if anchor is None:
            return None
        with _database.translated(self._path):
            found = self._db.execute("SELECT hash FROM audit WHERE seq = ?", (anchor.seq,)).fetchone()
            (last,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM audit").fetchone()
        if anchor.seq == 0 or (found is not None and found[0] == anchor.hash):
            return None
        if found is None:
            return f"its audit log ends at {last}, it had come to {anchor.seq}"
        return f"its audit record {anchor.seq} is not the one remembered"

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything in the block, durably, when it is left; nothing if it raises. Not to be nested.

        Raises StoreError AUDIT_UNAVAILABLE (or STORE_DAMAGED) when it cannot be written; then nothing of it holds.
        """
        with self._lock:
            if self._transaction is not None:
                raise RuntimeError("a transaction is open already")
            head = None
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._transaction = Transaction(self._db, self._vault, self.store_id, self._clock)
                before = self._transaction.head
                yield self._transaction
                head = self._transaction.head
                self._db.execute("COMMIT")
            except (sqlite3.Error, OverflowError) as error:
                self._roll_back()
                raise _database.translate(self._path, error) from None
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._transaction = None
            if head != before:
                self._anchor_file.set(head)

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def use_nonce(self, key_name: str, nonce: str, *, expires_at: float, now: float) -> bool:
        """True the first time, False if the nonce was used before with this key. Not inside a transaction.

        Raises StoreError when it cannot be remembered.
        """
        with self._lock, _database.translated(self._path):
            self._nonce_calls += 1
            if self._nonce_calls % _PRUNE_NONCES_EVERY == 0:
                self._nonces.execute("DELETE FROM nonces WHERE expires_at < ?", (now,))
            values = (key_name, nonce, expires_at)
            return self._nonces.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?, ?)", values).rowcount == 1

    def secret(self, service: str, field: str) -> Secret:
        """Decrypt one secret. Raises StoreError MISSING_SECRET, DECRYPT_FAILED."""
        row = self._one("SELECT box FROM secrets WHERE service = ? AND field = ?", service, field)
        if row is None:
            raise StoreError(
                "MISSING_SECRET",
                f"the service {service} has no {field} stored",
                f"janee service set-secret {service} --field {field}",
            )
        return self._vault.open("secret", service, field, box=row[0])

    def secret_fields(self, service: str) -> tuple[str, ...]:
        """The names of the fields stored for a service."""
        return tuple(field for (field,) in self._all("SELECT field FROM secrets WHERE service = ? ORDER BY field", service))

    def runner_key(self, name: str) -> StoredRunnerKey | None:
        from janee.seal import RunnerKey

        row = self._one("SELECT agents, box, created, revoked_at FROM runner_keys WHERE name = ?", name)
        if row is None:
            return None
        mac_key = self._vault.open("runner key", name, row[0], box=row[1])
        return StoredRunnerKey(RunnerKey(name, mac_key), tuple(json.loads(row[0])), row[2], row[3])

    def runner_keys(self) -> tuple[RunnerInfoRow, ...]:
        with self._lock, _database.translated(self._path):
            return runner_rows(self._db)

    def agent_by_token(self, token: Secret) -> StoredAgent | None:
        """The agent that holds this token; None for an unknown token or a row tampered with. Check `is_revoked`."""
        token_tag = self._vault.tag(b"token", token.expose())
        row = self._one("SELECT id, id_tag, created, revoked_at FROM agents WHERE token_tag = ?", token_tag)
        if row is None or row[1] != self._vault.tag(b"agent", row[0].encode("utf-8", "surrogateescape"), token_tag):
            return None
        return StoredAgent(row[0], row[2], row[3])

    def agents(self) -> tuple[StoredAgent, ...]:
        with self._lock, _database.translated(self._path):
            return agent_rows(self._db)

    def grant(self, grant_id: str) -> GrantRow | None:
        with self._lock, _database.translated(self._path):
            return read_grant(self._db, grant_id)

    def abandoned_candidates(self, now: float) -> tuple[GrantRow, ...]:
        """Grants past their deadline that were never reported (at most 1000 at a time)."""
        rows = self._all(
            f"SELECT {GRANT_COLUMNS} FROM grants WHERE state = ? AND deadline < ? ORDER BY deadline LIMIT 1000",  # noqa: S608
            ISSUED,
            now,
        )
        return tuple(grant_row(row) for row in rows)

    @property
    def public_key(self) -> bytes:
        """The raw Ed25519 key that checkpoints verify with."""
        return self._vault.public_key

    def sign_head(self, seq: int, record_hash: str) -> bytes:
        """An Ed25519 signature over the log up to and including record `seq`, for an export."""
        return self._vault.sign(audit.checkpoint_payload(self.store_id, seq, record_hash))

    def _one(self, statement: str, *values: Any) -> Any:
        with self._lock, _database.translated(self._path):
            return self._db.execute(statement, values).fetchone()

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._lock, _database.translated(self._path):
            return self._db.execute(statement, values).fetchall()


def _remembered(home: JaneeHome, store_id: str) -> audit.Anchor | StoreError | None:
    try:
        return _anchor.read_anchor(home, store_id)
    except StoreError as error:
        return error


def _read_identity(path: Path) -> tuple[str, bytes]:
    with contextlib.closing(_database.connect_read_only(path)) as connection, _database.translated(path):
        rows = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    if {"store-id", "key-check"} - rows.keys():
        raise StoreError("STORE_FOREIGN", f"{path} lacks its identity: it was changed", "restore a backup")
    return rows["store-id"].decode("ascii", "replace"), rows["key-check"]


def _verify_link(home: JaneeHome, store_id: str) -> None:
    expected = _anchor.read_link(home)
    if expected is not None and expected != store_id:
        raise StoreError(
            "STORE_REPLACED",
            f"{home.state_db} is another store ({store_id}) than the one that belongs here ({expected})",
            f"restore the right one; if you replaced it yourself: rm {home.link_file}",
        )


def _create(home: JaneeHome) -> None:
    try:
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise StoreError(
            "STORE_MISSING", f"cannot make {home.path}: {reason}", "choose another place with JANEE_HOME"
        ) from None
    try:
        verify_private_directory(home.path)
    except ConfigError as error:
        raise StoreError("STORE_UNSAFE", error.message, error.hint) from None
    if home.state_db.exists() or home.state_db.is_symlink():
        return
    if (known := _anchor.read_link(home)) is not None:
        raise StoreError(
            "STORE_MISSING",
            f"{home.state_db} is gone; this home had the store {known}, with its secrets and audit log",
            f"restore it from a backup; to begin anew: rm {home.link_file}",
        )
    store_id = os.urandom(12).hex()
    vault = Vault(create_master_key(home, store_id), store_id)
    key_check = make_key_check(vault, version=_database.SCHEMA_VERSION)
    with contextlib.suppress(FileExistsError):  # another process was quicker: its store is the one
        _database.create(home.state_db, {"store-id": store_id.encode(), "key-check": key_check})
