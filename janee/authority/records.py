"""The audit records of a request: which fields they have, and that no secret is in them.

Guarantees: what an agent wrote (argv, reason, path) is scrubbed with the service's own values before it goes into a record.
It never writes: a `Transaction` is passed in where records are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from janee.authority.callers import Caller, Subject
from janee.authority.delivery import scrub_values
from janee.authority.grants import GrantPlan
from janee.authority.policy import Decision
from janee.authority.store import GrantRow, Transaction
from janee.config.schema import Service
from janee.errors import JaneeError
from janee.protocol import AuthorizeRequest, Completion, ErrorCode, Grant, Outcome
from janee.scrubber import Scrubber
from janee.secret import Secret


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


def scrub_fields(service: Service | None, secrets: Mapping[str, Secret], fields: dict[str, Any]) -> dict[str, Any]:
    """`fields` without the service's secrets: what an agent writes may hold one that leaked elsewhere."""
    if service is None or not secrets:
        return fields
    values = [secret.expose() for secret in scrub_values(service.auth, secrets)]
    if not values or sum(len(text) for text in _texts(fields.values())) < min(map(len, values)):
        return fields  # too short to hold any form of any of them
    clean = Scrubber(values, min_length=1).scrub_json(fields)
    return dict(clean)


def _texts(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _texts([*value.keys(), *value.values()])
        elif isinstance(value, (tuple, list)):
            yield from _texts(value)


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


def audit_completion(tx: Transaction, row: GrantRow, completion: Completion, outcome: Outcome) -> None:
    common = grant_fields(row)
    if outcome is Outcome.REFUSED:
        tx.audit("grant.refused", **common, code=ErrorCode.GRANT_MISMATCH.value, detail=completion.error)
    else:
        tx.audit("exec.started", **common, startedAt=completion.started_at[:64])
        tx.audit(
            "exec.scrubbed",
            **common,
            stdoutBytes=completion.stdout_bytes,
            stderrBytes=completion.stderr_bytes,
            scrubbedStdoutHits=completion.scrubbed_stdout_hits,
            scrubbedStderrHits=completion.scrubbed_stderr_hits,
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
        error=completion.error,
        # What the Runner says it did, where it differs from what was granted: an alarm for whoever reads the log.
        policyHashReported=_if_other(completion.policy_hash, row.policy_hash),
        sandboxReported=_if_other(completion.sandbox, row.sandbox),
    )


def _if_other(reported: str | None, granted: str) -> str | None:
    return reported if reported is not None and reported != granted else None
