"""What is written: every change to the store, and the audit records that go with it.

Guarantees: what a transaction did becomes durable together or not at all; each change that a decision rests on (a grant
finished once, a rate counted once) is one compare-and-set in the database, so that it holds between processes too.
It never commits: `Store.transaction` does. It never sees whether a field holds a secret: the caller scrubs.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from janee.authority import _binding, audit
from janee.authority._guard import last_record
from janee.authority._rows import GRANT_COLUMNS, ISSUED, GrantRow, SessionRow
from janee.authority.vault import Vault
from janee.secret import Secret

if TYPE_CHECKING:
    from janee.config.schema import RateLimit
    from janee.seal import RunnerKey

_STATE_COLUMN: Final = 12
_STREAMS_OF: Final = "egress:"  # in place of a runner key's name, which has no colon
_KEEP_ENDED_S: Final = 86_400.0
_PRUNE_AT_ONCE: Final = 4  # rows forgotten for each new one: more than come, and never a long transaction


class Transaction:
    """Writes that become durable together. Only inside `Store.transaction()`."""

    __slots__ = ("_clock", "_db", "_head", "_state", "_state_changed", "_store_id", "_vault")

    def __init__(self, db: sqlite3.Connection, vault: Vault, store_id: str, state: int, clock: Callable[[], float]) -> None:
        """state: the version of the state as it is now."""
        self._db = db
        self._vault = vault
        self._store_id = store_id
        self._state = state
        self._state_changed = False
        self._clock = clock
        seq, digest, _ = last_record(db)
        self._head: tuple[int, str] = (seq, digest) if seq else (0, audit.genesis(store_id))

    @property
    def head(self) -> audit.Anchor:
        return audit.Anchor(self._store_id, *self._head, self._state)

    def seal_state(self, *, is_forced: bool = False) -> None:
        """Bind what this transaction changed. The last thing before the commit."""
        if self._state_changed or is_forced:
            self._state += 1
            sealed = _binding.sealed_state(self._vault, self._state, self._db)
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('state', ?)", (sealed,))
            self._state_changed = False

    # --- audit

    def audit(self, event: str, **fields: Any) -> int:
        """Append a record; its seq. Fields that are None are left out.

        Fields must be free of secrets (scrub the argv first): nothing here can know them. Raises TypeError, ValueError for what
        is no record.
        """
        if audit.is_checkpoint_seq(self._head[0] + 1):
            self.checkpoint()
        return self._append(event, fields)

    def checkpoint(self) -> int:
        """Append a signed checkpoint over everything so far; its seq."""
        return self._append(audit.CHECKPOINT, audit.checkpoint_fields(self._store_id, *self._head, self._vault.sign))

    def _append(self, event: str, fields: dict[str, Any]) -> int:
        seq, prev = self._head
        record = audit.seal_record(seq + 1, self._clock(), event, fields, prev)
        tag = _binding.record_tag(self._vault, record.seq, record.hash)
        self._db.execute("INSERT INTO audit VALUES (?, ?, ?, ?)", (record.seq, record.text, record.hash, tag))
        self._head = (record.seq, record.hash)
        return record.seq

    # --- grants, sessions, rates

    def insert_grant(self, row: GrantRow) -> None:
        """Add a grant; its id must be new."""
        self._db.execute(
            "DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE ended_at < ? LIMIT ?)",
            (row.issued_at - _KEEP_ENDED_S, _PRUNE_AT_ONCE),
        )
        values = (
            *(row.grant_id, row.runner_key, row.runner_id, row.agent_id, row.capability, row.policy_hash),
            *(json.dumps(row.command), row.request_id, row.sandbox),
            *(float(row.issued_at), float(row.expires_at), float(row.deadline)),
            *(row.state, None if row.ended_at is None else float(row.ended_at)),
        )
        tagged = (*values, _binding.grant_tag(self._vault, values))
        self._db.execute(f"INSERT INTO grants ({GRANT_COLUMNS}) VALUES ({', '.join('?' * len(tagged))})", tagged)  # noqa: S608

    def grant(self, grant_id: str) -> GrantRow | None:
        """Raises StoreError STORE_CHANGED."""
        return read_grant(self._db, self._vault, grant_id)

    def finish_grant(self, grant_id: str, state: str, now: float) -> bool:
        """Move a grant from `issued` to its final state: True once, False ever after and for an unknown one.

        Raises StoreError STORE_CHANGED.
        """
        row = _stored_grant(self._db, self._vault, grant_id)
        if row is None or row[_STATE_COLUMN] != ISSUED:
            return False
        tag = _binding.grant_tag(self._vault, (*row[:_STATE_COLUMN], state, float(now)))
        self._db.execute("UPDATE grants SET state = ?, ended_at = ?, tag = ? WHERE id = ?", (state, float(now), tag, grant_id))
        return True

    def claim_stream(self, grant_id: str, stream_id: str, expires_at: float) -> bool:
        """Use up the id of an egress stream: True once. expires_at: when the grant cannot be live any more."""
        values = (_STREAMS_OF + grant_id, stream_id, float(expires_at))
        return self._db.execute("INSERT OR IGNORE INTO nonces VALUES (?, ?, ?)", values).rowcount == 1

    def count_streams(self, grant_id: str) -> int:
        """How many were claimed under a grant."""
        found = self._db.execute("SELECT count(*) FROM nonces WHERE key_name = ?", (_STREAMS_OF + grant_id,)).fetchone()
        return int(found[0])

    def hit_rate(self, bucket: str, limit: RateLimit, now: float) -> bool:
        """Count one hit; False (and not counted) if there were `limit.count` already in the last `limit.per_s` seconds."""
        # The upper bound forgets what a clock that was wrong by more than the period has left behind.
        self._db.execute(
            "DELETE FROM rate WHERE bucket = ? AND (at <= ? OR at > ?)", (bucket, now - limit.per_s, now + limit.per_s)
        )
        (count,) = self._db.execute("SELECT count(*) FROM rate WHERE bucket = ?", (bucket,)).fetchone()
        if count >= limit.count:
            return False
        self._db.execute(
            "DELETE FROM rate WHERE rowid IN (SELECT rowid FROM rate WHERE until <= ? LIMIT ?)", (now, _PRUNE_AT_ONCE)
        )  # of buckets that nobody hits any more
        self._db.execute("INSERT INTO rate VALUES (?, ?, ?)", (bucket, now, now + limit.per_s))
        return True

    def touch_session(self, agent: str, runner: str, now: float) -> SessionRow:
        """The session of an agent on a Runner, begun if there is none. Check `is_revoked`."""
        row = self._db.execute(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, NULL)"
            " ON CONFLICT (agent, runner) DO UPDATE SET last_seen = excluded.last_seen"
            " RETURNING id, first_seen, revoked_at, (SELECT revoked_at FROM agents WHERE agents.id = sessions.agent)",
            (f"s_{os.urandom(12).hex()}", agent, runner, now, now),
        ).fetchone()
        return SessionRow(row[0], agent, runner, row[1], now, row[2] is not None or row[3] is not None)

    def revoke_sessions(self, agent: str, now: float, *, runner: str | None = None) -> int:
        """Revoke the sessions of an agent (on one Runner, or all); how many were live."""
        self._state_changed = True
        return self._db.execute(
            "UPDATE sessions SET revoked_at = ? WHERE agent = ? AND revoked_at IS NULL AND (? IS NULL OR runner = ?)",
            (now, agent, runner, runner),
        ).rowcount

    def restore_sessions(self, agent: str) -> None:
        self._state_changed = True
        self._db.execute("UPDATE sessions SET revoked_at = NULL WHERE agent = ?", (agent,))

    def prune(self, now: float) -> None:
        """Forget what nobody asks for any more: grants ended a day ago, nonces and rates. The audit log is never pruned."""
        self._db.execute("DELETE FROM grants WHERE state <> ? AND ended_at < ?", (ISSUED, now - _KEEP_ENDED_S))
        self._db.execute("DELETE FROM nonces WHERE expires_at < ?", (now,))
        self._db.execute("DELETE FROM rate WHERE until <= ?", (now,))

    # --- secrets, runner keys, agents

    def put_secret(self, service: str, field: str, value: Secret, now: float) -> None:
        self._state_changed = True
        box = self._vault.seal("secret", service, field, value=value)
        self._db.execute("INSERT OR REPLACE INTO secrets VALUES (?, ?, ?, ?)", (service, field, box, now))

    def delete_secrets(self, service: str, *, keep: tuple[str, ...] = ()) -> int:
        """Remove a service's secrets, but for the fields to keep; how many there were."""
        self._state_changed = True
        rows = self._db.execute("SELECT field FROM secrets WHERE service = ?", (service,)).fetchall()
        gone = [field for (field,) in rows if field not in keep]
        self._db.executemany("DELETE FROM secrets WHERE service = ? AND field = ?", ((service, field) for field in gone))
        return len(gone)

    def put_runner_key(self, key: RunnerKey, agents: tuple[str, ...], now: float) -> None:
        """Register a runner key or replace the one of this name (a revocation ends)."""
        self._state_changed = True
        patterns = json.dumps(agents)
        box = self._vault.seal("runner key", key.name, patterns, value=key.mac_key)
        self._db.execute("INSERT OR REPLACE INTO runner_keys VALUES (?, ?, ?, ?, NULL)", (key.name, patterns, box, now))

    def revoke_runner_key(self, name: str, now: float) -> bool:
        """True if it was there and not revoked."""
        self._state_changed = True
        statement = "UPDATE runner_keys SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL"
        return self._db.execute(statement, (now, name)).rowcount == 1

    def put_agent(self, agent_id: str, token: Secret, now: float) -> None:
        """Register an agent with its token, or give it a new one (a revocation ends, of its sessions too)."""
        self._state_changed = True
        token_tag = self._vault.tag(b"token", token.expose())
        id_tag = self._vault.tag(b"agent", agent_id.encode(), token_tag)
        self._db.execute("INSERT OR REPLACE INTO agents VALUES (?, ?, ?, ?, NULL)", (agent_id, token_tag, id_tag, now))
        self.restore_sessions(agent_id)

    def revoke_agent(self, agent_id: str, now: float) -> bool:
        """Revoke an agent everywhere, known or not: its token, its sessions, its name on every Runner. False if it was."""
        self._state_changed = True
        changed = self._db.execute(
            "INSERT INTO agents VALUES (?, NULL, NULL, ?, ?) ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at"
            " WHERE revoked_at IS NULL",
            (agent_id, now, now),
        )
        self.revoke_sessions(agent_id, now)
        return changed.rowcount == 1


def read_grant(db: sqlite3.Connection, vault: Vault, grant_id: str) -> GrantRow | None:
    """Raises StoreError STORE_CHANGED."""
    row = _stored_grant(db, vault, grant_id)
    return None if row is None else grant_row(row)


def _stored_grant(db: sqlite3.Connection, vault: Vault, grant_id: str) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None
    row = db.execute(f"SELECT {GRANT_COLUMNS} FROM grants WHERE id = ?", (grant_id,)).fetchone()  # noqa: S608
    if row is not None:
        _binding.verify_grant(vault, row)
    return row


def grant_row(row: tuple[Any, ...]) -> GrantRow:
    """From the columns GRANT_COLUMNS, verified."""
    values = [*row[:-1]]
    values[6] = tuple(json.loads(row[6]))
    return GrantRow(*values)
