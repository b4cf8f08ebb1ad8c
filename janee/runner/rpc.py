"""MCP over stdio for clients that begin with `initialize` (protocol 2024-11-05 to 2025-11-25), without the SDK.

Why not the SDK: importing it takes half a second and 15 MB, and each call some 2 ms; this is the path of most stdio agents. A
client that opens in the manner of the 2026 protocol is handed over to the SDK (`modern`).

Guarantees: every request is answered once, unless its client cancelled it; a line that is not JSON or not JSON-RPC gets an
error answer and the server lives on; a cancelled request's command is killed; at the end of input what is running gets
END_GRACE_S and is then cancelled.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from janee import __version__
from janee.runner.front import Progress
from janee.runner.identity import Caller, claimed_name
from janee.runner.stdio import INVALID_REQUEST, PARSE_ERROR, StdioChannel, error_line
from janee.runner.toolbox import INSTRUCTIONS, SERVER_NAME, Toolbox, UnknownToolError, wants_timings

METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
END_GRACE_S: Final = 0.5  # for a script that pipes its requests in and closes; a client that is gone loses nothing by it
MAX_IN_FLIGHT: Final = 1024  # requests; beyond, they are refused
_MODERN_KEY: Final = "io.modelcontextprotocol/protocolVersion"  # in the _meta of every request of the 2026 protocol

RequestId = str | int
Modern = Callable[[StdioChannel, AsyncIterator[bytes]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Message:
    """A request (with id) or a notification (without)."""

    method: str
    params: Mapping[str, Any]
    id: RequestId | None


class RpcError(Exception):
    """The error answer to a request. request_id: None where it could not be read."""

    def __init__(self, code: int, message: str, request_id: RequestId | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id


def parse_message(line: bytes) -> Message | None:
    """The message in a line; None for a response, which we never asked for. Raises RpcError."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise RpcError(PARSE_ERROR, "parse error: the line is not JSON") from None
    if not isinstance(value, dict):
        raise RpcError(INVALID_REQUEST, "invalid request: the line is not a JSON-RPC 2.0 message")
    request_id = value.get("id")
    has_id = isinstance(request_id, str | int) and not isinstance(request_id, bool)
    known_id = request_id if has_id else None
    if value.get("jsonrpc") != "2.0" or ("id" in value and not has_id):
        raise RpcError(INVALID_REQUEST, "invalid request: the line is not a JSON-RPC 2.0 message", known_id)
    if "method" not in value and ("result" in value or "error" in value):
        return None
    method, params = value.get("method"), value.get("params", {})
    if not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "invalid request: it names no method", known_id)
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "invalid params: they must be an object", known_id)
    return Message(method, params, known_id)


def is_modern(message: Message) -> bool:
    """Whether a first request opens a conversation of the 2026 protocol."""
    return message.method != "initialize" and _MODERN_KEY in _meta(message.params)


