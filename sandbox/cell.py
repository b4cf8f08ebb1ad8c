"""One sandbox, seen from the process that owns it.

Guarantees: `Cell.prepare` makes everything that no specification changes; `Cell.start` returns when the command is
executing, or raises `SandboxError` with nothing left running; `Child.result` comes when the command has ended and its
whole tree is dead, at the latest soon after the wall time limit, however the command behaves. When the owner dies, so
does the sandbox (parent death signal and end of the channel). Never: a descriptor of the owner inside, but the three
given to `start`.
"""

import contextlib
import os
import select
import signal
import socket
import stat
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from sandbox import idmap, kernel, wire
from sandbox.birth import Init, reported
from sandbox.errors import ErrorCode, SandboxError
from sandbox.kit import Kit, enter_host_view, make_kit
from sandbox.mounts import MountOrder, Owners, open_mounts
from sandbox.orders import Orders
from sandbox.spec import HOME_DIR, Exit, Level, Limits, Mount, SandboxSpec
from sandbox.template import Template


class Child:
    """A running command. Belongs to one thread of its owner; `kill` may come from any.

    listeners: one TCP socket per `SandboxSpec.hosts` entry, in order, listening inside; the caller closes them.
    """

    def __init__(self, process: Init, limits: Limits, listeners: tuple[socket.socket, ...]) -> None:
        self._process = process
        self._deadline = None if limits.wall_s is None else time.monotonic() + limits.wall_s
        self._ready = select.epoll()
        self._ready.register(process.channel, select.EPOLLIN)
        self._timer = None if limits.wall_s is None else kernel.start_timer(limits.wall_s)
        if self._timer is not None:
            self._ready.register(self._timer, select.EPOLLIN)
        self._result: Exit | None = None
        self._is_killed = False
        self.listeners = listeners

    def fileno(self) -> int:
        """Readable when `result` returns within the moment that the kernel takes to bury a killed tree: the command
        ended, or its wall time is over. Poll for reading only; closed by `result`."""
        return self._ready.fileno()

    def result(self) -> Exit:
        """Wait for the end, kill the tree at the wall time limit. Raises `SandboxError(LOST)` if pid 1 died for no
        reason known."""
        if self._result is None:
            try:
                self._result = self._wait()
            finally:
                self._close_descriptors()
        return self._result

    def _close_descriptors(self) -> None:
        self._ready.close()
        if self._timer is not None:
            os.close(self._timer)
            self._timer = None

    def kill(self) -> None:
        """Kill the whole tree now. `result` still follows, as killed by SIGKILL."""
        self._is_killed = True
        self._process.kill()

    def _wait(self) -> Exit:
        if not self._process.wait_readable(self._deadline):
            self._process.kill()
            self._process.reap()
            return Exit(None, signal.SIGKILL, timed_out=True)
        try:
            body = wire.receive(self._process.channel).body
            if "error" in body:
                raise reported(body)
            ended = Exit(body["code"], body["signal"])
            self._process.leave()
            return ended
        except (wire.WireError, KeyError, ValueError):
            self._process.kill()
            self._process.reap()
        if self._is_killed or self._process.ran_out_of_memory():
            return Exit(None, signal.SIGKILL)
        raise SandboxError(
            ErrorCode.LOST, "the sandbox died before the command ended", "look for the out-of-memory killer in the kernel log"
        )


class MountSource(Protocol):
    """Who opens the mounts of a cell."""

    def take(self, stack: contextlib.ExitStack, order: MountOrder) -> tuple[tuple[int, ...], bool]:
        """Descriptors for pid 1, closed by `stack`: one per mount, or (True) one where it receives them."""

    def close(self) -> None:
        """Give up what was made beforehand."""


class OwnMounts:
    """Mounts that this process opens, from its own host view. identity: whose files they shall be; None: nobody
    else's. spares: id maps that are made now."""

    def __init__(self, identity: idmap.Identity | None, *, spares: int) -> None:
        maps = tuple(idmap.OwnerMap() for _ in range(spares if identity is not None else 0))
        self._owners = None if identity is None else Owners(identity, maps)

    def take(self, stack: contextlib.ExitStack, order: MountOrder) -> tuple[tuple[int, ...], bool]:
        return open_mounts(stack, order, self._owners), False

    def close(self) -> None:
        if self._owners is not None:
            self._owners.close()
            self._owners = None


