"""The process that owns one sandbox on behalf of `run` and the command line.

Guarantees: the caller itself never enters a namespace; the owner dies with the caller's thread or when its channel
closes, and the sandbox dies with the owner; when `result` returns, pid 1 and everything below it has been buried. A
caller with threads gets a fresh interpreter instead of a fork, because a fork of threads may inherit locks that nobody
will ever release.
"""

import contextlib
import os
import resource
import select
import signal
import socket
import sys
import time
from types import TracebackType
from typing import Any, Final, NoReturn, Self

from sandbox import privileges, wire
from sandbox.cell import Cell, Child
from sandbox.errors import ErrorCode, SandboxError
from sandbox.kit import enter_host_view, make_kit
from sandbox.orders import spec_from_message, spec_to_message
from sandbox.spec import Exit, SandboxSpec

_STDIO_COUNT: Final = 3
_LAST_REPORT_S: Final = 2.0
_BOOT: Final = "import sys; sys.path.insert(0, {path!r}); from sandbox.owner import serve; serve({channel})"


class Owner:
    """Handle of a running owner process. A context manager: leaving it kills what is left.

    listeners: as `Child.listeners`; whoever started the owner closes them.
    """

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.listeners: tuple[socket.socket, ...] = ()
        self._pid = pid
        self._channel = channel
        self._is_reaped = False

    @classmethod
    def start(cls, spec: SandboxSpec, stdio: tuple[int, int, int], report: int | None = None) -> Self:
        """Start the command of `spec`; returns when it executes. The descriptors stay the caller's. report: the write end
        for `explain.Lines`, needed with `spec.explain`. Raises `SandboxError`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            pid = _fork_owner(theirs) if _is_single_threaded() else _spawn_owner(theirs)
        owner = cls(pid, ours)
        try:
            with contextlib.suppress(wire.WireError):
                wire.send(ours, spec_to_message(spec), (*stdio, *(() if report is None else (report,))))
            owner.listeners = tuple(socket.socket(fileno=number) for number in owner._receive().descriptors)
        except BaseException:
            owner.close()
            raise
        return owner

    def fileno(self) -> int:
        """Readable when `result` returns at once."""
        return self._channel.fileno()

    def result(self) -> Exit:
        """Wait for the end of the command. Raises `SandboxError(LOST)`."""
        body = self._receive().body
        return Exit(body["code"], body["signal"], body["timed_out"])

    def _receive(self) -> wire.Frame:
        try:
            frame = wire.receive(self._channel)
        except wire.WireError as error:
            raise SandboxError(ErrorCode.LOST, f"the owner of the sandbox died: {error}") from None
        if "error" in frame.body:
            raise SandboxError(ErrorCode(frame.body["error"]), frame.body["message"], frame.body["hint"])
        return frame

    def kill(self) -> None:
        """Have the command killed; `result` still follows."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End the owner and with it the sandbox; wait until the owner has buried it."""
        self._channel.close()
        if not self._is_reaped:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._is_reaped = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _is_single_threaded() -> bool:
    return len(os.listdir("/proc/self/task")) == 1


def _fork_owner(channel: socket.socket) -> int:
    pid = os.fork()
    if pid == 0:
        serve(channel.fileno())
    return pid


def _spawn_owner(channel: socket.socket) -> int:
    import subprocess  # not for who only forks: every megabyte costs each fork

    boot = _BOOT.format(path=os.path.dirname(os.path.dirname(os.path.abspath(__file__))), channel=channel.fileno())
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", boot],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(channel.fileno(),),
        env={"LC_ALL": "C.UTF-8"},
        cwd="/",
    )
    process.returncode = 0  # `Owner.close` reaps it: Popen must neither wait nor warn
    return process.pid


def serve(channel_fd: int) -> NoReturn:
    """Be the owner: receive a specification from descriptor `channel_fd`, run it, report, end."""
    status = 1
    try:
        _detach(channel_fd)
        channel = socket.socket(fileno=channel_fd)
        try:
            _serve(channel)
        except SandboxError as error:
            wire.send(channel, {"error": error.code.value, "message": error.message, "hint": error.hint})
        except OSError as error:
            message = f"setting up: {error.strerror or type(error).__name__}"
            wire.send(channel, {"error": ErrorCode.SETUP_FAILED.value, "message": message, "hint": ""})
        status = 0
    except (wire.WireError, OSError):
        status = 1  # the caller is gone: nobody to tell
    finally:
        os._exit(status)


def _detach(channel_fd: int) -> None:
    """Nothing of the caller but the channel: no descriptor, no signal handler, no terminal's interrupt."""
    privileges.die_with_parent()
    for ignored in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(ignored, signal.SIG_IGN)
    for caught in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(caught, signal.SIG_DFL)
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for number in range(_STDIO_COUNT):
        if number != channel_fd:
            os.dup2(null, number, inheritable=False)
    os.closerange(_STDIO_COUNT, channel_fd)
    os.closerange(channel_fd + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _serve(channel: socket.socket) -> None:
    frame = wire.receive(channel)
    spec = spec_from_message(frame.body)
    if len(frame.descriptors) != _STDIO_COUNT + spec.explain:
        raise SandboxError(ErrorCode.BAD_SPEC, "three descriptors are needed, and one for reports with `explain`")
    stdin, stdout, stderr = frame.descriptors[:_STDIO_COUNT]
    with contextlib.ExitStack() as stack:
        if spec.explain:
            cell, more = _explaining_cell(stack, spec, frame.descriptors[-1])
        else:
            cell, more = stack.enter_context(Cell.prepare(spec.level)), {}
        child = cell.start(spec, stdin=stdin, stdout=stdout, stderr=stderr, **more)
        for descriptor in frame.descriptors[:_STDIO_COUNT]:
            os.close(descriptor)
        wire.send(channel, {"started": True}, tuple(listener.fileno() for listener in child.listeners))
        for listener in child.listeners:
            listener.close()
        ended = _wait(channel, child, spec.limits.wall_s)
    wire.send(channel, {"code": ended.code, "signal": ended.signal, "timed_out": ended.timed_out})


def _explaining_cell(stack: contextlib.ExitStack, spec: SandboxSpec, report: int) -> tuple[Cell, dict[str, Any]]:
    """A cell whose filters ask, and the arguments that give it its supervisor. The last report is out when `stack`
    closes."""
    from sandbox import explain  # only here: what it imports costs every other start

    kit = make_kit(spec.level, explain=True)
    supervisor = explain.Supervisor(spec, explain.report_to(report))
    enter_host_view(kit)
    stack.callback(lambda: supervisor.join(_LAST_REPORT_S))
    cell = stack.enter_context(Cell.prepare(spec.level, kit))
    return cell, {"meanwhile": lambda: supervisor.start(kit), "supervisor": supervisor.fileno()}


def _wait(channel: socket.socket, child: Child, wall_s: float | None) -> Exit:
    """The result of `child`; killed when the caller closes or uses the channel."""
    deadline = None if wall_s is None else time.monotonic() + wall_s
    poller = select.poll()
    poller.register(channel, select.POLLIN)
    poller.register(child, select.POLLIN)
    events = poller.poll(None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000)
    if any(descriptor == channel.fileno() for descriptor, _ in events):
        child.kill()
    return child.result()
