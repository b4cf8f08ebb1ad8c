"""What a decision is: the answer, the reason, and the steps that led to it.

A `Decision` has no truth value: whoever forgets to look at `allowed` gets an exception, not an accident.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from janee.config.schema import Capability, Service
from janee.profiles import Hardening
from janee.protocol import Explanation, ReasonCode, SandboxLevel, TraceStep


@dataclass(frozen=True, slots=True)
class ExecQuery:
    """A command that somebody wants to run.

    agent_id: proven, or None for nobody. executable: absolute path under which the Runner found argv[0], or None.
    is_hypothetical: a question (`explain`, `policy test`): what the asker left out (reason, executable, sandbox) is skipped.
    """

    capability_id: str
    agent_id: str | None
    command: tuple[str, ...] | None
    cwd: str | None = None
    reason: str | None = None
    executable: str | None = None
    needs_executable: bool = True
    sandbox: SandboxLevel | None = None
    is_hypothetical: bool = False


@dataclass(frozen=True, slots=True)
class HttpQuery:
    """A request that somebody wants sent. path: as the agent wrote it, with or without `?query`."""

    capability_id: str
    agent_id: str | None
    method: str | None
    path: str | None
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    reason: str | None = None
    is_hypothetical: bool = False


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """What an allowed request is sent as: exactly what the rules were matched against."""

    method: str
    path: str  # canonical, percent-encoded, starts with "/"; below the service's base path
    query: str  # canonical, without "?"
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one query. reason_code is None exactly if `allowed`."""

    allowed: bool
    capability_id: str
    agent_id: str | None
    reason_code: ReasonCode | None
    evaluated_policy: str  # the rule that decided, in words
    next_step: str  # the operator's
    policy_hash: str | None
    trace: tuple[TraceStep, ...]
    capability: Capability | None = None
    service: Service | None = None
    target: HttpTarget | None = None
    hardening: Hardening | None = None  # of the profile by which a command is allowed

    def __post_init__(self) -> None:
        if self.allowed != (self.reason_code is None):
            raise ValueError("a decision allows, or it has a reason")

    def __bool__(self) -> NoReturn:
        raise TypeError("a Decision has no truth value; look at .allowed")

    def explanation(self) -> Explanation:
        return Explanation(
            agent=self.agent_id,
            capability=self.capability_id,
            allowed=self.allowed,
            reason_code=self.reason_code,
            policy_hash=self.policy_hash,
            trace=self.trace,
            next_step=self.next_step,
        )


class RefusalError(Exception):
    """Inside the policy only: one check said no."""

    def __init__(self, code: ReasonCode, policy: str, next_step: str) -> None:
        super().__init__(code.value)
        self.code = code
        self.policy = policy
        self.next_step = next_step


class Trace:
    """Collects the steps of one decision."""

    def __init__(self) -> None:
        self._steps: list[TraceStep] = []

    def note(self, check: str, detail: str, result: Literal["pass", "skip", "fail"] = "pass") -> None:
        # Built from our own strings: validation would only cost time.
        self._steps.append(TraceStep.model_construct(check=check, result=result, detail=detail))

    def steps(self) -> tuple[TraceStep, ...]:
        return tuple(self._steps)