class Cell:
    """A prepared sandbox that waits for its specification. Used once. A context manager: leaving it kills what is
    left.

    pump_filter: the program for `apply_pump_filter`, compiled once for all cells; None where no filter was compiled.
    """

    def __init__(
        self,
        level: Level,
        process: Init | None,
        identity: idmap.Identity | None,
        mounts: MountSource,
        failure: SandboxError | None = None,
        *,
        pump_filter: bytes | None = None,
    ) -> None:
        self.pump_filter = pump_filter
        self.level = level
        self._process = process
        self._identity = identity
        self._mounts = mounts
        self._failure = failure
        self._is_used = False

    @classmethod
    def prepare(cls, level: Level, kit: Kit | None = None, template: Template | None = None, *, hurry: bool = False) -> "Cell":
        """Make a cell as a child of this single-threaded process. Raises `SandboxError(UNAVAILABLE)`.

        Without a kit this process enters a mount namespace of its own first (`enter_host_view`), for good. hurry:
        somebody waits, so leave out what would only make a later start quicker.
        """
        if kit is None:
            kit = make_kit(level)
            enter_host_view(kit)
        process, identity = Init.launch(kit, template, hurry=hurry)
        has_owners = level is Level.STRICT and identity.is_separate
        mounts = OwnMounts(identity if has_owners else None, spares=int(not hurry))
        cell = cls(level, process, identity, mounts, pump_filter=kit.pump_program)
        if not hurry:
            _rehearse(level)
        return cell

    @classmethod
    def failed(cls, level: Level, failure: SandboxError) -> "Cell":
        """A cell that could not be prepared: `start` raises `failure`."""
        return cls(level, None, None, OwnMounts(None, spares=0), failure)

    def start(
        self,
        spec: SandboxSpec,
        *,
        stdin: int,
        stdout: int,
        stderr: int,
        meanwhile: Callable[[], object] | None = None,
        supervisor: int | None = None,
    ) -> Child:
        """Start the command; returns when execve(2) has succeeded. The descriptors stay the caller's.

        meanwhile: what the caller has to do before it reads the output, done while pid 1 makes the sandbox ready.
        supervisor: with a kit that explains, the socket of `explain.Supervisor`. Raises `SandboxError`, and whatever
        `meanwhile` raises; then everything of this cell is dead.
        """
        if self._failure is not None:
            raise self._failure
        if self._is_used or self._process is None or self._identity is None:
            raise SandboxError(ErrorCode.CLOSED, "a cell serves one command")
        self._is_used = True
        try:
            _check_level(spec, self.level)
            stdio = (stdin, stdout, stderr)
            for descriptor in stdio:
                _check_stdio(descriptor)
                if self._identity.is_separate:
                    _give_pipe(descriptor, self._identity)
            self._process.limit(spec.limits)
            with contextlib.ExitStack() as stack:
                mounts, follow = self._mounts.take(stack, MountOrder.of(spec)) if spec.mounts else ((), False)
                descriptors = (*stdio, *mounts, *(() if supervisor is None else (supervisor,)))
                listeners = self._process.order(Orders.of(spec, HOME_DIR), descriptors, meanwhile, mounts_follow=follow)
        except BaseException:
            self.close()
            raise
        return Child(self._process, spec.limits, listeners)

    def verify(self) -> None:
        """Use the cell up to prove that every layer can be applied and locked. Raises `SandboxError`."""
        if self._process is None or self._is_used:
            raise self._failure or SandboxError(ErrorCode.CLOSED, "a cell serves one command")
        self._is_used = True
        try:
            self._process.prove()
        finally:
            self.close()

    def close(self) -> None:
        """Kill whatever there is, and wait until it is gone."""
        self._mounts.close()
        if self._process is not None:
            self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _rehearse(level: Level) -> None:
    """Touch what `start` will touch, in this process: the kernel copies the pages now, while nobody waits."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    mounts = (Mount("/usr", "/mnt", writable=False),) if level is Level.STRICT else ()
    spec = SandboxSpec(argv=("/",), env={"A": "b"}, level=level, mounts=mounts)
    with ours, theirs, contextlib.ExitStack() as stack:
        _check_stdio(ours.fileno())
        if mounts:
            with contextlib.suppress(SandboxError):  # where /usr is a symbolic link
                open_mounts(stack, MountOrder.of(spec), None)
        wire.send(ours, Orders.of(spec).to_message(), (ours.fileno(),))
        poller = select.poll()
        poller.register(theirs, select.POLLIN)
        poller.poll(0)
        for descriptor in wire.receive(theirs).descriptors:
            os.close(descriptor)


def _check_level(spec: SandboxSpec, level: Level) -> None:
    if spec.level is not level:
        raise SandboxError(ErrorCode.BAD_SPEC, f"the specification asks for level {spec.level}, this cell is {level}")


def _check_stdio(descriptor: int) -> None:
    """A directory would lead out (openat `..`), a terminal would let the command type for the user."""
    try:
        mode = os.fstat(descriptor).st_mode
        is_terminal = os.isatty(descriptor)
    except OSError as error:
        raise SandboxError(
            ErrorCode.BAD_SPEC, f"descriptor {descriptor} for standard input or output: {error.strerror}"
        ) from None
    if stat.S_ISDIR(mode) or stat.S_ISBLK(mode) or is_terminal:
        raise SandboxError(ErrorCode.BAD_SPEC, f"descriptor {descriptor} is a directory, device or terminal", "pass a pipe")


def _give_pipe(descriptor: int, identity: idmap.Identity) -> None:
    """Make an anonymous pipe the command's own, so that `>/dev/stderr`, which opens it anew, is permitted."""
    reader, writer = os.pipe()
    try:
        is_anonymous = os.fstat(reader).st_dev == os.fstat(descriptor).st_dev
    finally:
        os.close(reader)
        os.close(writer)
    if is_anonymous:
        with contextlib.suppress(PermissionError):  # a pipe of another user namespace: the command does without
            os.fchown(descriptor, identity.uid, identity.gid)
