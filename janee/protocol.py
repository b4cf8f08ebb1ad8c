"""The messages of the Authority API, v1: what goes over the wire between a Runner and an Authority.

Guarantees: every message is checked for type, size and unknown fields before anybody looks at it, and a validation error never
quotes the input. It never decides anything: policy is the Authority's, execution the Runner's.

Field names are the published contract (camelCase on the wire, snake_case here). A message is immutable.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from janee.errors import ProtocolError

API_PREFIX: Final = "/v1"
PATH_AUTHORIZE: Final = "/v1/exec/authorize"
PATH_COMPLETE: Final = "/v1/exec/complete"
PATH_EXECUTE: Final = "/v1/execute"
PATH_CAPABILITIES: Final = "/v1/capabilities"
PATH_EXPLAIN: Final = "/v1/explain"
PATH_HEALTH: Final = "/v1/health"

MAX_CONTROL_BODY: Final = 1 << 20  # bytes; authorize, complete, explain
MAX_EXECUTE_BODY: Final = 12 << 20  # bytes; a 10 MiB request body with its JSON escapes
MAX_ARGUMENTS: Final = 4096
MAX_ARGUMENT_BYTES: Final = 128 << 10  # the kernel's own limit for one string is 128 KiB (execve(2), MAX_ARG_STRLEN)


class ReasonCode(StrEnum):
    """Why a request was denied."""

    CAPABILITY_NOT_FOUND = "CAPABILITY_NOT_FOUND"
    AGENT_NOT_ALLOWED = "AGENT_NOT_ALLOWED"
    IDENTITY_UNVERIFIED = "IDENTITY_UNVERIFIED"
    MODE_MISMATCH = "MODE_MISMATCH"
    REASON_REQUIRED = "REASON_REQUIRED"
    COMMAND_NOT_ALLOWED = "COMMAND_NOT_ALLOWED"
    EXECUTABLE_NOT_TRUSTED = "EXECUTABLE_NOT_TRUSTED"
    RULE_DENY = "RULE_DENY"
    RATE_LIMITED = "RATE_LIMITED"
    APPROVAL_REQUIRED = "APPROVAL_REQUIRED"
    APPROVAL_REFUSED = "APPROVAL_REFUSED"
    SANDBOX_TOO_WEAK = "SANDBOX_TOO_WEAK"
    SESSION_REVOKED = "SESSION_REVOKED"
    POLICY_CHANGED = "POLICY_CHANGED"


class ErrorCode(StrEnum):
    """Why a request failed without a policy decision; the `code` of an error body."""

    BAD_REQUEST = "BAD_REQUEST"  # 400
    KEY_UNKNOWN = "KEY_UNKNOWN"  # 401: no such runner key, or revoked
    SIGNATURE_INVALID = "SIGNATURE_INVALID"  # 401
    REPLAYED = "REPLAYED"  # 401: nonce seen before
    CLOCK_SKEW = "CLOCK_SKEW"  # 401: signed too long ago, or in the future
    NOT_FOUND = "NOT_FOUND"  # 404
    GRANT_UNKNOWN = "GRANT_UNKNOWN"  # 409
    GRANT_FOREIGN = "GRANT_FOREIGN"  # 409: another Runner's
    GRANT_COMPLETED = "GRANT_COMPLETED"  # 409
    GRANT_MISMATCH = "GRANT_MISMATCH"  # the Executor: grant and request differ, or expired
    SEALING_REQUIRED = "SEALING_REQUIRED"  # 400: no `sealTo`, and plaintext grants are not allowed
    BODY_TOO_LARGE = "BODY_TOO_LARGE"  # 413
    AUDIT_UNAVAILABLE = "AUDIT_UNAVAILABLE"  # 503
    UPSTREAM_FAILED = "UPSTREAM_FAILED"  # 502
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT"  # 504
    INTERNAL = "INTERNAL"  # 500


class Outcome(StrEnum):
    """How an execution ended. `abandoned` is the Authority's word for a grant that was never reported."""

    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    ABANDONED = "abandoned"


class SandboxLevel(StrEnum):
    STRICT = "strict"
    LANDLOCK = "landlock"
    OFF = "off"

    @property
    def strength(self) -> int:
        return ("off", "landlock", "strict").index(self.value)


