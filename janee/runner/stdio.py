"""Lines over standard input and output.

Guarantees: nothing but what is written here ever reaches standard output (file descriptor 1 itself is turned to standard
error, and 0 to /dev/null, so that neither a library nor a child can write into, or read from, the conversation); lines go out
whole and in order; a line beyond MAX_LINE_BYTES is thrown away as it comes, answered, and costs no memory.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import stat
from collections.abc import AsyncIterator
from typing import Final

MAX_LINE_BYTES: Final = 32 << 20  # 10 MB of arguments with JSON escapes
PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600


def error_line(request_id: str | int | None, code: int, message: str) -> bytes:
    """A JSON-RPC error answer, as a line."""
    answer = {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}
    return json.dumps(answer).encode() + b"\n"


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


class StdioChannel:
    """This process's standard input and output, taken over for good. One a process."""

    def __init__(self) -> None:
        self._source = _claim(0)
        self._sink = _claim(1)
        self._lock = asyncio.Lock()
        for fd in (self._source, self._sink):
            if _can_poll(fd):
                os.set_blocking(fd, False)

    async def lines(self) -> AsyncIterator[bytes]:
        """The lines that come in, until the end of input; one that is too long is answered here."""
        reader = LineReader()
        async for data in self._chunks():
            for line in reader.feed(data):
                if line is not None:
                    yield line
                else:
                    too_long = f"invalid request: a message has more than {MAX_LINE_BYTES} bytes"
                    await self.write(error_line(None, INVALID_REQUEST, too_long))

    async def write(self, line: bytes) -> None:
        """Write a whole line. Raises OSError when nobody reads any more."""
        async with self._lock:
            if not _can_poll(self._sink):
                await asyncio.to_thread(_write_all, self._sink, line)
                return
            view = memoryview(line)
            while view:
                try:
                    view = view[os.write(self._sink, view[: 1 << 20]) :]
                except BlockingIOError:
                    await _ready(self._sink, to_write=True)

    async def _chunks(self) -> AsyncIterator[bytes]:
        if not _can_poll(self._source):
            while data := await asyncio.to_thread(os.read, self._source, 1 << 16):
                yield data
            return
        while True:
            try:
                data = os.read(self._source, 1 << 18)
            except BlockingIOError:
                await _ready(self._source, to_write=False)
                continue
            except OSError:
                return
            if not data:
                return
            yield data


async def _ready(fd: int, *, to_write: bool) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if to_write else (loop.add_reader, loop.remove_reader)
    add(fd, _settle, ready)
    try:
        await ready
    finally:
        remove(fd)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _claim(fd: int) -> int:
    """A private duplicate of a standard descriptor, which itself then leads elsewhere."""
    private = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    replacement = os.open(os.devnull, os.O_RDONLY) if fd == 0 else os.dup(2)
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
