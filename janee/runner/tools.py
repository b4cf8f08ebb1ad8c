"""The MCP tools as data: names, schemas, and arguments as values.

Guarantees: arguments are checked for type, size and unknown names before anything is done with them, and an error names the
argument, never its value. The names of the original (`list_services`, `execute`, `whoami`, `explain_access`) are understood in
a call and not listed.
It never acts: `front` does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from janee.errors import UsageError
from janee.protocol import CapabilityId, Command, Path, Reason
from janee.runner.order import MAX_STDIN_BYTES

ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {"list_services": "janee_list", "execute": "janee_execute", "whoami": "janee_whoami", "explain_access": "janee_explain"}
)


class Arguments(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, alias_generator=to_camel, populate_by_name=False
    )


class NoArguments(Arguments):
    pass


class ExecArguments(Arguments):
    capability: CapabilityId
    command: Command
    cwd: Path | None = None
    stdin: Annotated[str, StringConstraints(max_length=MAX_STDIN_BYTES)] | None = None
    timeout_ms: Annotated[int, Field(ge=1, le=86_400_000)] | None = None
    reason: Reason | None = None


class ExecuteArguments(Arguments):
    capability: CapabilityId
    method: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{1,16}$")]
    path: Annotated[str, StringConstraints(min_length=1, max_length=16384)]
    query: dict[str, str | list[str]] | None = None
    headers: dict[str, str] | None = None
    body: Annotated[str, StringConstraints(max_length=10 << 20)] | None = None
    reason: Reason | None = None


class ExplainArguments(Arguments):
    capability: CapabilityId
    command: Command | None = None
    method: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{1,16}$")] | None = None
    path: Annotated[str, StringConstraints(min_length=1, max_length=16384)] | None = None


A = TypeVar("A", bound=Arguments)


def parse_arguments(kind: type[A], arguments: Mapping[str, Any] | None) -> A:
    """Raises UsageError INVALID_ARGUMENTS naming what is wrong."""
    try:
        return kind.model_validate(dict(arguments or {}), by_alias=True, by_name=False)
    except ValidationError as error:
        faults = "; ".join(
            _fault(item["loc"], item["msg"]) for item in error.errors(include_input=False, include_url=False)[:5]
        )
        raise UsageError("INVALID_ARGUMENTS", f"invalid arguments: {faults}", _arguments_hint(kind)) from None


def _fault(location: tuple[int | str, ...], message: str) -> str:
    name = ".".join(str(part) for part in location)[:80]
    return f"{ascii(name)[1:-1] or 'arguments'}: {message[:160]}"


def _arguments_hint(kind: type[Arguments]) -> str:
    names = [
        field.alias or name if not field.is_required() else f"{field.alias or name} (required)"
        for name, field in kind.model_fields.items()
    ]
    return f"arguments: {', '.join(names)}" if names else "this tool takes no arguments"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    name: str
    title: str
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any]
    read_only: bool


def _object(properties: Mapping[str, Any], required: tuple[str, ...] = (), *, closed: bool = True) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": dict(properties), "required": list(required)}
    if closed:
        schema["additionalProperties"] = False
    return schema


def _described(kind: str, description: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "description": description, **more}


_TEXT: Final = {"type": "string"}
_WHOLE: Final = {"type": "integer", "minimum": 0}
_FLAG: Final = {"type": "boolean"}
_WHOLE_OR_NULL: Final = {"type": ["integer", "null"]}
_TEXT_OR_NULL: Final = {"type": ["string", "null"]}
_CAPABILITY: Final = _described("string", "Name of a capability, from janee_list.")
_COMMAND: Final = {
    "type": "array",
    "items": {"type": "string"},
    "minItems": 1,
    "description": "Program and arguments, one string each. No shell: no pipes, globs, quotes or variables are interpreted.",
}
_REASON: Final = _described("string", "Why this is done; some capabilities require it. It is recorded.")

TOOLS: Final[tuple[ToolSpec, ...]] = (
    ToolSpec(
        "janee_list",
        "List capabilities",
        "What you may do: each capability's name, service, mode (exec: run a command with janee_exec; proxy: call an HTTP API "
        "with janee_execute), allowed commands or paths, and limits. Credentials are used for you and never shown.",
        _object({}),
        _object(
            {
                "agentId": _TEXT_OR_NULL,
                "capabilities": {"type": "array", "items": {"type": "object", "required": ["name", "service", "mode"]}},
            },
            ("capabilities",),
            closed=False,
        ),
        read_only=True,
    ),
    ToolSpec(
        "janee_exec",
        "Run a command",
        "Run one command in a sandbox with the capability's credential in its environment. Output comes with secrets masked. "
        "There is no network but the hosts that the capability names, and no files but its workspace.",
        _object(
            {
                "capability": _CAPABILITY,
                "command": _COMMAND,
                "cwd": _described("string", "Absolute path to work in; only for a capability with a workspace."),
                "stdin": _described("string", f"Standard input, as text; at most {MAX_STDIN_BYTES >> 20} MiB."),
                "timeoutMs": _described("integer", "Time limit; the capability's own limit if that is shorter.", minimum=1),
                "reason": _REASON,
            },
            ("capability", "command"),
        ),
        _object(
            {
                "exitCode": _WHOLE_OR_NULL,
                "signal": _WHOLE_OR_NULL,
                "stdout": _TEXT,
                "stderr": _TEXT,
                "durationMs": _WHOLE,
                "timedOut": _FLAG,
                "truncated": _FLAG,
                "scrubHits": _WHOLE,
                "grantId": _TEXT,
            },
            ("exitCode", "stdout", "stderr", "durationMs", "timedOut", "truncated", "scrubHits", "grantId"),
            closed=False,
        ),
        read_only=False,
    ),
    ToolSpec(
        "janee_execute",
        "Call an HTTP API",
        "Send one HTTP request to the capability's service, authenticated for you. Redirects are not followed.",
        _object(
            {
                "capability": _CAPABILITY,
                "method": _described("string", "GET, POST, PUT, PATCH, DELETE or HEAD."),
                "path": _described("string", "Path below the service's base URL, beginning with /."),
                "query": _described("object", "Query parameters; a list sends the parameter several times."),
                "headers": _described("object", "Request headers.", additionalProperties={"type": "string"}),
                "body": _described("string", "Request body, sent as it is."),
                "reason": _REASON,
            },
            ("capability", "method", "path"),
        ),
        _object(
            {
                "status": _WHOLE,
                "headers": {"type": "object", "additionalProperties": {"type": "string"}},
                "body": _TEXT,
                "bodyEncoding": {"enum": ["utf-8", "base64"]},
                "truncated": _FLAG,
                "scrubHits": _WHOLE,
            },
            ("status", "headers", "body", "bodyEncoding", "truncated", "scrubHits"),
            closed=False,
        ),
        read_only=False,
    ),
    ToolSpec(
        "janee_whoami",
        "Who am I",
        "Which agent you are to the authority, how that is proven, and through which runner and sandbox you work.",
        _object({}),
        _object(
            {
                "agentId": _TEXT_OR_NULL,
                "identitySource": _TEXT,
                "runnerId": _TEXT,
                "runnerKey": _TEXT,
                "sandbox": _TEXT,
                "authority": _TEXT,
                "capabilities": {"type": "array", "items": _TEXT},
            },
            ("agentId", "identitySource", "capabilities"),
            closed=False,
        ),
        read_only=True,
    ),
    ToolSpec(
        "janee_explain",
        "Explain a decision",
        "Whether a command (command) or an HTTP request (method, path) would be allowed, check by check, without doing it.",
        _object(
            {
                "capability": _CAPABILITY,
                "command": _COMMAND,
                "method": _described("string", "HTTP method, for a proxy capability."),
                "path": _described("string", "HTTP path, for a proxy capability."),
            },
            ("capability",),
        ),
        _object(
            {
                "agent": _TEXT_OR_NULL,
                "capability": _TEXT,
                "allowed": _FLAG,
                "reasonCode": _TEXT_OR_NULL,
                "policyHash": _TEXT_OR_NULL,
                "trace": {
                    "type": "array",
                    "items": _object({"check": _TEXT, "result": {"enum": ["pass", "fail", "skip"]}, "detail": _TEXT}),
                },
                "nextStep": _TEXT,
            },
            ("capability", "allowed", "trace"),
            closed=False,
        ),
        read_only=True,
    ),
)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answers: `content` is JSON; an error's has `error`, and `denial` where the policy said no."""

    content: Mapping[str, Any]
    is_error: bool = False

    def text(self) -> str:
        return json.dumps(self.content, indent=2, ensure_ascii=False)
