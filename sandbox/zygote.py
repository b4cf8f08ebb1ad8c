"""Warm sandboxes for a server: the handle of a zygote process.

Guarantees: `Zygote.start` returns only when every layer of the level was tried and found to hold; each `cell` gives a
prepared cell, each `spawn` a fresh process with one. Everything dies with the process that called `start`. Never: a
blocked event loop in `cell` or `spawn`.

`cell` is for a server that trusts itself with what it hands to the command: nothing stands between the two. `spawn` is for
one that does not, or has more to do for each command than to start it: in the process it can hold a secret, then restrict
itself, and dies alone.
"""

import contextlib
import os
import select
import socket
import struct
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from sandbox import cgroup, idmap, wire
from sandbox.birth import Init, make_leaf
from sandbox.cell import Cell
from sandbox.errors import ErrorCode, SandboxError
from sandbox.mounts import MountOrder
from sandbox.spec import Level

# asyncio, importlib.util, subprocess and threading are imported where they are used: the zygote itself imports this module,
# and every megabyte costs each of its forks; what threading does after a fork, 130 page copies.
if TYPE_CHECKING:
    import subprocess

_READY_TIMEOUT_S: Final = 30.0
_REQUEST_TIMEOUT_S: Final = 10.0
# What is asked, and kernel uid and gid of the sandbox and whether they are its own: sandbox._zygote_main reads it.
_REQUEST: Final = struct.Struct("!cII?")
_SPAWN: Final = b"S"
_CELL: Final = b"C"
_MOUNTS: Final = b"M"
_BOOT: Final = (
    "import sys; sys.path[:0] = {path!r}; "
    "from sandbox._zygote_main import main; main({control}, {level!r}, {entry!r}, {preload!r}, {dies!r}, {rehearse!r})"
)


class Zygote:
    """A running zygote. Belongs to one process; close it, or use it as a context manager."""

    def __init__(self, process: "subprocess.Popen[bytes]", control: socket.socket, level: Level, *, has_entry: bool) -> None:
        self._process = process
        self._has_entry = has_entry
        self._control = control
        self._is_privileged = False
        self._leaves: cgroup.Parent | None = None
        self.level = level

    @classmethod
    def start(
        cls,
        *,
        entry: str | None = None,
        preload: tuple[str, ...] = (),
        level: Level = Level.STRICT,
        path: tuple[str, ...] = (),
        rehearse: str | None = None,
        stderr: int | None = None,
    ) -> "Zygote":
        """Start a fresh interpreter that imports `entry` ("package.module:function") and `preload`. entry: what `spawn`
        runs; None for who only calls `cell`, which is quicker the less the zygote has imported.

        Blocking; call it early, from the main thread: started from another, the zygote only notices the end of this
        process by its socket. rehearse: "package.module:function" to call once before the first fork, so that what
        libraries do at their first use (and the pages this touches) is inherited. path: directories to import from,
        beside those of sandbox, entry and preload. stderr: descriptor for tracebacks; None discards them. Raises
        `SandboxError(UNAVAILABLE)` naming layer, cause and remedy.
        """
        import subprocess
        import threading

        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        boot = _BOOT.format(
            path=_import_path(entry, preload, path),
            control=theirs.fileno(),
            level=level.value,
            entry=entry,
            preload=preload,
            rehearse=rehearse,
            dies=threading.current_thread() is threading.main_thread(),
        )
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", boot],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if stderr is None else stderr,
                pass_fds=(theirs.fileno(),),
                env={"LC_ALL": "C.UTF-8"},
                cwd="/",
                start_new_session=True,
            )
        zygote = cls(process, ours, level, has_entry=entry is not None)
        try:
            zygote._await_ready()
        except BaseException:
            zygote.close()
            raise
        return zygote

    def _await_ready(self) -> None:
        self._control.settimeout(_READY_TIMEOUT_S)
        try:
            body = wire.receive(self._control).body
        except wire.WireError as error:
            hint = "start it with stderr=2 to see why"
            raise SandboxError(ErrorCode.LOST, f"the zygote did not get ready: {error}", hint) from None
        if "error" in body:
            raise SandboxError(ErrorCode(body["error"]), body["message"], body["hint"])
        self._is_privileged = body["privileged"] is True
        self._leaves = None if body["leaves"] is None else cgroup.Parent(body["leaves"][0], frozenset(body["leaves"][1]))
        self._control.setblocking(False)

    @property
    def pid(self) -> int:
        """Process id of the zygote."""
        return self._process.pid

    def fileno(self) -> int:
        """Readable when the zygote has died: it never says anything after it was ready."""
        return self._control.fileno()

    async def spawn(self) -> socket.socket:
        """Fork one process; returns the other end of its connection, non-blocking. Its end of file means: the process
        is gone.

        Raises `SandboxError(LOST)` when the zygote is dead.
        """
        self._require_entry()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        try:
            await self._request(_SPAWN, None, theirs.fileno())
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def spawn_blocking(self, timeout_s: float = _REQUEST_TIMEOUT_S) -> socket.socket:
        """Like `spawn`, for code without an event loop; the returned socket is blocking."""
        self._require_entry()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._request_blocking(_SPAWN, None, theirs.fileno(), timeout_s=timeout_s)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    async def cell(self) -> Cell:
        """Order a cell that this process itself owns, and return at once: it gets ready meanwhile. Level strict only.

        pid 1 is a child of the zygote: it dies with the zygote, and when the cell is closed or this process ends. `Cell.start`
        blocks for some milliseconds: it is for a thread. Raises `SandboxError(LOST)` when the zygote is dead.
        """
        order = _CellOrder(self)
        try:
            await self._request(_CELL, order.identity, *order.descriptors)
        except BaseException:
            order.abandon()
            raise
        return order.to_cell()

    def cell_blocking(self, timeout_s: float = _REQUEST_TIMEOUT_S) -> Cell:
        """Like `cell`, for code without an event loop."""
        order = _CellOrder(self)
        try:
            self._request_blocking(_CELL, order.identity, *order.descriptors, timeout_s=timeout_s)
        except BaseException:
            order.abandon()
            raise
        return order.to_cell()

    def _require_entry(self) -> None:
        if not self._has_entry:
            raise SandboxError(ErrorCode.BAD_SPEC, "this zygote was started without an entry point", "give Zygote.start one")

    async def _request(self, kind: bytes, identity: idmap.Identity | None, *descriptors: int) -> None:
        while not self._try_request(kind, identity, descriptors):
            await _writable(self._control)

    def _request_blocking(
        self, kind: bytes, identity: idmap.Identity | None, *descriptors: int, timeout_s: float = _REQUEST_TIMEOUT_S
    ) -> None:
        deadline = time.monotonic() + timeout_s
        while not self._try_request(kind, identity, descriptors):
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([], [self._control], [], remaining)[1]:
                raise SandboxError(ErrorCode.LOST, f"the zygote took no request within {timeout_s} s")

    def _try_request(self, kind: bytes, identity: idmap.Identity | None, descriptors: tuple[int, ...]) -> bool:
        words = (0, 0, False) if identity is None else (identity.uid, identity.gid, identity.is_separate)
        try:
            socket.send_fds(self._control, [_REQUEST.pack(kind, *words)], descriptors, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return False
        except OSError as error:
            raise SandboxError(ErrorCode.LOST, f"the zygote is gone: {error.strerror}", "start a new one") from None
        return True

    def close(self) -> None:
        """End the zygote; every process it forked dies with it."""
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _CellOrder:
    """What is made on this side before a cell can be asked for."""

    def __init__(self, zygote: Zygote) -> None:
        if zygote.level is not Level.STRICT:
            message = f"a cell without a process that holds it needs level strict, this zygote is {zygote.level}"
            raise SandboxError(ErrorCode.BAD_SPEC, message, "use spawn")
        self._zygote = zygote
        self.identity = idmap.choose_identity(privileged=zygote._is_privileged)
        self._leaf = make_leaf(zygote._leaves, dies_as_one=True)
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)

    @property
    def descriptors(self) -> tuple[int, ...]:
        return (self._theirs.fileno(), *(() if self._leaf is None else (self._leaf.fileno(),)))

    def abandon(self) -> None:
        self._theirs.close()
        self._ours.close()
        if self._leaf is not None:
            self._leaf.close()

    def to_cell(self) -> Cell:
        self._theirs.close()
        process = Init(self._ours, self._leaf, None, is_keeper=False)
        return Cell(self._zygote.level, process, self.identity, _ZygoteMounts(self._zygote, self.identity))


