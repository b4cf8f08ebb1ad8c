"""The state of the Authority in one SQLite file: secrets, runner keys, agents, nonces, grants, sessions, rates, the audit log.

Guarantees:
- What happens in one `transaction()` is on disk when the block is left, or did not happen: grant and records are one commit.
- A write that fails for whatever reason (full disk, read-only, locked) raises StoreError AUDIT_UNAVAILABLE; the caller denies.
- A secret is decrypted for each call of `secret()` and kept nowhere.
- A database that was rolled back, cut, edited, replaced or changed in its format is refused: at `open`, and before every look
  at it and every write (`_guard` says what is noticed while we run), so that nothing goes on from it as if all were well.
It never decides and never reads config.yaml. Threads: any thread may call; calls take turns on one lock. A database that
another process keeps locked makes one call wait (BUSY_TIMEOUT_MS) and fail, and the next ones soon until it is free.
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

from janee.authority import _anchor, _binding, _database, audit
from janee.authority._guard import Guard
from janee.authority._rows import GRANT_COLUMNS, ISSUED, GrantRow, RunnerInfoRow, SessionRow, StoredAgent, StoredRunnerKey
from janee.authority._transaction import Transaction, grant_row, read_grant
from janee.authority.reading import agent_rows, runner_rows
from janee.authority.vault import Vault, create_master_key, load_master_key, make_key_check, verify_key_check
from janee.config.home import JaneeHome, verify_private_directory
from janee.errors import ConfigError, StoreError
from janee.secret import Secret
from janee.tunnel import EgressKey

__all__ = ["GrantRow", "RunnerInfoRow", "SessionRow", "Store", "StoredAgent", "StoredRunnerKey", "Transaction"]

_PRUNE_NONCES_EVERY: Final = 256
_ACCEPTABLE: Final = ("STORE_ROLLED_BACK", "STORE_CHANGED", "ANCHOR_INVALID")


class Store:
    """The open store of one home."""

    __slots__ = (
        "_anchor_file",
        "_clock",
        "_db",
        "_guard",
        "_lock",
        "_nonce_calls",
        "_path",
        "_patience",
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
            self._db = _database.connect(self._path)
            undo.pop_all()
        self._guard = Guard(self._db, self._path, vault)
        self._patience = _database.Patience()

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
        store = cls(home, store_id, vault, clock)
        try:
            store._begin_anchor(accept_rollback)
            _anchor.write_link(home, store_id)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        with self._lock:
            self._db.close()
            self._anchor_file.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin_anchor(self, accept_rollback: bool) -> None:
        """The first look at the database. A new store's anchor is begun before anything is committed."""
        try:
            with self._looking():
                head = self._guard.known
        except StoreError as error:
            if error.code not in _ACCEPTABLE or not accept_rollback:
                raise
            self._accept(error.message)
        else:
            if head is not None:
                self._anchor_file.set(head)

    def _accept(self, problem: str) -> None:
        """Go on with what is there, on the operator's word: it becomes the newest there is, and the log says so."""
        with self._lock, _database.translated(self._path):
            known = self._remembered(or_none=True)
            self._patience.execute(self._db, "BEGIN IMMEDIATE")
            try:
                transaction = Transaction(self._db, self._vault, self.store_id, known.state if known else 0, self._clock)
                transaction.audit("audit.rollback_accepted", problem=problem)
                transaction.seal_state(is_forced=True)
                self._db.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            self._anchor_file.set(transaction.head, may_go_back=True)

    def _remembered(self, *, or_none: bool = False) -> audit.Anchor | None:
        try:
            return self._anchor_file.get()
        except StoreError:
            if or_none:
                return None
            raise

    @contextlib.contextmanager
    def _looking(self) -> Iterator[None]:
        """A block that reads one verified snapshot. Inside a transaction: that one's."""
        with self._lock, _database.translated(self._path):
            if self._transaction is not None:
                yield
                return
            try:
                self._begin("BEGIN")
                yield
            finally:
                self._roll_back()

    def _begin(self, statement: str) -> None:
        """Begin a transaction on a verified snapshot. On an error one may be open.

        The anchor must be read before the snapshot is taken: read later, it could know of a commit that the snapshot does not.
        """
        if self._is_unchanged_at(statement):
            return
        for attempt in range(2):
            self._roll_back()
            remembered = self._remembered()
            self._is_unchanged_at(statement)
            try:
                self._guard.verify(self.store_id, remembered)
            except StoreError:
                # Another process may have made the anchor, and the first record, after we looked for the anchor.
                if attempt or remembered is not None:
                    raise
            else:
                return

    def _is_unchanged_at(self, statement: str) -> bool:
        """Take a snapshot, and whether nobody else committed before it. Waits for locks: reading may have to, too."""
        self._patience.execute(self._db, statement)
        return self._patience.run(self._guard.is_unchanged)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything in the block, durably, when it is left; nothing if it raises. Not to be nested.

        Raises StoreError AUDIT_UNAVAILABLE (or STORE_DAMAGED, STORE_CHANGED, STORE_ROLLED_BACK) when it cannot be written; then
        nothing of it holds.
        """
        with self._lock:
            if self._transaction is not None:
                raise RuntimeError("a transaction is open already")
            try:
                self._begin("BEGIN IMMEDIATE")
                before = self._guard.known
                transaction = Transaction(self._db, self._vault, self.store_id, before.state if before else 0, self._clock)
                self._transaction = transaction
                yield transaction
                transaction.seal_state()
                self._db.execute("COMMIT")
            except (sqlite3.Error, OverflowError) as error:
                self._roll_back()
                raise _database.translate(self._path, error) from None
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._transaction = None
            head = transaction.head
            if head != before:
                self._guard.known = head
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
            # Nonces need no fsync of their own: the grant that follows one is a FULL commit of the same write-ahead log.
            self._db.execute("PRAGMA synchronous = NORMAL")
            try:
                self._patience.execute(self._db, "BEGIN IMMEDIATE")
                self._nonce_calls += 1
                if self._nonce_calls % _PRUNE_NONCES_EVERY == 0:
                    self._db.execute("DELETE FROM nonces WHERE expires_at < ?", (now,))
                values = (key_name, nonce, expires_at)
                is_new = self._db.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?, ?)", values).rowcount == 1
                self._db.execute("COMMIT")
                return is_new
            finally:
                self._roll_back()
                self._db.execute("PRAGMA synchronous = FULL")

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

    def secret_names(self) -> tuple[tuple[str, str], ...]:
        """Service and field of everything that is stored."""
        return tuple(self._all("SELECT service, field FROM secrets ORDER BY service, field"))

    def secrets_stamp(self) -> tuple[bytes, ...]:
        """Another value as soon as any secret is stored, replaced or removed (the nonces of their ciphertexts)."""
        return tuple(nonce for (nonce,) in self._all("SELECT substr(box, 1, 12) FROM secrets ORDER BY service, field"))

    def runner_key(self, name: str) -> StoredRunnerKey | None:
        from janee.seal import RunnerKey

        row = self._one("SELECT agents, box, created, revoked_at FROM runner_keys WHERE name = ?", name)
        if row is None:
            return None
        mac_key = self._vault.open("runner key", name, row[0], box=row[1])
        return StoredRunnerKey(RunnerKey(name, mac_key), tuple(json.loads(row[0])), row[2], row[3])

    def runner_keys(self) -> tuple[RunnerInfoRow, ...]:
        with self._looking():
            return runner_rows(self._db)

    def agent_by_token(self, token: Secret) -> StoredAgent | None:
        """The agent that holds this token; None for an unknown token or a row tampered with. Check `is_revoked`."""
        token_tag = self._vault.tag(b"token", token.expose())
        row = self._one("SELECT id, id_tag, created, revoked_at FROM agents WHERE token_tag = ?", token_tag)
        if row is None or row[1] != self._vault.tag(b"agent", row[0].encode("utf-8", "surrogateescape"), token_tag):
            return None
        return StoredAgent(row[0], row[2], row[3])

    def agents(self) -> tuple[StoredAgent, ...]:
        with self._looking():
            return agent_rows(self._db)

    def grant(self, grant_id: str) -> GrantRow | None:
        """Raises StoreError STORE_CHANGED."""
        with self._looking():
            return read_grant(self._db, self._vault, grant_id)

    def abandoned_candidates(self, now: float) -> tuple[GrantRow, ...]:
        """Grants past their deadline that were never reported (at most 1000 at a time). Raises StoreError STORE_CHANGED."""
        rows = self._all(
            f"SELECT {GRANT_COLUMNS} FROM grants WHERE state = ? AND deadline < ? ORDER BY deadline LIMIT 1000",  # noqa: S608
            ISSUED,
            now,
        )
        for row in rows:
            _binding.verify_grant(self._vault, row)
        return tuple(grant_row(row) for row in rows)

    def egress_key(self, grant_id: str) -> EgressKey:
        """The right to use the gateway under a grant."""
        return EgressKey(grant_id, self._vault.egress_secret("key", grant_id))

    def placeholder_seed(self, grant_id: str, field: str) -> Secret:
        """32 bytes that a grant's stand-in for one secret is made of."""
        return self._vault.egress_secret("placeholder", grant_id, field)

    @property
    def public_key(self) -> bytes:
        """The raw Ed25519 key that checkpoints verify with."""
        return self._vault.public_key

    def sign_head(self, seq: int, record_hash: str) -> bytes:
        """An Ed25519 signature over the log up to and including record `seq`, for an export."""
        return self._vault.sign(audit.checkpoint_payload(self.store_id, seq, record_hash))

    def _one(self, statement: str, *values: Any) -> Any:
        with self._looking():
            return self._db.execute(statement, values).fetchone()

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._looking():
            return self._db.execute(statement, values).fetchall()


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
        state = _binding.sealed_state(vault, 0, None)
        _database.create(home.state_db, {"store-id": store_id.encode(), "key-check": key_check, "state": state})
