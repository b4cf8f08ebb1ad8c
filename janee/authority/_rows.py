"""The rows of the store as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from janee.seal import RunnerKey

ISSUED: Final = "issued"
GRANT_COLUMNS: Final = (
    "id, runner_key, runner_id, agent_id, capability, policy_hash, command, request_id, sandbox, issued_at, expires_at,"
    " deadline, state, ended_at, tag"
)


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One grant. Times: seconds since the epoch. command: as audited (scrubbed), for the record only.

    deadline: when the grant counts as abandoned if it was never reported.
    """

    grant_id: str
    runner_key: str
    runner_id: str
    agent_id: str
    capability: str
    policy_hash: str
    command: tuple[str, ...]
    request_id: str | None
    sandbox: str
    issued_at: float
    expires_at: float
    deadline: float
    state: str = ISSUED
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class StoredRunnerKey:
    """agents: the patterns of the agents that this Runner may speak for."""

    key: RunnerKey
    agents: tuple[str, ...]
    created: float
    revoked_at: float | None

    @property
    def is_revoked(self) -> bool:
        return self.revoked_at is not None


@dataclass(frozen=True, slots=True)
class RunnerInfoRow:
    """A runner key without the key, for listing."""

    name: str
    agents: tuple[str, ...]
    created: float
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class StoredAgent:
    """has_token: False for an agent that was only ever revoked by name."""

    agent_id: str
    created: float
    revoked_at: float | None
    has_token: bool = True

    @property
    def is_revoked(self) -> bool:
        return self.revoked_at is not None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """An agent identity on a Runner. is_revoked: the session itself, or the agent everywhere."""

    session_id: str
    agent: str
    runner: str
    first_seen: float
    last_seen: float
    is_revoked: bool
