"""Carries one command's bytes: standard input in, standard output and error out through the scrubber, until the command has
ended.

Guarantees:
- Only scrubbed bytes are sent on; what is held back as a possible match is sent, scrubbed, when the stream ends.
- Memory is bounded: the command is read only as fast as the front takes, and standard input is limited by its frame table's
  caller.
- Beyond `max_output` a stream is read on and thrown away, so that the command ends by itself; the result says `truncated`.
- The result waits for the command and its tree alone, never for a process that kept a pipe; every wait has a deadline.
- When the front is gone or cancels, the whole tree is killed.

Runs after the pump filter: it only reads, writes, polls and closes.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from janee.errors import ProtocolError
from janee.runner.frames import Frame, FrameReader, FrameType, encode_frame
from janee.runner.order import MAX_STDIN_BYTES
from janee.scrubber import StreamScrubber
from sandbox import Child, Exit

READ_BYTES: Final = 64 << 10
HIGH_WATER: Final = 512 << 10  # bytes waiting for the front from which on the command is not read
FLUSH_S: Final = 30.0  # how long the front may take to fetch the last bytes
LINGER_S: Final = 10.0
DRAIN_MAX: Final = 4 << 20  # what a pipe can still hold when its writers are dead, and more


class FrontGoneError(Exception):
    """The front closed the connection, broke the protocol or stopped reading: nobody waits for a result."""


@dataclass(slots=True)
class Stream:
    """One output of the command. fd: our end of its pipe, non-blocking; -1 once it ended."""

    kind: FrameType
    fd: int
    scrubber: StreamScrubber
    limit: int
    stand_ins: StreamScrubber | None = None  # for placeholders, which are counted apart
    read: int = 0
    passed: int = 0
    truncated: bool = False

    def take(self, data: bytes) -> bytes:
        """What of the command's `data` goes on, scrubbed and within the limit."""
        self.read += len(data)
        return b"" if self.truncated else self._within_limit(self._without_stand_ins(self.scrubber.feed(data)))

    def finish(self) -> bytes:
        if self.truncated:
            return b""
        clean = self._without_stand_ins(self.scrubber.finish())
        return self._within_limit(clean + (b"" if self.stand_ins is None else self.stand_ins.finish()))

    def _without_stand_ins(self, clean: bytes) -> bytes:
        return clean if self.stand_ins is None else self.stand_ins.feed(clean)

    def _within_limit(self, clean: bytes) -> bytes:
        room = self.limit - self.passed
        if len(clean) > room:
            self.truncated = True
            clean = clean[:room]
        self.passed += len(clean)
        return clean