class Message(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )

    def to_json(self) -> bytes:
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()

    def to_wire(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _text(max_length: int, pattern: str | None = None) -> Any:
    return StringConstraints(min_length=1, max_length=max_length, pattern=pattern)


# No control characters and no blanks: identities and ids are printed, logged and matched.
AgentId = Annotated[str, _text(128, r"^[A-Za-z0-9][A-Za-z0-9._:@/+-]*$")]
RunnerId = Annotated[str, _text(128, r"^[A-Za-z0-9][A-Za-z0-9._:@/+-]*$")]
CapabilityId = Annotated[str, _text(128, r"^[A-Za-z0-9][A-Za-z0-9._:@/+-]*$")]
GrantId = Annotated[str, _text(64, r"^g_[A-Za-z0-9_-]+$")]
RequestId = Annotated[str, _text(64, r"^[A-Za-z0-9._:-]+$")]
Argument = Annotated[str, StringConstraints(max_length=MAX_ARGUMENT_BYTES)]
Path = Annotated[str, _text(4096)]
Sha256 = Annotated[str, _text(64, r"^[0-9a-f]{64}$")]
Reason = Annotated[str, StringConstraints(max_length=4096)]
Command = Annotated[tuple[Argument, ...], Field(min_length=1, max_length=MAX_ARGUMENTS, strict=False)]
Count = Annotated[int, Field(ge=0, le=2**62)]


class RunnerInfo(Message):
    """What a Runner says of itself. Only the name of the key that signed the request is proven."""

    runner_id: RunnerId
    environment: Annotated[str, _text(128)] | None = None
    host_label: Annotated[str, _text(256)] | None = None
    seal_to: Annotated[str, _text(64)] | None = None  # base64 of the Executor's raw X25519 public key (32 bytes)
    sandbox: Annotated[SandboxLevel, Field(strict=False)] | None = None


class Executable(Message):
    path: Path
    sha256: Sha256


class AuthorizeRequest(Message):
    runner: RunnerInfo
    agent_id: AgentId | None = None
    agent_token: Annotated[str, _text(1024)] | None = None  # wrapped with `seal.wrap_token`, or plain over TLS
    claimed_agent: Annotated[str, _text(256)] | None = None  # MCP clientInfo.name: recorded as claimed, proves nothing
    capability_id: CapabilityId
    command: Command
    executable: Executable | None = None
    cwd: Path | None = None
    timeout_ms: Annotated[int, Field(ge=1, le=86_400_000)] | None = None
    reason: Reason | None = None
    request_id: RequestId | None = None


class SandboxConstraints(Message):
    level: Annotated[SandboxLevel, Field(strict=False)]
    network: Annotated[tuple[str, ...], Field(strict=False)] = ()  # "host:port"
    workspace: Literal["none", "read", "write"] = "none"
    work_dir: Path | None = None  # the directory that is the workspace; the request's cwd where the capability names none
    limits: dict[str, int] = Field(default_factory=dict)
    allow_private: bool = False  # whether the relay may connect to private and loopback addresses


class HardeningConstraints(Message):
    """What the tool's profile adds so that the tool reads nothing the agent wrote; no argument of the agent's undoes it.

    env: variables to set. insert: arguments put behind argv[0]. programs: None: it may start any program; else only itself and
    these. files: path and text of files to make in the private home, in strict sandboxes.
    """

    env: dict[str, str] = Field(default_factory=dict)
    insert: Annotated[tuple[str, ...], Field(strict=False)] = ()
    programs: Annotated[tuple[str, ...] | None, Field(strict=False)] = None
    files: dict[str, str] = Field(default_factory=dict)


class Constraints(Message):
    policy_hash: Annotated[str, _text(80)]
    executable: str
    command: Command
    cwd: Path | None = None
    sandbox: SandboxConstraints
    delivery: Literal["secretless", "file", "env"] = "env"
    # "https://host:port", "http://host:port": of `sandbox.network`, what goes through the gateway, request by request
    egress: Annotated[tuple[str, ...], Field(strict=False)] = ()
    pass_env: Annotated[tuple[str, ...], Field(strict=False)] = ()  # names; the values are the Runner's, see `janee.passed`
    hardening: HardeningConstraints | None = None  # None: the command is allowed by an argv rule, not by a profile


class Grant(Message):
    """One authorised execution. Either `sealed`, or `envInjections` with `scrubValues` (only for original Runners)."""

    grant_id: GrantId
    grant_expires_at: str  # RFC 3339, UTC, seconds or finer, "Z"
    effective_timeout_ms: Annotated[int, Field(ge=1)]
    agent_id: AgentId | None = None  # the identity the decision was made for; bound into the seal
    runner_key: Annotated[str, _text(128)] | None = None  # the name of the runner key; bound into the seal
    constraints: Constraints
    sealed: str | None = Field(default=None, repr=False)
    env_injections: dict[str, str] | None = Field(default=None, repr=False)
    scrub_values: Annotated[tuple[str, ...], Field(strict=False)] | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _sealed_or_plain(self) -> Self:
        if (self.sealed is None) == (self.env_injections is None):
            raise ValueError("a grant is either sealed or plain")
        return self


class HostTraffic(Message):
    """What a command exchanged with one host of its capability. requests: those through the gateway; bytes: of contents."""

    host: Annotated[str, _text(300)]  # "host:port"
    connections: Count = 0
    refused: Count = 0  # connections or requests that the Runner itself refused
    requests: Count = 0
    bytes_out: Count = 0
    bytes_in: Count = 0


class Completion(Message):
    grant_id: GrantId
    exit_code: Annotated[int, Field(ge=-1, le=255)] | None = None  # None: never started, or ended by a signal
    signal: Annotated[int, Field(ge=1, le=64)] | None = None
    started_at: str
    duration_ms: Count
    stdout_bytes: Count
    stderr_bytes: Count
    scrubbed_stdout_hits: Count
    scrubbed_stderr_hits: Count
    placeholder_hits: Count = 0  # of stand-ins for the credential in the output; no secret came near it
    network: Annotated[tuple[HostTraffic, ...], Field(strict=False, max_length=256)] = ()
    timed_out: bool = False
    truncated: bool = False
    policy_hash: Annotated[str, _text(80)] | None = None
    sandbox: Annotated[str, _text(64)] | None = None
    outcome: Annotated[Outcome, Field(strict=False)] | None = None  # None (original Runners): from exitCode and timedOut
    error: Annotated[str, StringConstraints(max_length=2048)] | None = None  # scrubbed; why it failed or was refused


class ExecuteRequest(Message):
    runner: RunnerInfo
    agent_id: AgentId | None = None
    agent_token: Annotated[str, _text(1024)] | None = None
    claimed_agent: Annotated[str, _text(256)] | None = None
    capability_id: CapabilityId
    method: Annotated[str, _text(16, r"^[A-Za-z]+$")]
    path: Annotated[str, _text(16384)]
    query: dict[str, str | list[str]] | None = None
    headers: dict[str, str] | None = None
    body: str | None = None
    reason: Reason | None = None
    request_id: RequestId | None = None


class ExecuteResponse(Message):
    status: int
    headers: dict[str, str]
    body: str  # text, scrubbed; a body that is not UTF-8 is base64 (`bodyEncoding`)
    body_encoding: Literal["utf-8", "base64"] = "utf-8"
    truncated: bool = False
    scrub_hits: Count = 0


class ExplainRequest(Message):
    runner: RunnerInfo
    agent_id: AgentId | None = None
    agent_token: Annotated[str, _text(1024)] | None = None
    capability_id: CapabilityId
    command: Command | None = None
    method: Annotated[str, _text(16, r"^[A-Za-z]+$")] | None = None
    path: Annotated[str, _text(16384)] | None = None
    request_id: RequestId | None = None


class TraceStep(Message):
    check: str
    result: Literal["pass", "fail", "skip"]
    detail: str


class Explanation(Message):
    agent: str | None = None
    capability: str
    allowed: bool
    reason_code: Annotated[ReasonCode, Field(strict=False)] | None = None
    policy_hash: str | None = None
    trace: Annotated[tuple[TraceStep, ...], Field(strict=False)]
    next_step: str = ""


class CapabilityInfo(Message):
    """One line of `janee_list`: what an agent may know. `env` holds names, never values."""

    name: str
    service: str
    mode: Literal["exec", "proxy"]
    accessible: bool = True
    requires_reason: bool = False
    delivery: str | None = None
    workspace: str | None = None
    timeout_ms: int | None = None
    allow_commands: Annotated[tuple[Any, ...], Field(strict=False)] = ()
    rules: dict[str, Any] = Field(default_factory=dict)
    env: Annotated[tuple[str, ...], Field(strict=False)] = ()
    network: Annotated[tuple[str, ...], Field(strict=False)] = ()


class Capabilities(Message):
    agent_id: str | None = None  # None: nobody that the Authority knows
    identity_source: str
    capabilities: Annotated[tuple[CapabilityInfo, ...], Field(strict=False)]


class Health(Message):
    ok: bool
    mode: Literal["authority"] = "authority"
    version: str
    audit: Literal["ok", "failing"] = "ok"


class Denial(Message):
    reason_code: Annotated[ReasonCode, Field(strict=False)]
    capability: str
    agent_id: str | None = None
    evaluated_policy: str = ""  # the rule that decided, in words
    next_step: str = ""  # the operator's


class ErrorBody(Message):
    """Every answer that is not 2xx."""

    error: str
    code: str | None = None
    hint: str | None = None
    denial: Denial | None = None


M = TypeVar("M", bound=Message)


def parse_message(kind: type[M], data: bytes, *, limit: int = MAX_CONTROL_BODY) -> M:
    """Parse one JSON message.

    Raises ProtocolError BODY_TOO_LARGE before parsing, or BAD_REQUEST naming the fields at fault (never their values).
    """
    if len(data) > limit:
        raise ProtocolError(ErrorCode.BODY_TOO_LARGE, f"the message has {len(data)} bytes, at most {limit} are taken")
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        faults = "; ".join(_fault(item["loc"], item["msg"]) for item in error.errors(include_input=False)[:5])
        raise ProtocolError(ErrorCode.BAD_REQUEST, f"invalid {kind.__name__}: {faults}") from None


def _fault(location: tuple[int | str, ...], message: str) -> str:
    # A location holds keys, which the sender chose: an unknown one could be anything, so it is cut and made printable.
    name = ".".join(str(part) for part in location)[:80]
    return f"{ascii(name)[1:-1] or 'body'}: {message[:160]}"
