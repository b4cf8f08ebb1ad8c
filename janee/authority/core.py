"""What the Authority does, call by call, without HTTP: authorize, complete, explain, list, sweep.

Guarantees
- Audit before act: a grant is returned only after its decision, and itself, are durable; a decision that cannot be written is a
  denial (StoreError AUDIT_UNAVAILABLE reaches the caller, nothing else does).
- The identity that is decided about is one that the transport proves; what is merely claimed is recorded as claimed.
- No record holds a secret: whatever a caller wrote is scrubbed with every stored secret (`janee.authority.masks`) first.
- An agent that is denied too often is refused everything for the rest of the minute, and no longer fills the log.
It never speaks HTTP (`janee.authority.api`) and never decides (`janee.authority.policy`).
One thread: the event loop's. Each call is a few hundred microseconds and one fsync.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

import janee
from janee.authority import grants
from janee.authority.callers import Caller, Subject, identify
from janee.authority.crowding import DenialLimit
from janee.authority.delivery import StandIns, build_content, scrub_values
from janee.authority.denial import DecisionDenied
from janee.authority.egress.placeholder import placeholders
from janee.authority.masks import Masks, clean_fields
from janee.authority.policy import (
    CompiledCapability,
    Decision,
    ExecQuery,
    HttpQuery,
    Policy,
    decide_exec,
    decide_http,
    may_see,
    overrule,
    refuse,
)
from janee.authority.records import (
    MAX_REFUSED,
    MAX_SHOWN,
    audit_completion,
    common_fields,
    decided,
    executable_fields,
    grant_fields,
    is_short,
    issued_fields,
    long_command,
    short_fields,
)
from janee.authority.source import PolicySource
from janee.authority.store import Store, Transaction
from janee.authority.views import capability_info
from janee.config.schema import Auth, Delivery, Service
from janee.errors import ConfigError, JaneeError, ProtocolError, StoreError
from janee.profiles import Hardening
from janee.protocol import (
    AuthorizeRequest,
    Capabilities,
    Completion,
    ErrorCode,
    ExplainRequest,
    Explanation,
    Grant,
    Health,
    Outcome,
    ReasonCode,
)
from janee.secret import Secret

if TYPE_CHECKING:
    from janee.authority.upstream import Upstreams

_STATE_OF_OUTCOME: Final = {Outcome.REFUSED: grants.REFUSED, Outcome.ABANDONED: grants.ABANDONED}


@dataclass(frozen=True, slots=True)
class Settings:
    """How this Authority was started."""

    allow_plaintext_grants: bool = False


class Authority:
    """The calls. clock: seconds since the epoch; entropy: n random bytes."""

    def __init__(
        self,
        store: Store,
        source: PolicySource,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.store: Final = store
        self.settings: Final = settings
        self.clock: Final = clock
        self.masks: Final = Masks(store)
        self.denials: Final = DenialLimit()
        self._source = source
        self._entropy = entropy
        self._audit_works = True
        self.upstreams: Upstreams | None = None  # made by the first `execute`
        self.on_stop: list[Callable[[], Awaitable[None]]] = []
        self.on_grant_end: Callable[[str], None] = _ignore  # told of each grant that ends: the gateway cuts its streams

    async def stop_streams(self) -> None:
        """Cut what does not end by itself, so that the rest of the requests can end in peace."""
        for stop in self.on_stop:
            await stop()

    async def close(self) -> None:
        await self.stop_streams()
        if self.upstreams is not None:
            await self.upstreams.close()

    # --- exec

    def authorize(self, caller: Caller, request: AuthorizeRequest) -> Grant:
        """Decide about a command and issue its grant.

        Raises DecisionDenied; ProtocolError SEALING_REQUIRED, BAD_REQUEST; StoreError (nothing is granted).
        """
        now = self.clock()
        self._verify_sealing(request)
        subject = self.identify(caller, request.agent_id, request.agent_token, request.request_id)
        crowd = f"{caller.key.name}\n{subject.agent_id}"
        if self.denials.is_over(crowd, now):
            return self._refuse_unheard(caller, subject, request, crowd, now)
        decision, compiled = self._decide_exec(subject, request)
        secrets, problem = self.secrets_of(decision.service)
        failure: JaneeError | None = problem
        scrubber = self.masks.every()
        clean = clean_fields(  # all at once: looking is cheap, beginning to look is not
            scrubber,
            {
                "common": self._common(caller, subject, request, decision),
                "asked": {"reason": request.reason, "cwd": request.cwd, "executable": executable_fields(request)},
                "decided": decided(decision, None),
                "command": list(request.command) if is_short(request.command) else None,
            },
        )
        command = long_command(scrubber, request.command) if clean["command"] is None else {"command": clean["command"]}
        issued: tuple[grants.GrantPlan, Grant] | None = None
        if decision.allowed and failure is None and compiled is not None and subject.agent_id is not None:
            try:
                issued = self._prepare(
                    caller, request, compiled, subject.agent_id, secrets, tuple(command["command"]), now, decision.hardening
                )
            except (ProtocolError, StoreError) as error:  # an unusable sealTo: on record as any other refusal
                failure = error
        with self.transaction() as tx:
            before, decision = decision, self.apply_state(tx, caller, subject, decision, compiled, now)
            is_granted = decision.allowed and issued is not None
            is_same = decision is before and failure is None
            said = clean["decided"] if is_same else clean_fields(scrubber, decided(decision, failure))
            common = clean["common"] | command | {"sandbox": sandbox_of(request)}
            if is_granted and issued is not None:
                common["grantId"] = issued[1].grant_id
            first = clean["asked"] if is_granted else short_fields(clean["asked"], MAX_REFUSED)
            if is_granted and "commandSha256" in command:
                first |= {"command": scrubber.scrub_json(list(request.command))}
            tx.audit("exec.requested", **(common | first))
            tx.audit("exec.decided", **common, **short_fields(said, MAX_SHOWN))
            if is_granted and issued is not None:
                tx.insert_grant(issued[0].row)
                tx.audit("grant.issued", **common, **issued_fields(issued[0], issued[1]))
        if not is_granted:
            self.denials.note(crowd, now)
        return self._outcome(decision, failure, issued)

    def _refuse_unheard(self, caller: Caller, subject: Subject, request: AuthorizeRequest, crowd: str, now: float) -> NoReturn:
        """Refuse without a look at the policy; the first refusals of this kind are audited, then their number."""
        query = ExecQuery(request.capability_id, subject.agent_id, request.command)
        decision = refuse(query, *TOO_MANY_DENIALS)
        self.audit_crowding(crowd, self._common(caller, subject, request, decision), "exec.decided", decision, now)
        raise DecisionDenied(decision)

    def audit_crowding(self, crowd: str, common: dict[str, Any], event: str, decision: Decision, now: float) -> None:
        left_out = self.denials.to_record(crowd, now)
        if left_out is not None:
            with self.transaction() as tx:
                tx.audit(event, **self.masks.clean(common), **decided(decision, None), leftOut=left_out or None)

    def _outcome(self, decision: Decision, failure: JaneeError | None, issued: tuple[grants.GrantPlan, Grant] | None) -> Grant:
        if not decision.allowed:
            raise DecisionDenied(decision)
        if failure is not None:
            raise failure
        if issued is None:  # an allow without an agent or a capability cannot be; absence denies all the same
            raise DecisionDenied(overrule(decision, ReasonCode.RULE_DENY, "no grant was made", "report this as a bug"))
        return issued[1]

    def _verify_sealing(self, request: AuthorizeRequest) -> None:
        if request.runner.seal_to is None and not self.settings.allow_plaintext_grants:
            raise ProtocolError(
                ErrorCode.SEALING_REQUIRED,
                "the request names no key to seal the grant to (runner.sealTo)",
                "use a current Runner, or start the Authority with --allow-plaintext-grants",
            )

    def _decide_exec(self, subject: Subject, request: AuthorizeRequest) -> tuple[Decision, CompiledCapability | None]:
        query = ExecQuery(
            capability_id=request.capability_id,
            agent_id=subject.agent_id,
            command=request.command,
            cwd=request.cwd,
            reason=request.reason,
            executable=request.executable.path if request.executable else None,
            needs_executable=request.runner.seal_to is not None,
            sandbox=request.runner.sandbox,
        )
        if subject.refusal is not None:
            return refuse(query, *subject.refusal), None
        policy = self._policy()
        if policy is None:
            return refuse(query, *_NO_POLICY), None
        return decide_exec(policy, query), policy.capabilities.get(request.capability_id)

    def _prepare(
        self,
        caller: Caller,
        request: AuthorizeRequest,
        compiled: CompiledCapability,
        agent_id: str,
        secrets: Mapping[str, Secret],
        audited_command: tuple[str, ...],
        now: float,
        hardening: Hardening | None,
    ) -> tuple[grants.GrantPlan, Grant]:
        plan = grants.plan_grant(
            request,
            compiled,
            agent_id=agent_id,
            runner_key=caller.key.name,
            audited_command=audited_command,
            grant_id=grants.new_grant_id(self._entropy(18)),
            now=now,
            hardening=hardening,
        )
        stand_ins = None
        if compiled.capability.delivery is Delivery.SECRETLESS:
            stand_ins = StandIns(
                self.placeholders(compiled.service.auth, secrets, plan.context.grant_id),
                self.store.egress_key(plan.context.grant_id).key,
            )
        content = build_content(compiled.env, compiled.service.auth, secrets, compiled.capability.delivery, stand_ins)
        if request.runner.seal_to is None:
            return plan, grants.plain_grant(plan, content)
        return plan, grants.sealed_grant(plan, content, request.runner.seal_to)

    def complete(self, caller: Caller, completion: Completion) -> None:
        """Record how an execution ended, once.

        Raises ProtocolError GRANT_UNKNOWN, GRANT_FOREIGN, GRANT_COMPLETED (each audited); StoreError.
        """
        now = self.clock()
        outcome = grants.outcome_of(completion)
        with self.transaction() as tx:
            row = tx.grant(completion.grant_id)
            problem = None
            if row is None:
                problem = (ErrorCode.GRANT_UNKNOWN, "there is no such grant")
            elif row.runner_key != caller.key.name:
                problem = (ErrorCode.GRANT_FOREIGN, "the grant is another Runner's")
            elif not tx.finish_grant(completion.grant_id, _STATE_OF_OUTCOME.get(outcome, grants.COMPLETED), now):
                problem = (ErrorCode.GRANT_COMPLETED, f"the grant is {row.state} already")
            if problem is not None:
                code, detail = problem
                named = self.masks.clean({"grantId": completion.grant_id})
                tx.audit("grant.refused", **named, runner=caller.key.name, code=code.value, detail=detail)
            elif row is not None:
                audit_completion(tx, self.masks, row, completion, outcome)
        if problem is not None:
            raise ProtocolError(*problem, "nothing to do: every grant is reported once, by its own Runner")
        self.on_grant_end(completion.grant_id)

    def sweep(self) -> int:
        """Mark the grants that were never reported as abandoned; how many. Raises StoreError."""
        now = self.clock()
        if not self._audit_works:  # nobody asks an Authority that says it fails: it has to find out by itself
            with self.transaction() as tx:
                tx.audit("audit.recovered")
        candidates = self.store.abandoned_candidates(now)
        if not candidates:
            return 0
        marked = 0
        with self.transaction() as tx:
            for row in candidates:
                if tx.finish_grant(row.grant_id, grants.ABANDONED, now):
                    marked += 1
                    tx.audit("grant.abandoned", **self.masks.clean(grant_fields(row)), outcome=Outcome.ABANDONED.value)
            tx.prune(now)
        for row in candidates:
            self.on_grant_end(row.grant_id)
        return marked

    # --- questions

    def explain(self, caller: Caller, request: ExplainRequest) -> Explanation:
        """The decision that a request would get now; nothing is used up."""
        subject = self.identify(caller, request.agent_id, request.agent_token, request.request_id)
        if request.method is not None or request.path is not None:
            http = HttpQuery(request.capability_id, subject.agent_id, request.method, request.path, is_hypothetical=True)
            return self._explained(subject, http, lambda policy: decide_http(policy, http))
        query = ExecQuery(request.capability_id, subject.agent_id, request.command, is_hypothetical=True)
        return self._explained(subject, query, lambda policy: decide_exec(policy, query))

    def _explained(self, subject: Subject, query: ExecQuery | HttpQuery, decide: Callable[[Policy], Decision]) -> Explanation:
        if subject.refusal is not None:
            return refuse(query, *subject.refusal).explanation()
        policy = self._policy()
        return (refuse(query, *_NO_POLICY) if policy is None else decide(policy)).explanation()

    def capabilities(
        self, caller: Caller, *, agent_id: str | None, agent_token: str | None, request_id: str | None
    ) -> Capabilities:
        """What the agent may use; it learns of nothing else."""
        subject = self.identify(caller, agent_id, agent_token, request_id)
        policy = self._policy() if subject.refusal is None else None
        visible = [] if policy is None else [c for c in policy.capabilities.values() if may_see(c, subject.agent_id)]
        return Capabilities(
            agent_id=subject.agent_id,
            identity_source=subject.source,
            capabilities=tuple(capability_info(compiled) for compiled in visible),
        )

    def health(self) -> Health:
        return Health(ok=self._audit_works, version=janee.__version__, audit="ok" if self._audit_works else "failing")

    # --- shared with `janee.authority.execute`

    def identify(self, caller: Caller, agent_id: str | None, agent_token: str | None, request_id: str | None) -> Subject:
        return identify(
            self.store, self._named_agents, caller, agent_id=agent_id, agent_token=agent_token, request_id=request_id
        )

    def _named_agents(self) -> frozenset[str]:
        policy = self._policy()
        capabilities = policy.capabilities.values() if policy else ()
        return frozenset(a for c in capabilities for a in c.capability.allowed_agents if "*" not in a)

    def decide_http(self, subject: Subject, query: HttpQuery) -> tuple[Decision, CompiledCapability | None]:
        if subject.refusal is not None:
            return refuse(query, *subject.refusal), None
        policy = self._policy()
        if policy is None:
            return refuse(query, *_NO_POLICY), None
        return decide_http(policy, query), policy.capabilities.get(query.capability_id)

    def apply_state(
        self,
        tx: Transaction,
        caller: Caller,
        subject: Subject,
        decision: Decision,
        compiled: CompiledCapability | None,
        now: float,
    ) -> Decision:
        """What only the state knows: a revoked session, a rate used up. Counts the use if it stays allowed."""
        if subject.agent_id is None:
            return decision
        session = tx.touch_session(subject.agent_id, caller.key.name, now)
        if not decision.allowed or compiled is None:
            return decision
        if session.is_revoked:
            return overrule(
                decision, ReasonCode.SESSION_REVOKED, f"the session of {subject.agent_id} is revoked", "ask the operator"
            )
        limit = compiled.capability.rate_limit
        bucket = f"{compiled.capability.name}\n{subject.agent_id}"
        if limit is not None and not tx.hit_rate(bucket, limit, now):
            policy = f"rateLimit of {compiled.capability.name}: {limit.count} in {limit.per_s} s"
            return overrule(decision, ReasonCode.RATE_LIMITED, policy, "wait, or raise the limit")
        return decision

    def secrets_of(self, service: Service | None) -> tuple[Mapping[str, Secret], StoreError | None]:
        """All secrets of a service, or why they cannot be had."""
        if service is None:
            return {}, None
        try:
            secrets = {name: self.store.secret(service.name, name) for name in service.auth.secret_fields}
            scrub_values(service.auth, secrets)
            return secrets, None
        except StoreError as error:
            return {}, error

    def placeholders(self, auth: Auth, secrets: Mapping[str, Secret], grant_id: str) -> Mapping[str, Secret]:
        """What the command of a grant holds instead of a service's secrets, by field."""
        return placeholders(auth, secrets, lambda name: self.store.placeholder_seed(grant_id, name))

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """The store's transaction; remembers for `health` whether it could be written."""
        try:
            with self.store.transaction() as tx:
                yield tx
        except StoreError:
            self._audit_works = False
            raise
        self._audit_works = True

    def check_policy(self) -> None:
        """Compile the policy now, so that a problem is reported before the first request; and make ready what it takes."""
        self._policy()
        self.masks.every()

    def capability(self, name: str) -> CompiledCapability | None:
        """A capability of the policy in force."""
        policy = self._policy()
        return None if policy is None else policy.capabilities.get(name)

    def _policy(self) -> Policy | None:
        try:
            return self._source.current()
        except ConfigError:
            return None

    def _common(self, caller: Caller, subject: Subject, request: Any, decision: Decision) -> dict[str, Any]:
        return common_fields(caller, subject, request.runner.runner_id, request.request_id, request.claimed_agent, decision)


def _ignore(grant_id: str) -> None:
    pass


def sandbox_of(request: AuthorizeRequest) -> str:
    return request.runner.sandbox.value if request.runner.sandbox else "off"


TOO_MANY_DENIALS: Final = (
    ReasonCode.RATE_LIMITED,
    "the agent was denied too often within a minute",
    "wait a minute; see why: janee audit list",
)
_NO_POLICY: Final = (
    ReasonCode.POLICY_CHANGED,
    "the configuration is missing or invalid, so nothing is allowed",
    "the operator finds line and fix with: janee doctor",
)
