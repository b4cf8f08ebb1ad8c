"""Grants: one authorised execution each. Pure: from a decision to what is stored, sealed and sent.

Guarantees: a grant names everything that it is exact about (invariant 3), in the very form that the Executor checks; its life
is issued → completed | refused | abandoned, once (the store's compare-and-set keeps that, also between two Authorities). It
never decides whether there shall be a grant (`janee.authority.policy`) and stores nothing.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from janee.authority.policy import CompiledCapability
from janee.authority.store import GrantRow
from janee.profiles import Hardening
from janee.protocol import (
    AuthorizeRequest,
    Completion,
    Constraints,
    Grant,
    HardeningConstraints,
    Outcome,
    SandboxConstraints,
    SandboxLevel,
)
from janee.seal import GrantContext, SealedContent, constraints_digest, seal_content

GRANT_LIFE_S: Final = 60.0  # from the decision to the start of the command
REPORT_GRACE_S: Final = 60.0  # from the latest possible end of the command to `abandoned`

ISSUED: Final = "issued"
COMPLETED: Final = "completed"
REFUSED: Final = "refused"
ABANDONED: Final = "abandoned"


@dataclass(frozen=True, slots=True)
class GrantPlan:
    """All of a grant but its secrets: what the Executor checks, what is bound into the seal, what is stored."""

    constraints: Constraints
    context: GrantContext
    row: GrantRow


def new_grant_id(entropy: bytes) -> str:
    """entropy: at least 16 random bytes."""
    return "g_" + base64.urlsafe_b64encode(entropy).rstrip(b"=").decode()


def plan_grant(
    request: AuthorizeRequest,
    compiled: CompiledCapability,
    *,
    agent_id: str,
    runner_key: str,
    audited_command: tuple[str, ...],
    grant_id: str,
    now: float,
    hardening: Hardening | None = None,
) -> GrantPlan:
    """Plan the grant of an allowed request. now: seconds since the epoch; audited_command: scrubbed, for the record only.

    hardening: of the profile by which the command is allowed.
    """
    capability = compiled.capability
    level = request.runner.sandbox or SandboxLevel.OFF
    timeout_ms = min(request.timeout_ms or capability.timeout_ms, capability.timeout_ms)
    expires_at = now + GRANT_LIFE_S
    constraints = Constraints(
        policy_hash=compiled.policy_hash,
        executable=request.command[0],  # the file behind it (path, digest) is bound into the seal
        command=request.command,
        cwd=request.cwd,
        sandbox=SandboxConstraints(
            level=level,
            network=compiled.network,
            workspace=capability.workspace.value,
            work_dir=capability.work_dir,
            limits=dict(capability.limits),
            allow_private=compiled.service.allow_private,
        ),
        delivery=capability.delivery.value,
        egress=compiled.egress,
        pass_env=capability.pass_env,
        hardening=_orders(hardening, compiled.service.base_url),
    )
    context = GrantContext(
        grant_id=grant_id,
        expires_at=format_time(expires_at),
        runner_key=runner_key,
        runner_id=request.runner.runner_id,
        agent_id=agent_id,
        capability_id=capability.name,
        policy_hash=compiled.policy_hash,
        command=request.command,
        executable=(request.executable.path, request.executable.sha256) if request.executable else None,
        cwd=request.cwd,
        sandbox_level=level.value,
        constraints_digest=constraints_digest(constraints.to_wire()),
        timeout_ms=timeout_ms,
    )
    row = GrantRow(
        grant_id=grant_id,
        runner_key=runner_key,
        runner_id=request.runner.runner_id,
        agent_id=agent_id,
        capability=capability.name,
        policy_hash=compiled.policy_hash,
        command=audited_command,
        request_id=request.request_id,
        sandbox=level.value,
        issued_at=now,
        expires_at=expires_at,
        deadline=expires_at + timeout_ms / 1000 + REPORT_GRACE_S,
        state=ISSUED,
    )
    return GrantPlan(constraints, context, row)


def sealed_grant(plan: GrantPlan, content: SealedContent, seal_to: str) -> Grant:
    """The grant that only one Executor can open. Raises ProtocolError BAD_REQUEST: `seal_to` is no key."""
    return _grant(plan, sealed=seal_content(seal_to, content, plan.context))


def plain_grant(plan: GrantPlan, content: SealedContent) -> Grant:
    """The grant of an original Runner, with its secrets in clear: only for `--allow-plaintext-grants`."""
    return _grant(
        plan,
        env_injections={name: value.expose_text() for name, value in content.env.items()},
        scrub_values=tuple(value.expose_text() for value in content.scrub_values),
    )


def _grant(
    plan: GrantPlan,
    *,
    sealed: str | None = None,
    env_injections: dict[str, str] | None = None,
    scrub_values: tuple[str, ...] | None = None,
) -> Grant:
    context = plan.context
    return Grant(
        grant_id=context.grant_id,
        grant_expires_at=context.expires_at,
        effective_timeout_ms=context.timeout_ms,
        agent_id=context.agent_id,
        runner_key=context.runner_key,
        constraints=plan.constraints,
        sealed=sealed,
        env_injections=env_injections,
        scrub_values=scrub_values,
    )


def outcome_of(completion: Completion) -> Outcome:
    """How the execution ended; original Runners do not say it in a word."""
    if completion.outcome is not None:
        return completion.outcome
    if completion.timed_out:
        return Outcome.TIMED_OUT
    return Outcome.FAILED if completion.exit_code in (None, -1) and completion.signal is None else Outcome.COMPLETED


def format_time(now: float) -> str:
    """RFC 3339, UTC, microseconds."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _orders(hardening: Hardening | None, base_url: str) -> HardeningConstraints | None:
    if hardening is None:
        return None
    url = urlsplit(base_url)
    of_service = {"{{baseUrl}}": base_url, "{{origin}}": f"{url.scheme}://{url.netloc}"}
    env = {name: of_service.get(value, value) for name, value in hardening.env.items()}
    return HardeningConstraints(env=env, insert=hardening.insert, programs=hardening.programs, files=dict(hardening.files))
