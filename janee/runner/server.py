"""The MCP server: the SDK's protocol machinery in front of `Front`.

Guarantees: every tool call is answered, with a structured result or a structured error; an unexpected exception is answered as
an internal error that shows nothing but its type. Nothing is logged with a traceback or with what a client sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from janee import __version__
from janee.errors import JaneeError
from janee.runner.front import Front, Progress, Warn, error_result
from janee.runner.identity import Caller, claimed_name
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

TIMINGS_META: Final = "janee/timings"  # in a call's _meta, true: the answer's _meta says where the time went
INSTRUCTIONS: Final = (
    "Janee does work with credentials that you never see. Call janee_list for what you may do, janee_exec to run a command and "
    "janee_execute to call an HTTP API with a capability. Output has secrets masked as [REDACTED]."
)

Context = ServerRequestContext[Any, Any]
CallerOf = Callable[[Context, str | None], Caller]
Answer = tuple[ToolResult, dict[str, Any] | None]


def build_server(front: Front, caller_of: CallerOf, warn: Warn) -> Server[Any]:
    """caller_of: who calls, from the request's context and the name that the client claims."""
    listed = types.ListToolsResult(tools=[_tool(spec) for spec in TOOLS])
    names = frozenset(spec.name for spec in TOOLS)

    async def on_list_tools(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return listed

    async def on_call_tool(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        name = ALIASES.get(params.name, params.name)
        if name not in names:
            known = ", ".join(sorted(names))
            raise MCPError(code=types.INVALID_PARAMS, message=f"unknown tool {params.name[:64]!a}; there are {known}")
        info = ctx.session.client_params
        try:
            caller = caller_of(ctx, claimed_name(info.client_info.name) if info is not None else None)
            result, meta = await _call(front, name, ctx, params.arguments, caller)
        except JaneeError as error:
            result, meta = error_result(error), None
        except Exception as error:  # a process border: answered without details, named on stderr
            warn(f"internal error in {name}: {type(error).__name__}")
            result, meta = _internal(error), None
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=result.text())],
            structured_content=dict(result.content),
            is_error=result.is_error,
            _meta=meta,
        )

    server: Server[Any] = Server(
        "janee", version=__version__, instructions=INSTRUCTIONS, on_list_tools=on_list_tools, on_call_tool=on_call_tool
    )
    server.middleware.clear()  # no tracing of arguments to wherever the environment says
    return server


async def _call(front: Front, name: str, ctx: Context, arguments: dict[str, Any] | None, caller: Caller) -> Answer:
    match name:
        case "janee_exec":
            exec_arguments = parse_arguments(ExecArguments, arguments)
            answer = await front.exec(exec_arguments, caller, _progress(ctx))
            wanted = bool(ctx.meta and ctx.meta.get(TIMINGS_META) is True)
            return answer.result, {TIMINGS_META: answer.timings.to_wire()} if wanted else None
        case "janee_execute":
            return await front.execute(parse_arguments(ExecuteArguments, arguments), caller), None
        case "janee_explain":
            return await front.explain(parse_arguments(ExplainArguments, arguments), caller), None
        case "janee_whoami":
            parse_arguments(NoArguments, arguments)
            return await front.whoami(caller), None
        case _:
            parse_arguments(NoArguments, arguments)
            return await front.list_capabilities(caller), None


def _progress(ctx: Context) -> Progress | None:
    if not ctx.meta or ctx.meta.get("progress_token") is None:
        return None

    async def report(elapsed_s: float, message: str) -> None:
        await ctx.session.report_progress(elapsed_s, None, message)

    return report


def _tool(spec: ToolSpec) -> types.Tool:
    return types.Tool(
        name=spec.name,
        title=spec.title,
        description=spec.description,
        input_schema=dict(spec.input_schema),
        output_schema=dict(spec.output_schema),
        annotations=types.ToolAnnotations(read_only_hint=spec.read_only, open_world_hint=not spec.read_only),
    )


def _internal(error: Exception) -> ToolResult:
    return ToolResult(
        {
            "error": f"internal error: {type(error).__name__}",
            "code": "INTERNAL",
            "nextStep": "report it, with the runner's stderr",
        },
        is_error=True,
    )


def quiet_library_logs() -> None:
    """Keep the libraries' log records off stderr: they quote requests and print tracebacks."""
    for name in ("mcp", "anyio", "asyncio", "uvicorn", "starlette", "sse_starlette"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False
