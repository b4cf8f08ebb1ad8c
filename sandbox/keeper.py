"""What stands in for pid 1 where there are no namespaces: levels `landlock` and `off`.

Guarantees: the command starts only after every layer of the level was applied; when it ends, or the owner closes the
channel, every descendant is killed and reaped before the result is sent, and the private directory is removed. The
keeper itself is outside the command's Landlock domain, not dumpable, and thereby unreadable for it. Never, because only
namespaces could: other processes hidden, a death of descendants guaranteed by the kernel when the keeper itself is
killed, a quota for the private directory, other paths than the host's own.
"""

import contextlib
import os
import select
import signal
import socket
import time
from dataclasses import replace
from typing import Final, NoReturn

from sandbox import command, kernel, landlock, privileges, wire
from sandbox.errors import ErrorCode, SandboxError
from sandbox.init import reset_process
from sandbox.kit import Kit, apply_filters
from sandbox.orders import Orders
from sandbox.spec import HOME_DIR, SCRATCH_DIRS, Level, PrivateFile, SandboxSpec

_STDIO_COUNT: Final = 3
_MEMORY_DIR: Final = "/dev/shm"  # noqa: S108  made private by mkdtemp; what is written there never reaches a disk
_READABLE: Final = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/etc/alternatives", "/etc/ca-certificates", "/etc/group", "/etc/host.conf", "/etc/ld.so.cache", "/etc/ld.so.conf"),
    *("/etc/ld.so.conf.d", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/passwd", "/etc/protocols"),
    *("/etc/services", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/terminfo"),
    # Not /proc as a whole: other processes and the kernel's state would be in it. /proc/self is the command's own.
    *("/proc/self", "/proc/cpuinfo", "/proc/filesystems", "/proc/loadavg", "/proc/meminfo", "/proc/stat", "/proc/uptime"),
)
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_BURIAL_POLL_S: Final = 0.002


def main(channel: socket.socket, kit: Kit) -> NoReturn:
    """Run as the keeper of one command. `channel` leads to the owner and is the only descriptor that is kept."""
    import tempfile  # here: a zygote of level strict never needs it, and every megabyte costs each fork

    status = 1
    try:
        reset_process(channel)
        privileges.hide_memory()
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        directory = tempfile.mkdtemp(prefix="sandbox-", dir=_MEMORY_DIR if os.access(_MEMORY_DIR, os.W_OK) else None)
        try:
            _serve(channel, kit, directory)
        finally:
            _bury_descendants()
            _remove(directory)
        status = 0
    except SandboxError as error:
        with contextlib.suppress(wire.WireError):
            wire.send(channel, {"error": error.code.value, "message": error.message, "hint": error.hint})
    except OSError as error:
        with contextlib.suppress(wire.WireError):
            wire.send(channel, {"error": ErrorCode.SETUP_FAILED.value, "message": str(error.strerror), "hint": ""})
    except wire.WireError:
        status = 1  # the owner is gone: nobody to tell
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # the type alone: a value could be a secret
        message = f"orders that make no sense: {type(error).__name__}"
        with contextlib.suppress(wire.WireError):
            wire.send(channel, {"error": ErrorCode.LOST.value, "message": message, "hint": ""})
    finally:
        os._exit(status)


def _serve(channel: socket.socket, kit: Kit, directory: str) -> None:
    frame = wire.receive(channel)
    if frame.body.get("trial"):
        _prove(channel, kit, directory)
        return
    orders = Orders.from_message(frame.body)
    home = os.path.join(directory, "home")
    os.umask(0o077)  # chmod(2) has no effect at this level: nothing may start out more open than it should end
    os.mkdir(home, 0o700)
    os.mkdir(os.path.join(directory, "tmp"), 0o700)
    orders = _relocate(orders, directory, home)
    _write_files(orders.files, home)
    pid = _launch(kit, orders, frame.descriptors, directory)
    wire.send(channel, {"started": True})
    for descriptor in frame.descriptors:
        os.close(descriptor)
    code, by_signal = _await_end(channel, pid)
    _bury_descendants()
    _remove(directory)
    wire.send(channel, {"code": code, "signal": by_signal})


def _remove(directory: str) -> None:
    import shutil  # as `tempfile` above

    shutil.rmtree(directory, ignore_errors=True)


def _prove(channel: socket.socket, kit: Kit, directory: str) -> None:
    """Lock a child that then looks for a file that is not there: every layer was applied if that is all it complains
    of."""
    missing = Orders.of(SandboxSpec(argv=("/",), executable="/nonexistent", cwd=directory))
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        _launch(kit, missing, (null, null, null), directory)
    except SandboxError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise SandboxError(ErrorCode.UNAVAILABLE, error.message, error.hint) from None
    finally:
        os.close(null)
    wire.send(channel, {"started": True})


def _relocate(orders: Orders, directory: str, home: str) -> Orders:
    """There is no private root to hold HOME_DIR: every path below it means the private directory."""
    old = os.fsencode(HOME_DIR)

    def moved(value: bytes) -> bytes:
        return os.fsencode(home) + value[len(old) :] if value == old or value.startswith(old + b"/") else value

    env = {name: moved(value) for name, value in orders.env}
    env.setdefault(b"HOME", os.fsencode(home))
    env.setdefault(b"GIT_CONFIG_NOSYSTEM", b"1")  # git stops at an /etc/gitconfig that exists and cannot be read
    if os.fsdecode(env.get(b"TMPDIR", b"/tmp")) in SCRATCH_DIRS:
        env[b"TMPDIR"] = os.fsencode(os.path.join(directory, "tmp"))
    cwd = os.fsdecode(moved(os.fsencode(orders.cwd)))
    return replace(orders, env=tuple(env.items()), cwd=cwd)


def _write_files(files: tuple[PrivateFile, ...], home: str) -> None:
    for file in files:
        if not file.path.startswith(HOME_DIR + "/"):
            hint = f"choose a path below {HOME_DIR}, or level strict"
            raise SandboxError(ErrorCode.BAD_SPEC, f"private file {file.path!r} needs a private root", hint)
        path = home + file.path[len(HOME_DIR) :]
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, file.mode)
        with open(descriptor, "wb") as opened:
            opened.write(file.content)


