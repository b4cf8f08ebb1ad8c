"""MCP over standard input and output: one JSON-RPC message a line.

Guarantees: a line that is not JSON, not JSON-RPC or longer than MAX_LINE_BYTES gets an error answer and the server lives on;
nothing but messages is ever written to standard output (file descriptor 1 itself is turned to standard error while this
serves, and 0 to /dev/null, so that neither a library nor a child can write into, or read from, the conversation). The end of
input ends it. Knows nothing of the tools.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

MAX_LINE_BYTES: Final = 32 << 20  # 10 MB of arguments with JSON escapes
_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600
_QUEUE: Final = 64  # messages; senders wait beyond that

ReadStream = MemoryObjectReceiveStream[SessionMessage | Exception]
WriteStream = MemoryObjectSendStream[SessionMessage]


@asynccontextmanager
async def stdio_transport() -> AsyncIterator[tuple[ReadStream, WriteStream]]:
    """The two streams that an MCP server runs on, over this process's standard input and output."""
    source, sink = _claim(0, os.O_RDONLY), _claim(1, os.O_WRONLY)
    to_server, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](_QUEUE)
    write_stream, from_server = anyio.create_memory_object_stream[SessionMessage](_QUEUE)
    output = _Output(sink)
    async with anyio.create_task_group() as group:
        group.start_soon(_read, source, to_server, output)
        group.start_soon(_write, from_server, output)
        try:
            yield read_stream, write_stream
        finally:
            group.cancel_scope.cancel()


def parse_line(line: bytes) -> SessionMessage | bytes:
    """The message in `line`, or the answer (a line) that says why there is none."""
    try:
        return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValidationError as error:
        if any(item["type"] == "json_invalid" for item in error.errors(include_input=False, include_url=False)):
            return error_line(None, _PARSE_ERROR, "parse error: the line is not JSON")
        return error_line(_id_in(line), _INVALID_REQUEST, "invalid request: the line is not a JSON-RPC 2.0 message")
    except (ValueError, RecursionError):
        return error_line(None, _PARSE_ERROR, "parse error: the line is not JSON")


def error_line(request_id: str | int | None, code: int, message: str) -> bytes:
    answer = {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}
    return json.dumps(answer).encode() + b"\n"


def _id_in(line: bytes) -> str | int | None:
    with suppress(ValueError, RecursionError):
        value: Any = json.loads(line)
        if isinstance(value, dict) and isinstance(value.get("id"), str | int) and not isinstance(value["id"], bool):
            found: str | int = value["id"]
            return found
    return None


class LineReader:
    """Cuts bytes into lines; a line beyond the limit is thrown away as it comes and reported once."""

    def __init__(self, limit: int = MAX_LINE_BYTES) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._scanned = 0
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """The lines that are complete now; None stands for one that was too long."""
        self._buffer += data
        lines: list[bytes | None] = []
        while (end := self._buffer.find(b"\n", self._scanned)) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._scanned = 0
            if self._skipping or len(line) > self._limit:
                lines.append(None)
                self._skipping = False
            elif line.strip():
                lines.append(line)
        self._scanned = len(self._buffer)
        if self._scanned > self._limit:
            self._skipping = True
            self._buffer.clear()
            self._scanned = 0
        return lines


class _Output:
    """Standard output: whole lines, in order, from whichever task."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = asyncio.Lock()
        self._is_blocking = not _can_poll(fd)
        if not self._is_blocking:
            os.set_blocking(fd, False)

    async def write(self, line: bytes) -> None:
        """Raises OSError when nobody reads any more."""
        async with self._lock:
            if self._is_blocking:
                await asyncio.to_thread(_write_all, self._fd, line)
                return
            view = memoryview(line)
            while view:
                try:
                    view = view[os.write(self._fd, view[: 1 << 20]) :]
                except BlockingIOError:
                    await _writable(self._fd)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(fd, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(fd)


async def _chunks(fd: int) -> AsyncIterator[bytes]:
    """What comes in on `fd`, until its end."""
    loop = asyncio.get_running_loop()
    if not _can_poll(fd):
        while data := await asyncio.to_thread(os.read, fd, 1 << 16):
            yield data
        return
    os.set_blocking(fd, False)
    while True:
        try:
            data = os.read(fd, 1 << 18)
        except BlockingIOError:
            ready: asyncio.Future[None] = loop.create_future()
            loop.add_reader(fd, _settle, ready)
            try:
                await ready
            finally:
                loop.remove_reader(fd)
            continue
        except OSError:
            return
        if not data:
            return
        yield data


async def _read(fd: int, to_server: MemoryObjectSendStream[SessionMessage | Exception], output: _Output) -> None:
    lines = LineReader()
    async with to_server:
        with suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for data in _chunks(fd):
                for line in lines.feed(data):
                    if line is None:
                        too_long = f"invalid request: a message has more than {MAX_LINE_BYTES} bytes"
                        await output.write(error_line(None, _INVALID_REQUEST, too_long))
                        continue
                    message = parse_line(line)
                    if isinstance(message, bytes):
                        await output.write(message)
                    else:
                        await to_server.send(message)


async def _write(from_server: MemoryObjectReceiveStream[SessionMessage], output: _Output) -> None:
    async with from_server:
        with suppress(OSError):  # the client is gone; the end of input says so to the server
            async for item in from_server:
                line = item.message.model_dump_json(by_alias=True, exclude_unset=True)
                await output.write(line.encode("utf-8", "surrogatepass") + b"\n")


def _claim(fd: int, flags: int) -> int:
    """A private duplicate of a standard descriptor, which itself then leads elsewhere."""
    private = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    replacement = os.open(os.devnull, flags) if fd == 0 else os.dup(2)
    os.dup2(replacement, fd)
    os.close(replacement)
    return private


def _can_poll(fd: int) -> bool:
    # Pipes and sockets only: a terminal's non-blocking flag would be the shell's too, and a file is always ready.
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _write_all(fd: int, line: bytes) -> None:
    view = memoryview(line)
    while view:
        view = view[os.write(fd, view) :]
