"""The audit records of a request: which fields they have, and how long they may be.

Guarantees: a command stands whole in the first record of an allowed request alone; in the others, and in all of a refused one,
it and whatever else the agent wrote is cut, so that an agent cannot fill the disk. What is cut has been scrubbed before.
It never writes and knows no secret: `janee.authority.masks` scrubs, a `Transaction` is passed in where records are made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from janee.authority.callers import Caller, Subject
from janee.authority.grants import GrantPlan
from janee.authority.masks import Masks
from janee.authority.policy import Decision
from janee.authority.store import GrantRow, Transaction
from janee.errors import JaneeError
from janee.protocol import AuthorizeRequest, Completion, ErrorCode, Grant, Outcome
from janee.scrubber import Scrubber

MAX_SHOWN: Final = 2048  # bytes of a command, characters of another text
MAX_REFUSED: Final = 512  # characters of another text of a refused request
_ARGUMENT_COST: Final = 8  # of an empty argument in a list: quotes, comma, and some


def common_fields(
    caller: Caller, subject: Subject, runner_id: str, request_id: str | None, claimed: str | None, decision: Decision
) -> dict[str, Any]:
    """The fields that every record of a request has."""
    return {
        "requestId": request_id,
        "agent": subject.agent_id,
        "agentClaimed": claimed if claimed is not None else subject.claimed,
        "identitySource": subject.source,
        "runner": caller.key.name,
        "runnerId": runner_id,
        "capability": decision.capability_id,
        "policyHash": decision.policy_hash,
    }


def decided(decision: Decision, failure: JaneeError | None) -> dict[str, Any]:
    """The fields of a `….decided` record."""
    if decision.allowed and failure is not None:
        return {"decision": "deny", "reasonCode": failure.code, "detail": failure.message}
    return {
        "decision": "allow" if decision.allowed else "deny",
        "reasonCode": decision.reason_code.value if decision.reason_code else None,
        "detail": decision.evaluated_policy,
    }


def is_short(command: Sequence[str]) -> bool:
    """Whether a command need not be cut."""
    return sum(map(len, command)) + len(command) <= MAX_SHOWN // 4  # 4: the most bytes that a character has


def long_command(scrubber: Scrubber, command: Sequence[str]) -> dict[str, Any]:
    """The fields `command`, scrubbed and cut, and if it is cut `commandSha256`: of the scrubbed arguments, NUL between them."""
    shown: list[str] = []
    room = MAX_SHOWN
    for argument in command:
        text = scrubber.scrub_text(argument)
        room -= len(text.encode("utf-8", "surrogatepass")) + _ARGUMENT_COST
        if room < 0:
            shown.append(shorten(text, max(_ARGUMENT_COST, room + len(text))))
            break
        shown.append(text)
    if room >= 0:
        return {"command": shown}
    whole = scrubber.scrub("\0".join(command).encode("utf-8", "surrogatepass"))[0]
    note = f"… ({len(command)} arguments, {len(whole)} bytes)"
    return {"command": [*shown, note], "commandSha256": hashlib.sha256(whole).hexdigest()}


def shorten(text: str, most: int = MAX_SHOWN) -> str:
    """At most `most` characters, and how many were left out."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def short_fields(fields: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Scrubbed texts, in lists and objects too, each cut; an object or list that stays too long is replaced by its size."""
    result: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, str):
            result[name] = shorten(value, most)
        elif isinstance(value, Mapping | list | tuple) and len(json.dumps(value)) > most:
            result[name] = f"… ({len(json.dumps(value))} characters)"
        else:
            result[name] = value
    return result


def executable_fields(request: AuthorizeRequest) -> dict[str, str] | None:
    return {"path": request.executable.path, "sha256": request.executable.sha256} if request.executable else None


def issued_fields(plan: GrantPlan, grant: Grant) -> dict[str, Any]:
    return {
        "expiresAt": plan.context.expires_at,
        "delivery": plan.constraints.delivery,
        "sealed": grant.sealed is not None,
        "timeoutMs": plan.context.timeout_ms,
    }


def grant_fields(row: GrantRow) -> dict[str, Any]:
    return {
        "grantId": row.grant_id,
        "requestId": row.request_id,
        "agent": row.agent_id,
        "runner": row.runner_key,
        "runnerId": row.runner_id,
        "capability": row.capability,
        "command": row.command,
        "policyHash": row.policy_hash,
        "sandbox": row.sandbox,
    }


def audit_completion(tx: Transaction, masks: Masks, row: GrantRow, completion: Completion, outcome: Outcome) -> None:
    common = masks.clean(grant_fields(row))
    said = masks.clean(
        {
            "startedAt": completion.started_at,
            "error": completion.error,
            # The Runner's own count; what went through the gateway is on record one by one besides.
            "network": [host.to_wire() for host in completion.network] or None,
            # What the Runner says it did, where it differs from what was granted: an alarm for whoever reads the log.
            "policyHashReported": _if_other(completion.policy_hash, row.policy_hash),
            "sandboxReported": _if_other(completion.sandbox, row.sandbox),
        }
    )
    started_at = said.pop("startedAt")
    if outcome is Outcome.REFUSED:
        tx.audit("grant.refused", **common, code=ErrorCode.GRANT_MISMATCH.value, detail=said["error"])
    else:
        tx.audit("exec.started", **common, startedAt=shorten(started_at, 64))
        tx.audit(
            "exec.scrubbed",
            **common,
            stdoutBytes=completion.stdout_bytes,
            stderrBytes=completion.stderr_bytes,
            scrubbedStdoutHits=completion.scrubbed_stdout_hits,
            scrubbedStderrHits=completion.scrubbed_stderr_hits,
            placeholderHits=completion.placeholder_hits or None,
            truncated=completion.truncated,
        )
    tx.audit(
        "exec.completed",
        **common,
        outcome=outcome.value,
        exitCode=completion.exit_code,
        signal=completion.signal,
        durationMs=completion.duration_ms,
        timedOut=completion.timed_out,
        **said,
    )


def _if_other(reported: str | None, granted: str) -> str | None:
    return reported if reported is not None and reported != granted else None
