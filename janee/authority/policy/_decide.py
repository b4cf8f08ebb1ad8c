"""The decision: who may do what, now, under this policy. Pure: values in, a `Decision` out.

Guarantees
- What is not named is denied: capability, agent, mode, command, method and path, sandbox level.
- The first check that fails decides; every check leaves a step in the trace; `explain` shows this same decision.
- An exception in a check is a denial (RULE_DENY), never a pass.

Rate limits, revoked sessions and single use need state: they are the grant book's (`janee.authority.grants`), after an allow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from janee.authority.policy._argv import CompiledRule
from janee.authority.policy._command import check_command, is_plain_path, is_workspace
from janee.authority.policy._compile import CompiledCapability, Policy
from janee.authority.policy._decision import Decision, ExecQuery, HttpQuery, HttpTarget, RefusalError, Trace
from janee.authority.policy._glob import glob_matches
from janee.authority.policy._http import METHODS, HttpRuleError, clean_headers, split_target, verify_body
from janee.authority.policy._path import PathError
from janee.authority.policy._tool import ToolEntry
from janee.config.schema import Access, AuthType, Delivery, Mode
from janee.profiles import Hardening
from janee.protocol import ReasonCode, SandboxLevel

Query = ExecQuery | HttpQuery
Q = TypeVar("Q", ExecQuery, HttpQuery)
_AUTH_HEADERS: Final = ("authorization",)


def decide_exec(policy: Policy, query: ExecQuery) -> Decision:
    """Decide whether a command may run; never raises."""
    return _decide(policy, query, Mode.EXEC, _exec_checks)


def decide_http(policy: Policy, query: HttpQuery) -> Decision:
    """Decide whether a request may be sent; an allow carries the exact `target`; never raises."""
    return _decide(policy, query, Mode.PROXY, _http_checks)


def may_see(compiled: CompiledCapability, agent_id: str | None) -> bool:
    """Whether an agent may know of a capability: exactly if it may use it."""
    try:
        _check_agent(compiled, agent_id, Trace())
    except RefusalError:
        return False
    return True


def _decide(
    policy: Policy, query: Q, mode: Mode, checks: Callable[[CompiledCapability, Q, Trace], HttpTarget | Hardening | None]
) -> Decision:
    trace = Trace()
    compiled = policy.capabilities.get(query.capability_id)
    try:
        if compiled is None:
            raise RefusalError(
                ReasonCode.CAPABILITY_NOT_FOUND,
                f"no capability is named {query.capability_id}",
                "see `janee list`; add it with `janee capability add`",
            )
        trace.note("capability", f"{query.capability_id} is a capability of the service {compiled.service.name}")
        _check_agent(compiled, query.agent_id, trace)
        _check_mode(compiled, mode, trace)
        _check_reason(compiled, query, trace)
        found = checks(compiled, query, trace)
        _check_approval(compiled, trace)
    except RefusalError as refusal:
        return _deny(query, compiled, trace, refusal)
    except Exception as error:  # a check that fails is a check that did not pass
        why = f"the policy failed with {type(error).__name__}"
        return _deny(query, compiled, trace, RefusalError(ReasonCode.RULE_DENY, why, "report this as a bug"))
    limit = compiled.capability.rate_limit
    if limit is not None:
        trace.note("rate", f"{limit.count} in {limit.per_s} s, counted when used", "skip")
    last = trace.steps()[-1 if limit is None else -2].detail
    return Decision(
        allowed=True,
        capability_id=query.capability_id,
        agent_id=query.agent_id,
        reason_code=None,
        evaluated_policy=last,
        next_step="",
        policy_hash=compiled.policy_hash,
        trace=trace.steps(),
        capability=compiled.capability,
        service=compiled.service,
        target=found if isinstance(found, HttpTarget) else None,
        hardening=found if isinstance(found, Hardening) else None,
    )


def overrule(decision: Decision, code: ReasonCode, policy: str, next_step: str) -> Decision:
    """The denial that takes the place of an allow when state (a rate, a session) says no."""
    trace = Trace()
    trace.note(_CHECK_OF_CODE.get(code, code.value.lower()), policy, "fail")
    steps = (*decision.trace, *trace.steps())
    return replace(
        decision,
        allowed=False,
        reason_code=code,
        evaluated_policy=policy,
        next_step=next_step,
        trace=steps,
        target=None,
        hardening=None,
    )


def refuse(query: Query, code: ReasonCode, policy: str, next_step: str) -> Decision:
    """A denial made before any policy could be looked at."""
    return _deny(query, None, Trace(), RefusalError(code, policy, next_step))


_CHECK_OF_CODE: Final = {
    ReasonCode.CAPABILITY_NOT_FOUND: "capability",
    ReasonCode.AGENT_NOT_ALLOWED: "agent",
    ReasonCode.IDENTITY_UNVERIFIED: "agent",
    ReasonCode.MODE_MISMATCH: "mode",
    ReasonCode.REASON_REQUIRED: "reason",
    ReasonCode.COMMAND_NOT_ALLOWED: "command",
    ReasonCode.EXECUTABLE_NOT_TRUSTED: "executable",
    ReasonCode.RULE_DENY: "rules",
    ReasonCode.SANDBOX_TOO_WEAK: "sandbox",
    ReasonCode.RATE_LIMITED: "rate",
    ReasonCode.SESSION_REVOKED: "session",
    ReasonCode.POLICY_CHANGED: "policy",
    ReasonCode.APPROVAL_REQUIRED: "approval",
}


def _deny(query: Query, compiled: CompiledCapability | None, trace: Trace, refusal: RefusalError) -> Decision:
    trace.note(_CHECK_OF_CODE.get(refusal.code, refusal.code.value.lower()), refusal.policy, "fail")
    return Decision(
        allowed=False,
        capability_id=query.capability_id,
        agent_id=query.agent_id,
        reason_code=refusal.code,
        evaluated_policy=refusal.policy,
        next_step=refusal.next_step,
        policy_hash=compiled.policy_hash if compiled else None,
        trace=trace.steps(),
        capability=compiled.capability if compiled else None,
        service=compiled.service if compiled else None,
    )


# --- checks of every query --------------------------------------------------------------------------------------------


def _check_agent(compiled: CompiledCapability, agent_id: str | None, trace: Trace) -> None:
    capability = compiled.capability
    if agent_id is None:
        raise RefusalError(
            ReasonCode.IDENTITY_UNVERIFIED,
            "nothing proves who the agent is",
            "start the Runner with --agent ID, or give the agent a token (`janee agent add ID`)",
        )
    for pattern in capability.allowed_agents:
        if glob_matches(pattern, agent_id):
            trace.note("agent", f"{agent_id} matches allowedAgents {pattern}")
            return
    if not capability.allowed_agents and compiled.access is Access.OPEN:
        trace.note("agent", "access is open to every proven agent")
        return
    allowed = ", ".join(capability.allowed_agents) or "nobody"
    raise RefusalError(
        ReasonCode.AGENT_NOT_ALLOWED,
        f"allowedAgents of {capability.name}: {allowed}",
        f"allow it: janee capability edit {capability.name} --agent '{agent_id}'",
    )


def _check_mode(compiled: CompiledCapability, mode: Mode, trace: Trace) -> None:
    capability = compiled.capability
    if capability.mode is not mode:
        tool = "janee_exec" if capability.mode is Mode.EXEC else "janee_execute"
        raise RefusalError(
            ReasonCode.MODE_MISMATCH,
            f"the mode of {capability.name} is {capability.mode.value}",
            f"use {tool}, or another capability",
        )
    trace.note("mode", f"the mode is {mode.value}")


def _check_reason(compiled: CompiledCapability, query: Query, trace: Trace) -> None:
    if not compiled.capability.requires_reason:
        return
    if query.reason is not None and query.reason.strip():
        trace.note("reason", "a reason is given")
    elif query.is_hypothetical:
        trace.note("reason", "a reason is required with every use", "skip")
    else:
        raise RefusalError(
            ReasonCode.REASON_REQUIRED,
            f"{compiled.capability.name} requires a reason",
            "ask again with `reason`: what this is for",
        )


def _check_approval(compiled: CompiledCapability, trace: Trace) -> None:
    name = compiled.capability.name
    if not compiled.capability.auto_approve:
        raise RefusalError(
            ReasonCode.APPROVAL_REQUIRED,
            f"{name} needs a person's approval (autoApprove: false), and nobody can be asked yet",
            f"allow it without: janee capability edit {name} --auto-approve",
        )


# --- exec -------------------------------------------------------------------------------------------------------------


def _exec_checks(compiled: CompiledCapability, query: ExecQuery, trace: Trace) -> Hardening | None:
    _check_delivery(compiled, query, trace)
    entry: CompiledRule | ToolEntry | None = None
    if query.command is None:
        trace.note("command", "no command was asked about", "skip")
    else:
        roots = tuple(root for root in (compiled.capability.work_dir or query.cwd,) if root and is_workspace(root))
        entry = check_command(compiled, query.command, roots, trace)
    _check_cwd(compiled, query, trace)
    _check_executable(query, trace)
    _check_sandbox(compiled, query, trace)
    if entry is not None:
        trace.note("command", f"allowed by {entry.text}")
    return entry.tool.profile.harden if isinstance(entry, ToolEntry) else None


_DELIVERIES: Final = {
    Delivery.ENV: "the credential is given by environment variables",
    Delivery.FILE: "the credential is given in private files, their paths by environment variables",
    Delivery.SECRETLESS: "the credential stays in the Authority; the command gets a placeholder",
}


def _check_delivery(compiled: CompiledCapability, query: ExecQuery, trace: Trace) -> None:
    capability = compiled.capability
    delivery = capability.delivery
    by_env = f"janee capability edit {capability.name} --delivery env"
    if delivery is not Delivery.ENV and not query.is_hypothetical and not query.needs_executable:
        raise RefusalError(
            ReasonCode.RULE_DENY,
            f"the delivery {delivery.value} needs a Runner that takes sealed grants",
            f"use a current Runner, or: {by_env}",
        )
    # Elsewhere nothing can listen for the command without the host's network beside it.
    level = query.sandbox or (SandboxLevel.STRICT if query.is_hypothetical else SandboxLevel.OFF)
    if delivery is Delivery.SECRETLESS and level is not SandboxLevel.STRICT:
        raise RefusalError(
            ReasonCode.SANDBOX_TOO_WEAK,
            f"the delivery secretless needs the sandbox level strict, the Runner offers {level.value}",
            f"start the Runner with --sandbox strict, or give the credential away: {by_env}",
        )
    trace.note("delivery", _DELIVERIES[delivery])


def _check_cwd(compiled: CompiledCapability, query: ExecQuery, trace: Trace) -> None:
    cwd, work_dir = query.cwd, compiled.capability.work_dir
    if cwd is None:
        return
    if not is_plain_path(cwd):
        raise RefusalError(ReasonCode.RULE_DENY, "cwd is not a plain absolute path", "give an absolute path without `..`")
    if work_dir is not None and cwd != work_dir and not cwd.startswith(work_dir.rstrip("/") + "/"):
        raise RefusalError(
            ReasonCode.RULE_DENY, f"workDir of {compiled.capability.name}: {work_dir}", f"use a cwd in {work_dir}"
        )
    trace.note("cwd", "cwd is a plain path" if work_dir is None else f"cwd lies in {work_dir}")


def _check_executable(query: ExecQuery, trace: Trace) -> None:
    if query.executable is None:
        if query.is_hypothetical or not query.needs_executable:
            trace.note("executable", "the Runner finds it when the command is used", "skip")
            return
        raise RefusalError(
            ReasonCode.EXECUTABLE_NOT_TRUSTED,
            "the Runner found no executable of that name that it trusts",
            "install it on the Runner in a directory that only root can write, such as /usr/bin",
        )
    name = (query.command or ("",))[0]
    same = query.executable == name if "/" in name else query.executable.rpartition("/")[2] == name
    if not is_plain_path(query.executable) or not same:
        raise RefusalError(
            ReasonCode.EXECUTABLE_NOT_TRUSTED,
            "the executable that the Runner names is not the command's",
            "check the Runner's search path",
        )
    trace.note("executable", f"the Runner trusts {query.executable}")


def _check_sandbox(compiled: CompiledCapability, query: ExecQuery, trace: Trace) -> None:
    least = SandboxLevel(compiled.capability.min_sandbox)
    if query.sandbox is None and query.is_hypothetical:
        trace.note("sandbox", f"at least {least.value} is required", "skip")
        return
    level = query.sandbox or SandboxLevel.OFF  # a Runner that says nothing has none
    if level.strength < least.strength:
        raise RefusalError(
            ReasonCode.SANDBOX_TOO_WEAK,
            f"{compiled.capability.name} needs the sandbox level {least.value}, the Runner offers {level.value}",
            f"start the Runner with --sandbox {least.value}, or set minSandbox: {level.value}",
        )
    trace.note("sandbox", f"the level {level.value} is at least {least.value}")


# --- http -------------------------------------------------------------------------------------------------------------


def _http_checks(compiled: CompiledCapability, query: HttpQuery, trace: Trace) -> HttpTarget | None:
    name = compiled.capability.name
    if query.method is None or query.path is None:
        trace.note("rules", "no method and path were asked about", "skip")
        return None
    method = query.method.upper()
    if method not in METHODS:
        raise RefusalError(ReasonCode.RULE_DENY, f"the methods are {', '.join(METHODS)}", "use one of them")
    try:
        path, query_string = split_target(query.path, query.query)
        headers = clean_headers(query.headers, _reserved_headers(compiled))
        verify_body(query.body, headers)
    except (PathError, HttpRuleError) as error:
        raise RefusalError(ReasonCode.RULE_DENY, str(error), "send the request in its plain form") from None
    trace.note("target", f"the request is plain: {method} {_cut(path)}")
    hint = f"allow it: janee capability edit {name} --allow '{method} {_cut(path, 200)}'"
    for rule in compiled.deny:
        if rule.denies(method, path):
            raise RefusalError(
                ReasonCode.RULE_DENY, f"deny rule of {name}: {rule.text}", "ask the operator; deny rules come first"
            )
    for rule in compiled.allow:
        if rule.allows(method, path):
            trace.note("rules", f"allowed by {rule.text}")
            return HttpTarget(method, path, query_string, headers)
    rules = "; ".join(rule.text for rule in compiled.allow) or "none, so it allows nothing"
    raise RefusalError(ReasonCode.RULE_DENY, f"allow rules of {name}: {_cut(rules)}", hint)


def _reserved_headers(compiled: CompiledCapability) -> tuple[str, ...]:
    auth = compiled.service.auth
    return (*_AUTH_HEADERS, *(auth.secret_fields if auth.type is AuthType.HEADERS else ()))


def _cut(text: str, most: int = 600) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
