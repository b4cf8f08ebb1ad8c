"""Why a request of a command is not sent, or its answer not passed on, in words for the command's own output."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from janee.errors import JaneeError


class Refusal(StrEnum):
    """The code of a refusal; it is in the audit record too."""

    HOST_NOT_ALLOWED = "HOST_NOT_ALLOWED"
    RULE_DENY = "RULE_DENY"
    POLICY_CHANGED = "POLICY_CHANGED"
    SESSION_REVOKED = "SESSION_REVOKED"
    GRANT_ENDED = "GRANT_ENDED"
    KEY_REVOKED = "KEY_REVOKED"
    PLACEHOLDER_MISPLACED = "PLACEHOLDER_MISPLACED"
    SIGNATURE_UNSUPPORTED = "SIGNATURE_UNSUPPORTED"
    REQUEST_MALFORMED = "REQUEST_MALFORMED"
    RESPONSE_REFUSED = "RESPONSE_REFUSED"
    TOO_MUCH = "TOO_MUCH"
    UPSTREAM_FAILED = "UPSTREAM_FAILED"
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT"
    MISSING_SECRET = "MISSING_SECRET"  # noqa: S105 - a code


_STATUS: Final = {
    Refusal.REQUEST_MALFORMED: 400,
    Refusal.SIGNATURE_UNSUPPORTED: 400,
    Refusal.TOO_MUCH: 413,
    Refusal.RESPONSE_REFUSED: 502,
    Refusal.UPSTREAM_FAILED: 502,
    Refusal.MISSING_SECRET: 502,
    Refusal.UPSTREAM_TIMEOUT: 504,
}


class RefusedError(JaneeError):
    """A request is refused. alarm: where a placeholder stood that must not be there, or None."""

    def __init__(self, code: Refusal, message: str, next_step: str = "", *, alarm: str | None = None) -> None:
        super().__init__(code.value, message, next_step)
        self.refusal = code
        self.alarm = alarm

    def to_wire(self) -> dict[str, Any]:
        """The HEAD of the answer."""
        status = _STATUS.get(self.refusal, 403)
        return {"refused": {"code": self.code, "message": self.message, "nextStep": self.hint, "status": status}}


def malformed(why: str) -> RefusedError:
    return RefusedError(Refusal.REQUEST_MALFORMED, why, "send the request in its plain form")


def misplaced(where: str) -> RefusedError:
    return RefusedError(
        Refusal.PLACEHOLDER_MISPLACED,
        f"the placeholder of the credential stands in {where}, where the credential must not go",
        "put it only where the service's auth type has it; the operator finds this in: janee audit list",
        alarm=where,
    )