class StdioServer:
    """One conversation. agent: whom this Runner serves on stdio."""

    def __init__(self, channel: StdioChannel, toolbox: Toolbox, agent: str | None) -> None:
        self._channel = channel
        self._toolbox = toolbox
        self._caller = Caller(agent)
        self._running: dict[RequestId, asyncio.Task[None]] = {}
        self._is_initialized = False

    async def serve(self, modern: Modern) -> None:
        """Serve until the end of input. modern: serves a client of the 2026 protocol, from its first line on."""
        lines = self._channel.lines()
        is_first = True
        try:
            async for line in lines:
                message = await self._parse(line)
                if message is None:
                    continue
                if is_first and message.id is not None:
                    if is_modern(message):
                        await modern(self._channel, _chain(line, lines))
                        return
                    is_first = False
                await self._accept(message)
        finally:
            await self._end()

    async def _parse(self, line: bytes) -> Message | None:
        try:
            return parse_message(line)
        except RpcError as error:
            await self._answer_error(error.request_id, error)
            return None

    async def _accept(self, message: Message) -> None:
        if message.id is None:
            if message.method == "notifications/cancelled":
                self._cancel(message.params.get("requestId"))
            return
        if message.id in self._running:
            await self._answer_error(message.id, RpcError(INVALID_REQUEST, "invalid request: this id is in use"))
        elif len(self._running) >= MAX_IN_FLIGHT:
            await self._answer_error(message.id, RpcError(INVALID_REQUEST, f"{MAX_IN_FLIGHT} requests are running already"))
        elif message.method == "tools/call" and self._is_initialized:
            self._start(message.id, message.params)
        else:
            try:
                await self._answer(message.id, self._reply(message))
            except RpcError as error:
                await self._answer_error(message.id, error)

    def _cancel(self, request_id: object) -> None:
        if isinstance(request_id, str | int) and request_id in self._running:  # anything else may not even be hashable
            self._running[request_id].cancel()

    def _reply(self, message: Message) -> dict[str, Any]:
        """The answer to what needs no waiting. Raises RpcError."""
        match message.method:
            case "initialize":
                return self._initialize(message.params)
            case "ping":
                return {}
            case "tools/list" | "tools/call" if not self._is_initialized:
                raise RpcError(INVALID_REQUEST, "invalid request: the first one must be initialize")
            case "tools/list":
                return {"tools": self._toolbox.listing}
            case method:
                raise RpcError(METHOD_NOT_FOUND, f"method not found: {method[:64]!a}")

    def _initialize(self, params: Mapping[str, Any]) -> dict[str, Any]:
        version, info = params.get("protocolVersion"), params.get("clientInfo")
        if not isinstance(version, str) or not isinstance(params.get("capabilities"), dict) or not isinstance(info, dict):
            raise RpcError(INVALID_PARAMS, "invalid params: initialize needs protocolVersion, capabilities and clientInfo")
        self._is_initialized = True
        self._caller = Caller(self._caller.agent_id, None, claimed_name(info.get("name")))
        return {
            "protocolVersion": version if version in VERSIONS else VERSIONS[-1],
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": {"name": SERVER_NAME, "version": __version__},
            "instructions": INSTRUCTIONS,
        }

    def _start(self, request_id: RequestId, params: Mapping[str, Any]) -> None:
        task = asyncio.get_running_loop().create_task(self._call(request_id, params))
        self._running[request_id] = task
        task.add_done_callback(lambda done: self._running.pop(request_id, None))

    async def _call(self, request_id: RequestId, params: Mapping[str, Any]) -> None:
        """Answer a tools/call. A cancelled one is not answered."""
        name, arguments = params.get("name"), params.get("arguments")
        with suppress(OSError):  # nobody reads any more: the end of input follows
            if not isinstance(name, str) or not isinstance(arguments, dict | None):
                await self._answer_error(request_id, RpcError(INVALID_PARAMS, "invalid params: name and arguments are needed"))
                return
            meta = _meta(params)
            try:
                result, answer_meta = await self._toolbox.call(
                    name, arguments, self._caller, self._progress(meta), wants_timings=wants_timings(meta)
                )
            except UnknownToolError as error:
                await self._answer_error(request_id, RpcError(INVALID_PARAMS, str(error)))
                return
            answer: dict[str, Any] = {
                "content": [{"type": "text", "text": result.text()}],
                "structuredContent": dict(result.content),
                "isError": result.is_error,
            }
            if answer_meta is not None:
                answer["_meta"] = answer_meta
            await self._answer(request_id, answer)

    def _progress(self, meta: Mapping[str, Any]) -> Progress | None:
        token = meta.get("progressToken")
        if not isinstance(token, str | int) or isinstance(token, bool):
            return None

        async def report(elapsed_s: float, message: str) -> None:
            params = {"progressToken": token, "progress": elapsed_s, "message": message}
            with suppress(OSError):
                await self._write({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})

        return report

    async def _answer(self, request_id: RequestId, result: Mapping[str, Any]) -> None:
        await self._write({"jsonrpc": "2.0", "id": request_id, "result": result})

    async def _answer_error(self, request_id: RequestId | None, error: RpcError) -> None:
        await self._channel.write(error_line(request_id, error.code, str(error)))

    async def _write(self, message: Mapping[str, Any]) -> None:
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        await self._channel.write(text.encode("utf-8", "replace") + b"\n")

    async def _end(self) -> None:
        running = set(self._running.values())
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=END_GRACE_S)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)


def _meta(params: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for line in rest:
        yield line
