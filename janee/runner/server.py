"""The tools behind the SDK's MCP server: for HTTP, and for stdio clients of the 2026 protocol (`rpc` serves the others).

Guarantees: nothing is logged with a traceback or with what a client sent, and nothing is traced to where the environment says.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from janee import __version__
from janee.runner.front import Progress
from janee.runner.identity import Caller, claimed_name
from janee.runner.stdio import INVALID_REQUEST, StdioChannel, error_line
from janee.runner.toolbox import INSTRUCTIONS, SERVER_NAME, Answer, Toolbox, UnknownToolError, wants_timings

GONE_KEY: Final = "janee.gone"  # in the ASGI scope: an event that is set when the client goes away before its answer

Context = ServerRequestContext[Any, Any]
CallerOf = Callable[[Context, str | None], Caller]


def build_server(toolbox: Toolbox, caller_of: CallerOf) -> Server[Any]:
    """caller_of: who calls, from the request's context and the name that the client claims."""
    listed = types.ListToolsResult(tools=[types.Tool.model_validate(tool) for tool in toolbox.listing])

    async def on_list_tools(ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return listed

    async def on_call_tool(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        info = ctx.session.client_params
        caller = caller_of(ctx, claimed_name(info.client_info.name) if info is not None else None)
        wanted = wants_timings(dict(ctx.meta or {}))
        call = toolbox.call(params.name, params.arguments, caller, _progress(ctx), wants_timings=wanted)
        try:
            result, meta = await _unless_gone(call, ctx)
        except UnknownToolError as error:
            raise MCPError(code=types.INVALID_PARAMS, message=str(error)) from None
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=result.text())],
            structured_content=dict(result.content),
            is_error=result.is_error,
            _meta=meta,
        )

    server: Server[Any] = Server(
        SERVER_NAME, version=__version__, instructions=INSTRUCTIONS, on_list_tools=on_list_tools, on_call_tool=on_call_tool
    )
    server.middleware.clear()  # no tracing of arguments to wherever the environment says
    quiet_library_logs()
    return server


async def _unless_gone(call: Coroutine[Any, Any, Answer], ctx: Context) -> Answer:
    """The call's answer; when its HTTP client goes away meanwhile, the call is cancelled, as on stdio."""
    gone = ctx.request.scope.get(GONE_KEY) if ctx.request is not None else None
    if not isinstance(gone, asyncio.Event):
        return await call
    task = asyncio.get_running_loop().create_task(call)
    leaving = asyncio.get_running_loop().create_task(gone.wait())
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            raise MCPError(code=types.CONNECTION_CLOSED, message="the client went away")
        return task.result()
    except asyncio.CancelledError:
        task.cancel()
        raise
    finally:
        leaving.cancel()


def _progress(ctx: Context) -> Progress | None:
    if not ctx.meta or ctx.meta.get("progress_token") is None:
        return None

    async def report(elapsed_s: float, message: str) -> None:
        await ctx.session.report_progress(elapsed_s, None, message)

    return report


def quiet_library_logs() -> None:
    """Keep the libraries' log records off stderr: they quote requests and print tracebacks."""
    for name in ("mcp", "anyio", "asyncio", "uvicorn", "starlette", "sse_starlette"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = False


async def serve_stdio(server: Server[Any], channel: StdioChannel, lines: AsyncIterator[bytes]) -> None:
    """Serve the rest of a conversation on stdio. lines: the messages, those that were read already first."""
    to_server, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](16)
    write_stream, from_server = anyio.create_memory_object_stream[SessionMessage](16)

    async def read() -> None:
        async with to_server:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                async for line in lines:
                    try:
                        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
                    except ValidationError:
                        await channel.write(error_line(None, INVALID_REQUEST, "invalid request: not a JSON-RPC 2.0 message"))
                    else:
                        await to_server.send(SessionMessage(message))

    async def write() -> None:
        async with from_server:
            with suppress(OSError):  # the client is gone; the end of input says so to the server
                async for item in from_server:
                    text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
                    await channel.write(text.encode("utf-8", "surrogatepass") + b"\n")

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        group.start_soon(write)
        await server.run(read_stream, write_stream, server.create_initialization_options())
        group.cancel_scope.cancel()
