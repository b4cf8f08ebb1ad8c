"""Moving bytes between a caller and the pipes of a command, in one thread.

Guarantees: reading never waits for a process that holds a pipe open: `pump` ends when its stop descriptor says so,
`drain` takes only what is already there. Writing never blocks on the command, and a `forward` target that takes nothing
does not keep `pump` from ending. Never: a descriptor of the caller closed, or its flags changed.
"""

import os
import select
from collections.abc import Callable
from typing import Final

_CHUNK: Final = 65536
_NEVER_BLOCKS: Final = select.PIPE_BUF  # what a pipe takes at once when poll(2) calls it writable, pipe(7)

Sink = Callable[[bytes], None]


class Streams:
    """The pumps of one command. Owns the descriptors given to it, except a `source` and a `target`."""

    def __init__(self) -> None:
        self._sinks: dict[int, Sink] = {}
        self._targets: dict[int, int] = {}  # read end -> descriptor that it goes to
        self._held: dict[int, memoryview] = {}  # read end -> what was read and waits for its target
        self._pending: dict[int, memoryview] = {}  # write end -> what is to be written
        self._sources: dict[int, int] = {}  # write end -> descriptor that more comes from

    def watch(self, descriptor: int, sink: Sink) -> None:
        """Give everything that can be read from `descriptor` to `sink`."""
        os.set_blocking(descriptor, False)
        self._sinks[descriptor] = sink

    def forward(self, descriptor: int, target: int) -> None:
        """Write everything that can be read from `descriptor` to `target`; when that takes no more, close `descriptor`, so
        that whoever writes there gets SIGPIPE."""
        os.set_blocking(descriptor, False)
        self._targets[descriptor] = target
        self._held[descriptor] = memoryview(b"")

    def feed(self, descriptor: int, data: bytes) -> None:
        """Write `data` to `descriptor`, then close it."""
        os.set_blocking(descriptor, False)
        self._pending[descriptor] = memoryview(data)
        if not data:
            self._close_input(descriptor)

    def relay(self, source: int, descriptor: int) -> None:
        """Write what `source` gives to `descriptor` until its end."""
        os.set_blocking(descriptor, False)
        self._pending[descriptor] = memoryview(b"")
        self._sources[descriptor] = source

    def pump(self, stop: int, until: Callable[[], bool] = lambda: False) -> None:
        """Move bytes until descriptor `stop` is readable or `until` says so."""
        while not until():
            ready = {descriptor for descriptor, _ in self._poller(stop).poll()}
            self._move(ready)
            if stop in ready:
                return

    def drain(self, patience_s: float | None = None) -> None:
        """Take what the pipes still hold, without waiting for more. patience_s: how long a `forward` target may take nothing
        before the rest is dropped; None: for ever."""
        for descriptor in tuple(self._sinks):
            while descriptor in self._sinks and self._read(descriptor):
                pass
        for descriptor in tuple(self._targets):
            while descriptor in self._targets and self._has_more(descriptor):
                if not _is_writable(self._targets[descriptor], patience_s):
                    self._stop_forwarding(descriptor)
                    break
                self._pass_on(descriptor)

    def close(self) -> None:
        """Close every descriptor that is left."""
        for descriptor in (*self._sinks, *self._targets, *self._pending):
            os.close(descriptor)
        self._sinks.clear()
        self._targets.clear()
        self._held.clear()
        self._pending.clear()
        self._sources.clear()

    def _poller(self, stop: int) -> "select.poll":
        poller = select.poll()
        poller.register(stop, select.POLLIN)
        for descriptor in self._sinks:
            poller.register(descriptor, select.POLLIN)
        for descriptor, target in self._targets.items():
            if self._held[descriptor]:
                poller.register(target, select.POLLOUT)
            else:
                poller.register(descriptor, select.POLLIN)
        for descriptor, pending in self._pending.items():
            if pending:
                poller.register(descriptor, select.POLLOUT)
            else:
                poller.register(descriptor, 0)  # POLLERR: the reader is gone
                poller.register(self._sources[descriptor], select.POLLIN)
        return poller

    def _move(self, ready: set[int]) -> None:
        for descriptor in ready & self._sinks.keys():
            self._read(descriptor)
        for descriptor, target in tuple(self._targets.items()):
            if self._held[descriptor]:
                if target in ready:
                    self._pass_on(descriptor)
            elif descriptor in ready:
                self._has_more(descriptor)
        for descriptor in tuple(self._pending):
            if descriptor in ready:
                self._write(descriptor)
            elif not self._pending[descriptor] and self._sources[descriptor] in ready:
                self._refill(descriptor)

    def _read(self, descriptor: int) -> bool:
        """Read once. False when nothing is there now or ever again."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            os.close(descriptor)
            del self._sinks[descriptor]
            return False
        self._sinks[descriptor](data)
        return True

    def _has_more(self, descriptor: int) -> bool:
        """Is something held for the target? Read once if not."""
        if self._held[descriptor]:
            return True
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._held[descriptor] = memoryview(data)
        else:
            self._stop_forwarding(descriptor)
        return bool(data)

    def _pass_on(self, descriptor: int) -> None:
        held = self._held[descriptor]
        try:
            written = os.write(self._targets[descriptor], held[:_NEVER_BLOCKS])
        except BlockingIOError:
            return
        except OSError:  # EPIPE, ENOSPC …: the command learns it as it would without us
            self._stop_forwarding(descriptor)
            return
        self._held[descriptor] = held[written:]

    def _stop_forwarding(self, descriptor: int) -> None:
        os.close(descriptor)
        del self._targets[descriptor], self._held[descriptor]

    def _refill(self, descriptor: int) -> None:
        try:
            data = os.read(self._sources[descriptor], _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""  # a source that cannot be read has ended
        if data:
            self._pending[descriptor] = memoryview(data)
        else:
            self._close_input(descriptor)

    def _write(self, descriptor: int) -> None:
        pending = self._pending[descriptor]
        try:
            written = os.write(descriptor, pending[:_CHUNK]) if pending else 0
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._close_input(descriptor)  # the command does not want its input: its right
            return
        if not pending:
            self._close_input(descriptor)
            return
        self._pending[descriptor] = pending[written:]
        if not self._pending[descriptor] and descriptor not in self._sources:
            self._close_input(descriptor)

    def _close_input(self, descriptor: int) -> None:
        os.close(descriptor)
        del self._pending[descriptor]
        self._sources.pop(descriptor, None)


def _is_writable(descriptor: int, timeout_s: float | None) -> bool:
    poller = select.poll()
    poller.register(descriptor, select.POLLOUT)
    return bool(poller.poll(None if timeout_s is None else timeout_s * 1000))