def _launch(kit: Kit, orders: Orders, descriptors: tuple[int, ...], directory: str) -> int:
    """Fork the process that becomes the command; returns when execve succeeded. Raises what kept it from that."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)  # close-on-exec: its end says that execve succeeded
    pid = os.fork()
    if pid == 0:
        _become_command(theirs, kit, orders, descriptors, directory)
    theirs.close()
    with ours:
        try:
            body = wire.receive(ours).body
        except wire.WireError:
            return pid
    raise SandboxError(ErrorCode(body["error"]), body["message"], body["hint"])


def _become_command(status: socket.socket, kit: Kit, orders: Orders, descriptors: tuple[int, ...], directory: str) -> NoReturn:
    try:
        os.setsid()
        supervisor = descriptors[-1] if kit.explain else None
        received = descriptors[:-1] if kit.explain else descriptors
        stdio, mounts = received[:_STDIO_COUNT], received[_STDIO_COUNT:]
        if len(stdio) != _STDIO_COUNT or len(mounts) != len(orders.targets):
            raise SandboxError(ErrorCode.SETUP_FAILED, "orders and descriptors do not match")
        if kit.level is Level.LANDLOCK:
            _lock(kit, orders, mounts, directory, supervisor)
        command.enter_cwd(orders.cwd)
        path = command.find_executable(orders)
        command.verify_identity(path, orders.identity)
        kernel.mark_close_on_exec(_STDIO_COUNT)
        command.execute(path, orders, (stdio[0], stdio[1], stdio[2]))
    except SandboxError as error:
        wire.send(status, {"error": error.code.value, "message": error.message, "hint": error.hint})
    except OSError as error:
        wire.send(status, {"error": ErrorCode.SETUP_FAILED.value, "message": str(error.strerror), "hint": ""})
    finally:
        os._exit(1)


def _lock(kit: Kit, orders: Orders, mounts: tuple[int, ...], directory: str, supervisor: int | None) -> None:
    """Every layer that needs no namespace, in the order of `init.lock` and for its reasons."""
    with contextlib.suppress(OSError):  # EPERM without CAP_SETPCAP: then nothing is in the sets that an exec could bring back
        privileges.drop_bounding_set()
    privileges.forbid_new_privileges()
    rules = [landlock.PathRule(path, landlock.READ) for path in _READABLE if os.path.exists(path)]
    rules += [landlock.PathRule(path, landlock.DEVICE) for path in _DEVICES if os.path.exists(path)]
    rules.append(landlock.PathRule(directory, landlock.WRITE))
    for target, mount in zip(orders.targets, mounts, strict=True):
        rights = landlock.WRITE if target.is_writable else landlock.READ
        rules.append(landlock.PathRule(f"/proc/self/fd/{mount}", rights))  # the descriptor that was checked, not the name
    if orders.programs is not None:  # before the other layer: it lists directories
        landlock.allow_only_programs((*orders.programs, *((orders.executable,) if orders.executable else ())), kit.abi)
    landlock.apply(landlock.Policy(tuple(rules)), kit.abi)
    privileges.apply_limits(orders.limits)
    privileges.drop_all()
    if supervisor is None:
        if orders.limits.memory_mib is not None:
            apply_filters(kit.memory_programs)
        apply_filters(kit.programs)
    else:
        from sandbox import explain  # imported by the owner before the fork

        explain.hand_over(supervisor, kit, orders, tuple(rules))
    privileges.verify_dropped()


def _await_end(channel: socket.socket, pid: int) -> tuple[int | None, int | None]:
    """Wait until the command ends or the owner closes or shuts down the channel; then it is killed."""
    pidfd = os.pidfd_open(pid)
    try:
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        poller.register(channel, select.POLLIN)
        ready = {descriptor for descriptor, _ in poller.poll()}
        if pidfd not in ready:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    finally:
        os.close(pidfd)
    _, status = os.waitpid(pid, 0)
    return command.decode(status)


def _bury_descendants() -> None:
    """Kill and reap until no child is left. Orphans come to us (PR_SET_CHILD_SUBREAPER), so nobody escapes by double
    fork.

    All are stopped before any is killed: a stopped process cannot fork a successor.
    """
    while True:
        found = _descendants(os.getpid())
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(_BURIAL_POLL_S)


def _descendants(root: int) -> list[int]:
    """Process ids of everything below `root`, from /proc/PID/stat. proc(5)."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    found = [root]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found[1:]
