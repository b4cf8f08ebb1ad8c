"""An order: everything that the front tells an Executor, and whether the grant in it is for this very execution.

Guarantees: an `Order` that exists has the right types and bounds. `check_order` returns the context under which the seal must
open only if the grant is for this Runner, agent, argv, working directory and sandbox level, in time; whatever else the
Authority bound in (capability, policy, executable) fails at opening, because the context is built from the request and not
from the grant.

Pure, and without pydantic: this runs in the zygote's children, which must stay small. It never reads a clock or a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from janee.errors import ProtocolError
from janee.runner.workspace import HostDirectories
from janee.seal import GrantContext, constraints_digest
from sandbox import FileIdentity, Level

MAX_STDIN_BYTES: Final = 16 << 20
DEFAULT_MAX_OUTPUT_BYTES: Final = 10 << 20
_DELIVERIES: Final = ("secretless", "file", "env")
MAX_GRANT_LIFE_S: Final = 3600  # whatever a grant says: one that lives longer than this is not one of ours


@dataclass(frozen=True, slots=True)
class Program:
    """The file that argv[0] stands for. path: as it was found; real_path: without symlinks, what is executed."""

    path: str
    real_path: str
    sha256: str
    identity: FileIdentity


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """What the Runner asked the Authority for. agent_id: None where the agent is proven by a token."""

    runner_key: str
    runner_id: str
    agent_id: str | None
    capability_id: str
    command: tuple[str, ...]
    cwd: str | None
    timeout_ms: int | None
    level: Level
    program: Program


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """The public part of a grant. constraints: the JSON object exactly as it came over the wire."""

    grant_id: str
    expires_at: str
    timeout_ms: int
    agent_id: str
    runner_key: str
    constraints: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuthorityAddress:
    """Where a command's relay finds the gateway. base: path prefix. socket_path: a Unix socket, instead of host and port.

    ca, cert, key: PEM files, as the Runner was given them.
    """

    host: str
    port: int
    host_header: str
    base: str = ""
    tls: bool = False
    socket_path: str | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """sealed: base64. max_output: bytes passed on per stream. protected: host paths that no workspace may expose."""

    request: ExecRequest
    terms: GrantTerms
    sealed: str = field(repr=False)
    has_stdin: bool
    max_output: int = DEFAULT_MAX_OUTPUT_BYTES
    host: HostDirectories = field(default_factory=HostDirectories)
    protected: tuple[str, ...] = ()
    authority: AuthorityAddress | None = None
    passed: Mapping[str, str] = field(default_factory=dict)  # of this Runner's environment, what the grant names


def encode_order(order: Order) -> bytes:
    request, terms, program = order.request, order.terms, order.request.program
    identity = program.identity
    value = {
        "request": {
            "runnerKey": request.runner_key,
            "runnerId": request.runner_id,
            "agentId": request.agent_id,
            "capabilityId": request.capability_id,
            "command": request.command,
            "cwd": request.cwd,
            "timeoutMs": request.timeout_ms,
            "level": request.level.value,
            "program": {
                "path": program.path,
                "realPath": program.real_path,
                "sha256": program.sha256,
                "identity": [identity.dev, identity.ino, identity.size, identity.mtime_ns, identity.ctime_ns],
            },
        },
        "terms": {
            "grantId": terms.grant_id,
            "expiresAt": terms.expires_at,
            "timeoutMs": terms.timeout_ms,
            "agentId": terms.agent_id,
            "runnerKey": terms.runner_key,
            "constraints": terms.constraints,
        },
        "sealed": order.sealed,
        "hasStdin": order.has_stdin,
        "maxOutput": order.max_output,
        "homes": order.host.homes,
        "roots": order.host.roots,
        "protected": order.protected,
        "passed": dict(order.passed),
        "authority": None if order.authority is None else asdict(order.authority),
    }
    return json.dumps(value, separators=(",", ":")).encode()


def parse_order(data: bytes) -> Order:
    """Raises ProtocolError ORDER_INVALID."""
    try:
        value = json.loads(data)
        request, terms, program = value["request"], value["terms"], value["request"]["program"]
        return Order(
            request=ExecRequest(
                runner_key=_text(request["runnerKey"]),
                runner_id=_text(request["runnerId"]),
                agent_id=_optional(request["agentId"]),
                capability_id=_text(request["capabilityId"]),
                command=_texts(request["command"]),
                cwd=_optional(request["cwd"]),
                timeout_ms=None if request["timeoutMs"] is None else _count(request["timeoutMs"]),
                level=Level(request["level"]),
                program=Program(
                    path=_text(program["path"]),
                    real_path=_text(program["realPath"]),
                    sha256=_text(program["sha256"]),
                    identity=FileIdentity(*(_count(part) for part in program["identity"])),
                ),
            ),
            terms=GrantTerms(
                grant_id=_text(terms["grantId"]),
                expires_at=_text(terms["expiresAt"]),
                timeout_ms=_count(terms["timeoutMs"]),
                agent_id=_text(terms["agentId"]),
                runner_key=_text(terms["runnerKey"]),
                constraints=_object(terms["constraints"]),
            ),
            sealed=_text(value["sealed"]),
            has_stdin=value["hasStdin"] is True,
            max_output=_count(value["maxOutput"]),
            host=HostDirectories(_texts(value["homes"]), None if value["roots"] is None else _texts(value["roots"])),
            protected=_texts(value["protected"]),
            authority=None if value["authority"] is None else AuthorityAddress(**value["authority"]),
            passed=dict(zip(_object(value["passed"]), _texts(list(value["passed"].values())), strict=True)),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ProtocolError("ORDER_INVALID", "the order does not have the form of one") from None


def check_order(order: Order, *, now: float) -> GrantContext:
    """The context in which the grant's seal must open. now: seconds since the epoch, by the Executor's own clock.

    Raises ProtocolError GRANT_MISMATCH naming what differs.
    """
    request, terms = order.request, order.terms
    constraints = terms.constraints
    sandbox = constraints.get("sandbox")
    if not isinstance(sandbox, Mapping):
        raise _mismatch("the grant names no sandbox")
    facts = (
        ("runner key", terms.runner_key, request.runner_key),
        ("command", constraints.get("command"), list(request.command)),
        ("working directory", constraints.get("cwd"), request.cwd),
        ("sandbox level", sandbox.get("level"), request.level.value),
    )
    for name, granted, asked in facts:
        if granted != asked:
            raise _mismatch(f"its {name} is not the one that was asked for")
    if constraints.get("delivery", "env") not in _DELIVERIES:
        raise _mismatch("its delivery is none that is known here")
    if request.agent_id is not None and terms.agent_id != request.agent_id:
        raise _mismatch("it is for another agent")
    if request.timeout_ms is not None and terms.timeout_ms > request.timeout_ms:
        raise _mismatch("it allows more time than was asked for")
    if terms.timeout_ms < 1:
        raise _mismatch("it allows no time")
    _check_expiry(terms.expires_at, now)
    return GrantContext(
        grant_id=terms.grant_id,
        expires_at=terms.expires_at,
        runner_key=request.runner_key,
        runner_id=request.runner_id,
        agent_id=terms.agent_id,
        capability_id=request.capability_id,
        policy_hash=str(constraints.get("policyHash")),
        command=request.command,
        executable=(request.program.path, request.program.sha256),
        cwd=request.cwd,
        sandbox_level=request.level.value,
        constraints_digest=constraints_digest(constraints),
        timeout_ms=terms.timeout_ms,
    )


def _check_expiry(expires_at: str, now: float) -> None:
    try:
        moment = datetime.fromisoformat(expires_at)
        remaining = moment.timestamp() - now
    except (ValueError, OverflowError):
        raise _mismatch("its expiry is not a time") from None
    if moment.utcoffset() != UTC.utcoffset(None):
        raise _mismatch("its expiry is not in UTC")
    if remaining <= 0:
        raise _mismatch(f"it expired {-remaining:.0f} s ago by this machine's clock")
    if remaining > MAX_GRANT_LIFE_S:
        raise _mismatch(f"it would live {remaining:.0f} s by this machine's clock, {MAX_GRANT_LIFE_S} s at most are taken")


def _mismatch(what: str) -> ProtocolError:
    return ProtocolError("GRANT_MISMATCH", f"the grant does not fit this execution: {what}", "see `janee audit tail` for it")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError
    return tuple(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value
