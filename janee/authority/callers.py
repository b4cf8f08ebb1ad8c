"""Who asks: the Runner that a signature proves, and the agent that it may speak for.

Guarantees: an agent id counts only if a token proves it, or if the Runner's key may speak for it; otherwise there is no
agent, and absence denies. Without id and token the agent is the Runner itself, `runner:<name of its key>`. It never looks at
what an agent claims of itself (MCP clientInfo): that is recorded, not used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from janee.authority.policy import matches_any
from janee.authority.store import Store
from janee.config.schema import DEFAULT_AGENTS
from janee.errors import ProtocolError
from janee.protocol import ErrorCode, ReasonCode
from janee.seal import DEFAULT_KEY_NAME, RunnerKey, unwrap_token

_WRAPPED: Final = "jnw1."
_RUNNER_PREFIX: Final = "runner:"
Refusal = tuple[ReasonCode, str, str]


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated Runner. agents: the patterns of its key. is_private: the transport is encrypted or local."""

    key: RunnerKey
    agents: tuple[str, ...]
    is_private: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """The agent of a request. agent_id is None exactly if there is a `refusal`; claimed: the id that was not proven."""

    agent_id: str | None
    source: str  # token | runner-key | runner
    claimed: str | None = None
    refusal: Refusal | None = None


def identify(
    store: Store,
    named_agents: Callable[[], frozenset[str]],
    caller: Caller,
    *,
    agent_id: str | None,
    agent_token: str | None,
    request_id: str | None,
) -> Subject:
    """Who the agent is. named_agents: the ids that the configuration names in full; asked only where it matters.

    Raises ProtocolError BAD_REQUEST: a token that is not wrapped for this request and key.
    """
    if agent_token is not None:
        return _by_token(store, named_agents, caller, agent_id, agent_token, request_id)
    if agent_id is None:
        return Subject(_RUNNER_PREFIX + caller.key.name, "runner")
    if _may_speak_for(store, named_agents, caller, agent_id):
        return Subject(agent_id, "runner-key")
    return _refused(agent_id, "runner-key", f"the runner key {caller.key.name} may not speak for {agent_id}", caller)


def _by_token(
    store: Store,
    named_agents: Callable[[], frozenset[str]],
    caller: Caller,
    agent_id: str | None,
    agent_token: str,
    request_id: str | None,
) -> Subject:
    if not agent_token.startswith(_WRAPPED) and not caller.is_private:
        why = "an agent token in clear is taken over TLS or a local socket only"
        raise ProtocolError(ErrorCode.BAD_REQUEST, why, "wrap the token, as a current Runner does")
    token = unwrap_token(caller.key, agent_token, request_id=request_id or "")
    agent = store.agent_by_token(token)
    if agent is None:
        return _refused(agent_id, "token", "the agent token is not known", caller)
    if agent.is_revoked:
        refusal = (ReasonCode.SESSION_REVOKED, f"the agent {agent.agent_id} is revoked", "ask the operator")
        return Subject(None, "token", agent.agent_id, refusal)
    if agent_id is not None and agent_id != agent.agent_id:
        return _refused(agent_id, "token", f"the token is {agent.agent_id}'s, not {agent_id}'s", caller)
    if not _may_speak_for(store, named_agents, caller, agent.agent_id):
        why = f"the runner key {caller.key.name} may not speak for {agent.agent_id}"
        return _refused(agent.agent_id, "token", why, caller)
    return Subject(agent.agent_id, "token")


def _may_speak_for(store: Store, named_agents: Callable[[], frozenset[str]], caller: Caller, agent_id: str) -> bool:
    if agent_id.startswith(_RUNNER_PREFIX):
        return agent_id == _RUNNER_PREFIX + caller.key.name  # a Runner's own identity: no pattern and no list gives it away
    if matches_any(caller.agents, agent_id):
        return True
    # The published `--api-key` has no list of agents; it may speak for those that the operator named somewhere.
    is_published = caller.key.name == DEFAULT_KEY_NAME and caller.agents == DEFAULT_AGENTS
    return is_published and (agent_id in named_agents() or any(agent.agent_id == agent_id for agent in store.agents()))


def _refused(claimed: str | None, source: str, why: str, caller: Caller) -> Subject:
    grant_step = f"janee runner add {caller.key.name} --agents '{claimed}'"
    step = grant_step if claimed else "give the agent a token: janee agent add ID"
    return Subject(None, source, claimed, (ReasonCode.IDENTITY_UNVERIFIED, why, step))
