"""Warm sandboxes for a server: the handle of a zygote process.

Guarantees: `Zygote.start` returns only when every layer of the level was tried and found to hold; each `spawn` gives a
fresh process with a prepared cell. Everything dies with the process that called `start`. Never: a blocked event loop in
`spawn`.
"""

import contextlib
import os
import select
import socket
import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from sandbox import wire
from sandbox.errors import ErrorCode, SandboxError
from sandbox.spec import Level

# asyncio, importlib.util and subprocess are imported where they are used: the zygote itself imports this module, and every
# megabyte costs each of its forks.
if TYPE_CHECKING:
    import subprocess

_READY_TIMEOUT_S: Final = 30.0
_SPAWN: Final = b"S"
_BOOT: Final = (
    "import sys; sys.path[:0] = {path!r}; "
    "from sandbox._zygote_main import main; main({control}, {level!r}, {entry!r}, {preload!r}, {dies!r}, {rehearse!r})"
)


class Zygote:
    """A running zygote. Belongs to one process; close it, or use it as a context manager."""

    def __init__(self, process: "subprocess.Popen[bytes]", control: socket.socket, level: Level) -> None:
        self._process = process
        self._control = control
        self.level = level

    @classmethod
    def start(
        cls,
        *,
        entry: str,
        preload: tuple[str, ...] = (),
        level: Level = Level.STRICT,
        path: tuple[str, ...] = (),
        rehearse: str | None = None,
        stderr: int | None = None,
    ) -> "Zygote":
        """Start a fresh interpreter that imports `entry` ("package.module:function") and `preload`.

        Blocking; call it early, from the main thread: started from another, the zygote only notices the end of this
        process by its socket. rehearse: "package.module:function" to call once before the first fork, so that what
        libraries do at their first use (and the pages this touches) is inherited. path: directories to import from,
        beside those of sandbox, entry and preload. stderr: descriptor for tracebacks; None discards them. Raises
        `SandboxError(UNAVAILABLE)` naming layer, cause and remedy.
        """
        import subprocess

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
        zygote = cls(process, ours, level)
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
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        try:
            while not self._try_request(theirs):
                await _writable(self._control)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def spawn_blocking(self, timeout_s: float = 10.0) -> socket.socket:
        """Like `spawn`, for code without an event loop; the returned socket is blocking."""
        deadline = time.monotonic() + timeout_s
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            while not self._try_request(theirs):
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not select.select([], [self._control], [], remaining)[1]:
                    raise SandboxError(ErrorCode.LOST, f"the zygote took no request within {timeout_s} s")
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def _try_request(self, connection: socket.socket) -> bool:
        try:
            socket.send_fds(self._control, [_SPAWN], [connection.fileno()], socket.MSG_NOSIGNAL)
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


def _import_path(entry: str, preload: tuple[str, ...], path: tuple[str, ...]) -> list[str]:
    """Directories that hold this package, and the top-level packages of what is to be imported: -I forgets
    PYTHONPATH."""
    import importlib.util

    found = [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), *path]
    for name in (entry.partition(":")[0], *preload):
        specification = importlib.util.find_spec(name.partition(".")[0])
        locations = list(specification.submodule_search_locations or ()) if specification else []
        if specification and specification.origin and specification.origin.startswith("/"):
            locations.append(os.path.dirname(specification.origin) if locations else specification.origin)
        found.extend(os.path.dirname(os.path.abspath(location)) for location in locations)
    return list(dict.fromkeys(found))