@dataclass(slots=True)
class Pump:
    """connection: to the front, non-blocking. stdin: our end of the command's pipe, non-blocking, or -1."""

    connection: socket.socket
    reader: FrameReader
    child: Child
    stdin: int
    stdout: Stream
    stderr: Stream
    deadline: float  # time.monotonic()
    cancelled: bool = False
    timed_out: bool = False
    _pending: bytearray = field(default_factory=bytearray)  # for the front
    _input: bytearray = field(default_factory=bytearray)  # for the command
    _input_total: int = 0
    _input_ended: bool = False

    def run(self) -> Exit:
        """Pump until the command's tree is dead, then send what is left of its output. Raises FrontGoneError."""
        while not self._step():
            pass
        result = self.child.result()
        for stream in (self.stdout, self.stderr):
            self._drain(stream)
            self._queue(stream.kind, stream.finish())
        self._close_stdin()
        return result

    def send(self, kind: FrameType, payload: bytes) -> None:
        self._queue(kind, payload)

    def flush(self) -> None:
        """Send everything that waits for the front. Raises FrontGoneError, at the latest after FLUSH_S."""
        poller = select.poll()
        poller.register(self.connection.fileno(), select.POLLOUT)
        limit = time.monotonic() + FLUSH_S
        while self._pending:
            self._send_pending()
            if self._pending and not poller.poll(max(0, limit - time.monotonic()) * 1000):
                raise FrontGoneError

    def linger(self) -> None:
        """Wait until the front closes, at the latest for LINGER_S: it wants the CPU for the answer, not for our end."""
        self.connection.setblocking(True)
        self.connection.settimeout(LINGER_S)
        with suppress(OSError):
            while self.connection.recv(READ_BYTES):
                pass

    def accept(self, frames: Iterable[Frame]) -> None:
        """Take frames from the front. Raises FrontGoneError if it breaks the protocol."""
        try:
            for frame in frames:
                if frame.type is FrameType.STDIN:
                    self._input_total += len(frame.payload)
                    if self._input_total > MAX_STDIN_BYTES:
                        raise FrontGoneError
                    if self.stdin >= 0:
                        self._input += frame.payload
                elif frame.type is FrameType.STDIN_END:
                    self._input_ended = True
                elif frame.type is FrameType.CANCEL:
                    self.cancelled = True
                    self.child.kill()
        except ProtocolError:
            raise FrontGoneError from None

    def _step(self) -> bool:
        """Wait for one round of events and serve them; whether the command has ended."""
        poller = select.poll()
        poller.register(self.child.fileno(), select.POLLIN)
        poller.register(self.connection.fileno(), select.POLLIN | (select.POLLOUT if self._pending else 0))
        if len(self._pending) < HIGH_WATER:
            for stream in (self.stdout, self.stderr):
                if stream.fd >= 0:
                    poller.register(stream.fd, select.POLLIN)
        if self.stdin >= 0 and (self._input or self._input_ended):
            poller.register(self.stdin, select.POLLOUT)
        events = dict(poller.poll(max(0.0, self.deadline - time.monotonic()) * 1000 + 1))
        if not events and time.monotonic() >= self.deadline:
            self.timed_out = True
            self.deadline = time.monotonic() + FLUSH_S
            self.child.kill()
        self._serve_connection(events.get(self.connection.fileno(), 0))
        for stream in (self.stdout, self.stderr):
            if stream.fd >= 0 and stream.fd in events:
                self._read_once(stream)
        if self.stdin >= 0 and self.stdin in events:
            self._write_input()
        if self._pending:
            self._send_pending()
        return self.child.fileno() in events

    def _serve_connection(self, events: int) -> None:
        if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
            try:
                data = os.read(self.connection.fileno(), READ_BYTES)  # read(2): the filter knows no recvfrom(2)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                raise FrontGoneError from None
            if not data:
                raise FrontGoneError
            self.accept(self.reader.feed(data))

    def _read_once(self, stream: Stream) -> int:
        """Read one chunk; how many bytes there were. An ended stream is closed."""
        try:
            data = os.read(stream.fd, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            data = b""
        if not data:
            os.close(stream.fd)
            stream.fd = -1
            return 0
        self._queue(stream.kind, stream.take(data))
        return len(data)

    def _drain(self, stream: Stream) -> None:
        # All writers are dead at the levels that promise it; at level `off` one may live, hence the bound.
        left = DRAIN_MAX
        while stream.fd >= 0 and left > 0:
            size = self._read_once(stream)
            if not size:
                break
            left -= size
        if stream.fd >= 0:
            os.close(stream.fd)
            stream.fd = -1

    def _write_input(self) -> None:
        if self._input:
            try:
                written = os.write(self.stdin, self._input[:READ_BYTES])
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno != errno.EPIPE:
                    raise
                self._close_stdin()  # the command does not want it: its right
                return
            del self._input[:written]
        if not self._input and self._input_ended:
            self._close_stdin()

    def _close_stdin(self) -> None:
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1
        self._input.clear()

    def _queue(self, kind: FrameType, payload: bytes) -> None:
        for at in range(0, len(payload), READ_BYTES):
            self._pending += encode_frame(kind, payload[at : at + READ_BYTES])

    def _send_pending(self) -> None:
        with suppress(BlockingIOError, InterruptedError):
            try:
                sent = os.write(self.connection.fileno(), self._pending)
            except (BrokenPipeError, ConnectionResetError):
                raise FrontGoneError from None
            del self._pending[:sent]
