"""The front's handle of one Executor: hello, order, standard input, scrubbed output, result.

Guarantees: what arrives is held against the frame table, an Executor that breaks it is dropped; output is bounded by what was
ordered; `close` (and the end of this process) ends the Executor and with it the command's whole tree. An Executor that goes
away before its result is a result of its own: `lost`.
Only scrubbed bytes arrive here. It never sees the sealed content's key or plaintext.
"""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from janee.errors import JaneeError, ProtocolError
from janee.protocol import Outcome
from janee.runner.frames import MAX_CHUNK_BYTES, TO_FRONT, Frame, FrameReader, FrameType, State, encode_frame
from janee.runner.order import Order, encode_order

HELLO_S: Final = 10.0  # a sandbox is prepared before the hello; a loaded machine takes its time
RESULT_GRACE_S: Final = 40.0  # beyond the grant's timeout: the kill, the drain and the flush have their own deadlines


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the command's relay carried, to and from one host. host: with its port."""

    host: str
    connections: int = 0
    refused: int = 0
    requests: int = 0
    bytes_out: int = 0
    bytes_in: int = 0


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """How an execution ended. error, code, hint: scrubbed; set when nothing ran. stdout, stderr: scrubbed bytes."""

    outcome: Outcome
    exit_code: int | None = None
    signal: int | None = None
    timed_out: bool = False
    truncated: bool = False
    error: str | None = None
    code: str | None = None
    hint: str | None = None
    started_at: float | None = None
    duration_ms: int = 0
    spawn_us: int = 0
    stdout_bytes: int = 0
    stderr_bytes: int = 0
    stdout_hits: int = 0
    stderr_hits: int = 0
    placeholder_hits: int = 0
    stdout: bytes = field(default=b"", repr=False)
    stderr: bytes = field(default=b"", repr=False)
    traffic: tuple[Traffic, ...] = ()