class _ZygoteMounts:
    """Mounts that the zygote opens and hands to pid 1 itself: only its view of the host may be copied."""

    def __init__(self, zygote: Zygote, identity: idmap.Identity) -> None:
        self._zygote = zygote
        self._identity = identity

    def take(self, stack: contextlib.ExitStack, order: MountOrder) -> tuple[tuple[int, ...], bool]:
        """The end where pid 1 receives them, or why not."""
        for_pid_1, for_zygote = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        stack.callback(for_pid_1.close)
        with for_zygote:
            self._zygote._request_blocking(_MOUNTS, self._identity, for_zygote.fileno())
        try:
            wire.send(for_pid_1, order.to_message())
        except wire.WireError as error:
            raise SandboxError(ErrorCode.LOST, f"the zygote did not take the mounts: {error}") from None
        return (for_pid_1.fileno(),), True

    def close(self) -> None:
        """Nothing is kept here."""


async def _writable(control: socket.socket) -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_writer(control, wake)
    try:
        await ready
    finally:
        loop.remove_writer(control)


def _import_path(entry: str | None, preload: tuple[str, ...], path: tuple[str, ...]) -> list[str]:
    """Directories that hold this package, and the top-level packages of what is to be imported: -I forgets
    PYTHONPATH."""
    import importlib.util

    found = [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), *path]
    for name in (*(() if entry is None else (entry.partition(":")[0],)), *preload):
        specification = importlib.util.find_spec(name.partition(".")[0])
        locations = list(specification.submodule_search_locations or ()) if specification else []
        if specification and specification.origin and specification.origin.startswith("/"):
            locations.append(os.path.dirname(specification.origin) if locations else specification.origin)
        found.extend(os.path.dirname(os.path.abspath(location)) for location in locations)
    return list(dict.fromkeys(found))
