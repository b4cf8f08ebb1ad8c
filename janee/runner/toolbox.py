"""A tool call from its name and arguments to its result: what every transport and protocol version shares.

Guarantees: every call is answered, with a structured result or a structured error; an unexpected exception is answered as an
internal error that shows nothing but its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from janee.errors import JaneeError
from janee.runner.front import Front, Progress, Warn, error_result
from janee.runner.identity import Caller
from janee.runner.tools import (
    ALIASES,
    TOOLS,
    ExecArguments,
    ExecuteArguments,
    ExplainArguments,
    NoArguments,
    ToolResult,
    ToolSpec,
    parse_arguments,
)

SERVER_NAME: Final = "janee"
TIMINGS_META: Final = "janee/timings"  # in a call's _meta, true: the answer's _meta says where the time went
INSTRUCTIONS: Final = (
    "Janee does work with credentials that you never see. Call janee_list for what you may do, janee_exec to run a command and "
    "janee_execute to call an HTTP API with a capability. Output has secrets masked as [REDACTED]."
)

Answer = tuple[ToolResult, dict[str, Any] | None]  # with the answer's _meta


class UnknownToolError(Exception):
    """There is no tool of that name; the message lists those there are."""


class Toolbox:
    """The tools of one front."""

    def __init__(self, front: Front, warn: Warn) -> None:
        self._front = front
        self._warn = warn
        self._names = frozenset(spec.name for spec in TOOLS)
        self.listing: list[dict[str, Any]] = [_listed(spec) for spec in TOOLS]  # as tools/list answers

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | None,
        caller: Caller,
        progress: Progress | None = None,
        *,
        wants_timings: bool = False,
    ) -> Answer:
        """Raises UnknownToolError."""
        known = ALIASES.get(name, name)
        if known not in self._names:
            raise UnknownToolError(f"unknown tool {name[:64]!a}; there are {', '.join(sorted(self._names))}")
        try:
            return await self._dispatch(known, arguments, caller, progress, wants_timings)
        except JaneeError as error:
            return error_result(error), None
        except Exception as error:  # a process border: answered without details, named on stderr
            self._warn(f"internal error in {known}: {type(error).__name__}")
            return _internal(error), None

    async def _dispatch(
        self, name: str, arguments: Mapping[str, Any] | None, caller: Caller, progress: Progress | None, wants_timings: bool
    ) -> Answer:
        match name:
            case "janee_exec":
                answer = await self._front.exec(parse_arguments(ExecArguments, arguments), caller, progress)
                return answer.result, {TIMINGS_META: answer.timings.to_wire()} if wants_timings else None
            case "janee_execute":
                return await self._front.execute(parse_arguments(ExecuteArguments, arguments), caller), None
            case "janee_explain":
                return await self._front.explain(parse_arguments(ExplainArguments, arguments), caller), None
            case "janee_whoami":
                parse_arguments(NoArguments, arguments)
                return await self._front.whoami(caller), None
            case _:
                parse_arguments(NoArguments, arguments)
                return await self._front.list_capabilities(caller), None


def wants_timings(meta: Mapping[str, Any] | None) -> bool:
    return bool(meta) and meta is not None and meta.get(TIMINGS_META) is True


def _listed(spec: ToolSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "title": spec.title,
        "description": spec.description,
        "inputSchema": dict(spec.input_schema),
        "outputSchema": dict(spec.output_schema),
        "annotations": {"readOnlyHint": spec.read_only, "openWorldHint": not spec.read_only},
    }


def _internal(error: Exception) -> ToolResult:
    return ToolResult(
        {
            "error": f"internal error: {type(error).__name__}",
            "code": "INTERNAL",
            "nextStep": "report it, with the runner's stderr",
        },
        is_error=True,
    )