class Execution(asyncio.Protocol):
    """One Executor's socket. Made by `connect`; used from one event loop."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._reader = FrameReader(TO_FRONT, State.NEW)
        self._hello: asyncio.Future[str] = loop.create_future()
        self._result: asyncio.Future[ExecutionResult] = loop.create_future()
        self._output = {FrameType.STDOUT: bytearray(), FrameType.STDERR: bytearray()}
        self._transport: asyncio.Transport | None = None
        self._order: Order | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._feeder: asyncio.Task[None] | None = None
        self.is_running = False

    @classmethod
    async def connect(cls, connection: socket.socket) -> Execution:
        """Take over an Executor's socket. It is owned, and closed, by the execution from here on."""
        connection.setblocking(False)
        try:
            _, execution = await asyncio.get_running_loop().create_unix_connection(cls, sock=connection)
        except BaseException:
            connection.close()
            raise
        return execution

    @property
    def is_usable(self) -> bool:
        """Whether an Executor that waits for its order is still there."""
        return self._transport is not None and not self._transport.is_closing() and self._order is None

    async def public_key(self) -> str:
        """The Executor's key (base64), once it is ready. Raises JaneeError EXECUTOR_LOST."""
        try:
            async with asyncio.timeout(HELLO_S):
                return await asyncio.shield(self._hello)
        except TimeoutError:
            self.close()
            raise _lost(f"it was not ready within {HELLO_S:.0f} s") from None

    def start(self, order: Order, stdin: bytes | None) -> None:
        """Send the order and, piece by piece, the standard input."""
        if self._transport is None or self._transport.is_closing() or self._reader.state is not State.READY:
            self._fail("it was gone before it had its order")
            return
        self._order = order
        self._reader.state = State.GRANTED
        self._transport.write(encode_frame(FrameType.SPEC, encode_order(order)))
        if stdin is not None:
            self._feeder = asyncio.get_running_loop().create_task(self._feed(stdin))

    async def result(self) -> ExecutionResult:
        """The result; at the latest some time after the grant's own timeout. Never raises for an Executor that died.

        A cancelled wait can be taken up again. The Executor is left as it is, its command dead: it ends with `close`.
        """
        limit = RESULT_GRACE_S + (self._order.terms.timeout_ms / 1000 if self._order else 0)
        try:
            async with asyncio.timeout(limit):
                result = await asyncio.shield(self._result)
        except TimeoutError:
            self._fail(f"it gave no result within {limit:.0f} s")
            result = self._result.result()
        return result

    def cancel(self) -> None:
        """Ask for the command to be killed; the result follows."""
        if self._transport is not None and not self._transport.is_closing() and not self._result.done():
            self._transport.write(encode_frame(FrameType.CANCEL))

    def close(self) -> None:
        """End the Executor, and with it whatever it runs."""
        if self._feeder is not None:
            self._feeder.cancel()
        if self._transport is not None:
            self._transport.abort()

    async def _feed(self, stdin: bytes) -> None:
        piece = MAX_CHUNK_BYTES // 4
        for at in range(0, len(stdin), piece):
            await self._writable.wait()
            if self._transport is None or self._transport.is_closing():
                return
            self._transport.write(encode_frame(FrameType.STDIN, stdin[at : at + piece]))
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode_frame(FrameType.STDIN_END))

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._handle(frame)
        except (ProtocolError, ValueError, KeyError, TypeError):
            self._fail("it broke the protocol")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("it died")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _handle(self, frame: Frame) -> None:
        match frame.type:
            case FrameType.HELLO:
                if not self._hello.done():
                    self._hello.set_result(str(json.loads(frame.payload)["publicKey"]))
            case FrameType.STARTED:
                self.is_running = True
            case FrameType.STDOUT | FrameType.STDERR:
                buffer = self._output[frame.type]
                buffer += frame.payload
                if self._order is None or len(buffer) > self._order.max_output:
                    self._fail("it sent more output than was ordered")
            case FrameType.RESULT:
                if not self._result.done():
                    self._result.set_result(self._parse(json.loads(frame.payload)))
            case _:
                self._fail("it broke the protocol")

    def _parse(self, value: dict[str, Any]) -> ExecutionResult:
        return ExecutionResult(
            outcome=Outcome(value["outcome"]),
            exit_code=value["exitCode"],
            signal=value["signal"],
            timed_out=bool(value["timedOut"]),
            truncated=bool(value["truncated"]),
            error=value["error"],
            code=value["code"],
            hint=value["hint"],
            started_at=value["startedAt"],
            duration_ms=int(value["durationMs"]),
            spawn_us=int(value["spawnUs"]),
            stdout_bytes=int(value["stdoutBytes"]),
            stderr_bytes=int(value["stderrBytes"]),
            stdout_hits=int(value["stdoutHits"]),
            stderr_hits=int(value["stderrHits"]),
            stdout=bytes(self._output[FrameType.STDOUT]),
            stderr=bytes(self._output[FrameType.STDERR]),
            placeholder_hits=int(value["placeholderHits"]),
            traffic=tuple(Traffic(str(host), *(int(count) for count in counts)) for host, *counts in value["network"]),
        )

    def _fail(self, cause: str) -> None:
        if not self._hello.done():
            self._hello.set_exception(_lost(cause))
            self._hello.exception()  # nobody may be waiting for it
        if not self._result.done():
            error = _lost(cause)
            self._result.set_result(
                ExecutionResult(
                    Outcome.FAILED,
                    error=error.message,
                    code=error.code,
                    hint=error.hint,
                    stdout_bytes=len(self._output[FrameType.STDOUT]),
                    stderr_bytes=len(self._output[FrameType.STDERR]),
                )
            )
        if self._transport is not None:
            with suppress(OSError):
                self._transport.abort()


def _lost(cause: str) -> JaneeError:
    return JaneeError("EXECUTOR_LOST", f"the executor of the command is lost: {cause}", "try again; see the runner's stderr")
