"""Finding, starting and waiting for the command: the last things that pid 1 does.

Guarantees: the command gets exactly the given arguments, environment and three descriptors, default signal handlers, an
empty signal mask and a session of its own. Never: a shell, a search of the host's PATH.
"""

import contextlib
import errno
import os
import select
import signal
import socket
import stat
from typing import Final, NoReturn

from sandbox.errors import ErrorCode, SandboxError
from sandbox.orders import Orders
from sandbox.spec import DEFAULT_PATH, FileIdentity

_ALL_SIGNALS: Final = frozenset(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}
_SIGNAL_INFO: Final = 128  # sizeof(struct signalfd_siginfo)
_NOT_OUR_FAULT: Final = frozenset({errno.EAGAIN, errno.ENOMEM, errno.ENFILE, errno.EMFILE})


def enter_cwd(path: str) -> None:
    """Change to the working directory. Raises `SandboxError(BAD_CWD)`."""
    try:
        os.chdir(path)
    except OSError as error:
        hint = "the working directory must exist inside: mount it, or choose one below a mount"
        raise SandboxError(ErrorCode.BAD_CWD, f"working directory {path!r}: {error.strerror}", hint) from None


def find_executable(orders: Orders) -> bytes:
    """The path to execute, as the command's user would find it. Raises `SandboxError(NOT_FOUND | NOT_EXECUTABLE)`."""
    if orders.executable is not None:
        return os.fsencode(orders.executable)
    name = orders.argv[0]
    if b"/" in name:
        return name
    search = next((value for key, value in orders.env if key == b"PATH"), os.fsencode(DEFAULT_PATH))
    found_but_refused = False
    for directory in search.split(b":"):
        if not directory.startswith(b"/"):
            continue  # an empty or relative entry would let the working directory decide
        candidate = directory + b"/" + name
        try:
            if not stat.S_ISREG(os.stat(candidate).st_mode):
                continue
        except OSError as error:
            found_but_refused |= error.errno == errno.EACCES
            continue
        if os.access(candidate, os.X_OK):
            return candidate
        found_but_refused = True
    if found_but_refused:
        raise SandboxError(ErrorCode.NOT_EXECUTABLE, f"{os.fsdecode(name)!r} is not executable")
    raise SandboxError(
        ErrorCode.NOT_FOUND,
        f"{os.fsdecode(name)!r} not found in the sandbox's PATH",
        "name a command below /usr or mount its directory",
    )


def spawn(path: bytes, orders: Orders, stdio: tuple[int, int, int]) -> int:
    """Start the command; returns its pid when execve has succeeded. posix_spawn(3): vfork, thus no copy of pid 1's
    memory."""
    actions = [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(stdio)]
    try:
        return os.posix_spawn(
            path,
            orders.argv,
            dict(orders.env),
            file_actions=actions,
            setsid=True,
            setsigmask=(),
            setsigdef=_ALL_SIGNALS,
        )
    except OSError as error:
        raise _spawn_error(path, error) from None


def _spawn_error(path: bytes, error: OSError) -> SandboxError:
    shown = os.fsdecode(path)
    if error.errno in _NOT_OUR_FAULT:
        return SandboxError(
            ErrorCode.SETUP_FAILED, f"cannot start {shown!r}: {error.strerror}", "raise the limit on processes, memory or files"
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        if os.path.exists(path):
            return SandboxError(ErrorCode.NOT_EXECUTABLE, f"{shown!r} needs an interpreter that does not exist inside")
        return SandboxError(ErrorCode.NOT_FOUND, f"{shown!r} not found", "the path must exist inside the sandbox: mount it")
    hint = "a script needs a #! line" if error.errno == errno.ENOEXEC else ""
    return SandboxError(ErrorCode.NOT_EXECUTABLE, f"cannot execute {shown!r}: {error.strerror}", hint)


def verify_identity(path: bytes, identity: FileIdentity | None) -> None:
    """Raise `SandboxError(EXECUTABLE_CHANGED)` unless `path` is the file that was checked. A swap right after it is not
    excluded."""
    if identity is not None and FileIdentity.of(os.stat(path)) != identity:
        raise SandboxError(ErrorCode.EXECUTABLE_CHANGED, f"{os.fsdecode(path)!r} is not the file that was checked", "ask again")


def execute(path: bytes, orders: Orders, stdio: tuple[int, int, int]) -> NoReturn:
    """Become the command: execve(2) in this process. Raises `SandboxError`."""
    for number, descriptor in enumerate(stdio):
        os.dup2(descriptor, number)
    for number in _ALL_SIGNALS:
        with contextlib.suppress(OSError):  # the two that libc keeps for itself
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        os.execve(path, orders.argv, dict(orders.env))  # noqa: S606  starting it without a shell is the point
    except OSError as error:
        raise _spawn_error(path, error) from None


def decode(status: int) -> tuple[int | None, int | None]:
    """A status of wait(2) as (code, None) or (None, signal)."""
    if os.WIFSIGNALED(status):
        return None, os.WTERMSIG(status)
    return os.WEXITSTATUS(status), None


def wait_for(command: int, ended: int, owner: socket.socket) -> tuple[int | None, int | None]:
    """Wait until `command` ends, reaping whatever else is inherited. Returns (code, None) or (None, signal).

    ended: signalfd of SIGCHLD. owner: says nothing more, so that whatever happens there means that it is gone: ends this
    process, and as pid 1 everything with it.
    """
    poller = select.poll()
    poller.register(ended, select.POLLIN)
    poller.register(owner, select.POLLIN)
    while True:
        if any(descriptor != ended for descriptor, _ in poller.poll()):
            os._exit(1)
        os.read(ended, _SIGNAL_INFO)
        status = _reap(command)
        if status is not None:
            return decode(status)


def _reap(command: int) -> int | None:
    """Bury everybody who has ended; the status of `command` if it is among them."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)  # while it lasts, there is a child: no error
        if pid == command:
            return status
        if pid == 0:
            return None
