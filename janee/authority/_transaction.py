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

from janee.authority import audit
from janee.authority._rows import ISSUED, GrantRow, SessionRow
from janee.authority.vault import Vault
from janee.secret import Secret

if TYPE_CHECKING:
    from janee.config.schema import RateLimit
    from janee.seal import RunnerKey

GRANT_COLUMNS: Final = (
    "id, runner_key, runner_id, agent_id, capability, policy_hash, command, request_id, sandbox, issued_at, expires_at,"
    " deadline, state, ended_at"
)
_KEEP_ENDED_S: Final = 86_400.0


class Transaction:
    """Writes that become durable together. Only inside `Store.transaction()`."""

    __slots__ = ("_clock", "_db", "_head", "_store_id", "_vault")

    def __init__(self, db: sqlite3.Connection, vault: Vault, store_id: str, clock: Callable[[], float]) -> None:
        self._db = db
        self._vault = vault
        self._store_id = store_id
        self._clock = clock
        row = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        self._head: tuple[int, str] = row or (0, audit.genesis(store_id))

    @property
    def head(self) -> audit.Anchor:
        return audit.Anchor(self._store_id, *self._head)

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
        self._db.execute("INSERT INTO audit VALUES (?, ?, ?)", record)
        self._head = (record.seq, record.hash)
        return record.seq

    # --- grants, sessions, rates

    def insert_grant(self, row: GrantRow) -> None:
        """Add a grant; its id must be new."""
        values = (
            *(row.grant_id, row.runner_key, row.runner_id, row.agent_id, row.capability, row.policy_hash),
            *(json.dumps(row.command), row.request_id, row.sandbox, row.issued_at, row.expires_at, row.deadline),
            *(row.state, row.ended_at),
        )
        self._db.execute(f"INSERT INTO grants ({GRANT_COLUMNS}) VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608

    def grant(self, grant_id: str) -> GrantRow | None:
        return read_grant(self._db, grant_id)

    def finish_grant(self, grant_id: str, state: str, now: float) -> bool:
        """Move a grant from `issued` to its final state: True once, False ever after and for an unknown one."""
        changed = self._db.execute(
            "UPDATE grants SET state = ?, ended_at = ? WHERE id = ? AND state = ?", (state, now, grant_id, ISSUED)
        )
        return changed.rowcount == 1

    def hit_rate(self, bucket: str, limit: RateLimit, now: float) -> bool:
        """Count one hit; False (and not counted) if there were `limit.count` already in the last `limit.per_s` seconds."""
        # The upper bound forgets what a clock that was wrong by more than the period has left behind.
        self._db.execute(
            "DELETE FROM rate WHERE bucket = ? AND (at <= ? OR at > ?)", (bucket, now - limit.per_s, now + limit.per_s)
        )
        (count,) = self._db.execute("SELECT count(*) FROM rate WHERE bucket = ?", (bucket,)).fetchone()
        if count >= limit.count:
            return False
        self._db.execute("INSERT INTO rate VALUES (?, ?)", (bucket, now))
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
        return self._db.execute(
            "UPDATE sessions SET revoked_at = ? WHERE agent = ? AND revoked_at IS NULL AND (? IS NULL OR runner = ?)",
            (now, agent, runner, runner),
        ).rowcount

    def restore_sessions(self, agent: str) -> None:
        self._db.execute("UPDATE sessions SET revoked_at = NULL WHERE agent = ?", (agent,))

    def prune(self, now: float) -> None:
        """Forget what nobody asks for any more: grants ended a day ago, expired nonces. The audit log is never pruned."""
        self._db.execute("DELETE FROM grants WHERE state <> ? AND ended_at < ?", (ISSUED, now - _KEEP_ENDED_S))
        self._db.execute("DELETE FROM nonces WHERE expires_at < ?", (now,))

    # --- secrets, runner keys, agents

    def put_secret(self, service: str, field: str, value: Secret, now: float) -> None:
        box = self._vault.seal("secret", service, field, value=value)
        self._db.execute("INSERT OR REPLACE INTO secrets VALUES (?, ?, ?, ?)", (service, field, box, now))

    def delete_secrets(self, service: str, *, keep: tuple[str, ...] = ()) -> int:
        """Remove a service's secrets, but for the fields to keep; how many there were."""
        rows = self._db.execute("SELECT field FROM secrets WHERE service = ?", (service,)).fetchall()
        gone = [field for (field,) in rows if field not in keep]
        self._db.executemany("DELETE FROM secrets WHERE service = ? AND field = ?", ((service, field) for field in gone))
        return len(gone)

    def put_runner_key(self, key: RunnerKey, agents: tuple[str, ...], now: float) -> None:
        """Register a runner key or replace the one of this name (a revocation ends)."""
        patterns = json.dumps(agents)
        box = self._vault.seal("runner key", key.name, patterns, value=key.mac_key)
        self._db.execute("INSERT OR REPLACE INTO runner_keys VALUES (?, ?, ?, ?, NULL)", (key.name, patterns, box, now))

    def revoke_runner_key(self, name: str, now: float) -> bool:
        """True if it was there and not revoked."""
        statement = "UPDATE runner_keys SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL"
        return self._db.execute(statement, (now, name)).rowcount == 1

    def put_agent(self, agent_id: str, token: Secret, now: float) -> None:
        """Register an agent with its token, or give it a new one (a revocation ends, of its sessions too)."""
        token_tag = self._vault.tag(b"token", token.expose())
        id_tag = self._vault.tag(b"agent", agent_id.encode(), token_tag)
        self._db.execute("INSERT OR REPLACE INTO agents VALUES (?, ?, ?, ?, NULL)", (agent_id, token_tag, id_tag, now))
        self.restore_sessions(agent_id)

    def revoke_agent(self, agent_id: str, now: float) -> bool:
        """Revoke an agent everywhere, known or not: its token, its sessions, its name on every Runner. False if it was."""
        changed = self._db.execute(
            "INSERT INTO agents VALUES (?, NULL, NULL, ?, ?) ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at"
            " WHERE revoked_at IS NULL",
            (agent_id, now, now),
        )
        self.revoke_sessions(agent_id, now)
        return changed.rowcount == 1


def read_grant(db: sqlite3.Connection, grant_id: str) -> GrantRow | None:
    row = db.execute(f"SELECT {GRANT_COLUMNS} FROM grants WHERE id = ?", (grant_id,)).fetchone()  # noqa: S608
    return None if row is None else grant_row(row)


def grant_row(row: tuple[Any, ...]) -> GrantRow:
    """From the columns GRANT_COLUMNS."""
    values = [*row]
    values[6] = tuple(json.loads(row[6]))
    return GrantRow(*values)
