"""Who the agent of a call is, as the transport proves it, and how that is said to the Authority.

Guarantees: on stdio the agent is the one that the Runner's own configuration names, or nobody in particular (the Authority then
takes `runner:<key name>`); over HTTP it is whoever holds the bearer token that came with this very request. A token crosses to
the Authority only encrypted under the runner key and tied to its request. A name that the client claims is passed on as
claimed. It never decides who may do what.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field

from janee.seal import RunnerKey, wrap_token
from janee.secret import Secret


@dataclass(frozen=True, slots=True)
class Caller:
    """agent_id: by configuration. token: by the transport. claimed: MCP clientInfo.name, cut to what may be recorded."""

    agent_id: str | None = None
    token: Secret | None = field(default=None, repr=False)
    claimed: str | None = None

    def proof(self, key: RunnerKey, request_id: str) -> dict[str, str]:
        """The identity fields (snake_case) of a message to the Authority with this request id."""
        fields: dict[str, str] = {}
        if self.token is not None:
            fields["agent_token"] = wrap_token(key, self.token, request_id=request_id, nonce=os.urandom(12))
        elif self.agent_id is not None:
            fields["agent_id"] = self.agent_id
        if self.claimed:
            fields["claimed_agent"] = self.claimed
        return fields


def claimed_name(name: object) -> str | None:
    """A client's own name for the audit record: printable, at most 128 characters, or None."""
    if not isinstance(name, str):
        return None
    return "".join(character for character in name if character.isprintable())[:128] or None


def token_fingerprint(token: Secret) -> str:
    """What a session remembers of its token: enough to see another one, too little to use."""
    return hashlib.sha256(b"janee-session\0" + token.expose()).hexdigest()
