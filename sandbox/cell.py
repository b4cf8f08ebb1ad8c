"""One sandbox, seen from the process that owns it.

Guarantees: `Cell.prepare` makes everything that no specification changes; `Cell.start` returns when the command is
executing, or raises `SandboxError` with nothing left running; `Child.result` comes when the command has ended and its
whole tree is dead, at the latest soon after the wall time limit, however the command behaves. When the owner dies, so
does the sandbox (parent death signal and end of the channel). Never: a descriptor of the owner inside, but the three
given to `start`.
"""

import contextlib
import os
import posixpath
import select
import signal
import socket
import stat
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from sandbox import cgroup, idmap, init, keeper, kernel, wire
from sandbox.errors import ErrorCode, SandboxError
from sandbox.kit import Kit, enter_host_view, make_kit
from sandbox.orders import Orders
from sandbox.spec import HOME_DIR, INSIDE_ID, Exit, Level, Limits, Mount, SandboxSpec
from sandbox.template import Template

_NAMESPACES: Final = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
)  # the cgroup namespace is made by pid 1, which is in its leaf then: inside, that is the root
_OOM_SCORE: Final = 500
_START_TIMEOUT_S: Final = 30.0
_CHECK_HINT: Final = "run `python -m sandbox check` for the cause and the remedy"


class Child:
    """A running command. Belongs to one thread of its owner; `kill` may come from any.

    listeners: one TCP socket per `SandboxSpec.hosts` entry, in order, listening inside; the caller closes them.
    """

    def __init__(self, process: "_Init", limits: Limits, listeners: tuple[socket.socket, ...]) -> None:
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
            return Exit(body["code"], body["signal"])
        except (wire.WireError, KeyError, ValueError):
            self._process.kill()
            self._process.reap()
        if self._is_killed or self._process.ran_out_of_memory():
            return Exit(None, signal.SIGKILL)
        raise SandboxError(
            ErrorCode.LOST, "the sandbox died before the command ended", "look for the out-of-memory killer in the kernel log"
        )


class Cell:
    """A prepared sandbox that waits for its specification. Used once. A context manager: leaving it kills what is
    left.

    pump_filter: the program for `apply_pump_filter`, compiled once for all cells; None where no filter was compiled.
    """

    def __init__(
        self,
        level: Level,
        process: "_Init | None",
        identity: idmap.Identity | None,
        failure: SandboxError | None = None,
        *,
        can_wait: bool = True,
        pump_filter: bytes | None = None,
    ) -> None:
        self.pump_filter = pump_filter
        self.level = level
        self._process = process
        self._identity = identity
        self._failure = failure
        self._is_used = False
        has_owners = level is Level.STRICT and identity is not None and identity.is_separate
        self._owners = _Owners(identity, spares=int(can_wait)) if has_owners and identity is not None else None

    @classmethod
    def prepare(cls, level: Level, kit: Kit | None = None, template: Template | None = None, *, hurry: bool = False) -> "Cell":
        """Make a cell as a child of this single-threaded process. Raises `SandboxError(UNAVAILABLE)`.

        Without a kit this process enters a mount namespace of its own first (`enter_host_view`), for good. hurry:
        somebody waits, so leave out what would only make a later start quicker.
        """
        if kit is None:
            kit = make_kit(level)
            enter_host_view(kit)
        process, identity = _Init.launch(kit, template, hurry=hurry)
        cell = cls(level, process, identity, can_wait=not hurry, pump_filter=kit.pump_program)
        if not hurry:
            _rehearse(level)
        return cell

    @classmethod
    def failed(cls, level: Level, failure: SandboxError) -> "Cell":
        """A cell that could not be prepared: `start` raises `failure`."""
        return cls(level, None, None, failure)

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
                mounts = tuple(_open_mount(stack, mount, spec, self._owners) for mount in spec.mounts)
                listeners = self._process.order(
                    Orders.of(spec, HOME_DIR), (*stdio, *mounts, *(() if supervisor is None else (supervisor,))), meanwhile
                )
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
        if self._owners is not None:
            self._owners.close()
            self._owners = None
        if self._process is not None:
            self._process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Init:
    """pid 1 of a cell, or the keeper that stands in for it: its pid, a pidfd and the channel to it."""

    def __init__(self, pid: int, channel: socket.socket, leaf: cgroup.Leaf | None, *, is_keeper: bool) -> None:
        self.pid = pid
        self._leaf = leaf
        self._is_keeper = is_keeper
        self.channel = channel
        self._pidfd = os.pidfd_open(pid)
        self._is_reaped = False

    @classmethod
    def launch(cls, kit: Kit, template: Template | None, *, hurry: bool) -> "tuple[_Init, idmap.Identity]":
        """Clone pid 1 into all its namespaces at once and map its user."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        is_strict = kit.level is Level.STRICT
        try:
            pid, leaf = _fork_into_leaf(_NAMESPACES if is_strict else 0, kit, template)
        except OSError as error:
            ours.close()
            theirs.close()
            raise SandboxError(ErrorCode.UNAVAILABLE, f"namespaces: {error.strerror}", _CHECK_HINT) from None
        if pid == 0 and is_strict:
            init.main(theirs, kit, from_template=template is not None, hurry=hurry)
        if pid == 0:
            keeper.main(theirs, kit)
        theirs.close()
        process = cls(pid, ours, leaf, is_keeper=not is_strict)
        identity = idmap.choose_identity(privileged=kit.privileged)  # now: meanwhile pid 1 has begun
        if is_strict:
            process._map_user(identity)
        return process, identity

    def _map_user(self, identity: idmap.Identity) -> None:
        try:
            idmap.raise_oom_score(self.pid, _OOM_SCORE)
            idmap.write_maps(self.pid, inside_uid=INSIDE_ID, inside_gid=INSIDE_ID, identity=identity)
            self.channel.sendall(b"M", socket.MSG_NOSIGNAL)
        except OSError as error:
            self.close()
            raise SandboxError(ErrorCode.UNAVAILABLE, f"user namespace: {error.strerror}", _CHECK_HINT) from None

    def order(
        self, orders: Orders, descriptors: tuple[int, ...], meanwhile: Callable[[], object] | None
    ) -> tuple[socket.socket, ...]:
        """Send the orders, wait for the start of the command, return its listeners."""
        frame = self._ask(orders.to_message(), descriptors, meanwhile)
        listeners = tuple(socket.socket(fileno=descriptor) for descriptor in frame.descriptors)
        if "error" in frame.body or len(listeners) != len(orders.hosts):
            for listener in listeners:
                listener.close()
            raise _reported(frame.body)
        return listeners

    def limit(self, limits: Limits) -> None:
        """Limits of the whole tree, where there is a control group for it."""
        if self._leaf is None:
            return
        try:
            self._leaf.limit(limits)
        except OSError as error:
            raise SandboxError(ErrorCode.SETUP_FAILED, f"cgroup limits: {error.strerror}", _CHECK_HINT) from None

    def ran_out_of_memory(self) -> bool:
        return self._leaf is not None and self._leaf.ran_out_of_memory()

    def prove(self) -> None:
        """Have everything locked, and nothing started."""
        frame = self._ask({"trial": True}, (), None)
        if "error" in frame.body:
            raise _reported(frame.body)

    def _ask(self, message: dict[str, Any], descriptors: tuple[int, ...], meanwhile: Callable[[], object] | None) -> wire.Frame:
        with contextlib.suppress(wire.WireError):  # it died while preparing: its reason is already in the channel
            wire.send(self.channel, message, descriptors)
        if meanwhile is not None:
            meanwhile()
        if not self.wait_readable(time.monotonic() + _START_TIMEOUT_S):
            raise SandboxError(ErrorCode.LOST, f"the sandbox was not ready within {_START_TIMEOUT_S:.0f} s")
        try:
            return wire.receive(self.channel)
        except wire.WireError as error:
            raise SandboxError(ErrorCode.LOST, f"the sandbox died while starting: {error}") from None

    def wait_readable(self, deadline: float | None) -> bool:
        """Wait until pid 1 has said something or closed the channel. False: the deadline (monotonic seconds) passed."""
        poller = select.poll()
        poller.register(self.channel, select.POLLIN)
        remaining = None if deadline is None else max(0.0, (deadline - time.monotonic()) * 1000)
        return bool(poller.poll(remaining))

    def kill(self) -> None:
        """SIGKILL pid 1, and the kernel kills its namespace; a keeper is told, because its death would spare the
        tree."""
        if self._is_keeper:
            with contextlib.suppress(OSError):
                self.channel.shutdown(socket.SHUT_WR)
        elif not self._is_reaped:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def reap(self) -> None:
        """Wait for the end of pid 1, which the kernel delays until its whole namespace is dead. pid_namespaces(7)."""
        if not self._is_reaped:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
            self._is_reaped = True

    def close(self) -> None:
        if self._is_reaped and self._pidfd < 0:
            return
        self.kill()
        self.reap()
        if self._leaf is not None:
            self._leaf.close()
        self.channel.close()
        os.close(self._pidfd)
        self._pidfd = -1


def _fork_into_leaf(namespaces: int, kit: Kit, template: Template | None) -> tuple[int, cgroup.Leaf | None]:
    """Fork into fresh namespaces, and into a fresh leaf where one can be had. Raises `OSError`."""
    if kit.leaves is not None:
        leaf = None
        try:
            leaf = cgroup.Leaf.make(kit.leaves, dies_as_one=kit.level is Level.STRICT)
            return _clone(namespaces, leaf.fileno(), template), leaf
        except OSError:  # optional, and `check` says so: a group taken away since, or no clone3 in a container
            if leaf is not None:
                leaf.close()
    return _clone(namespaces, None, template), None


def _clone(namespaces: int, cgroup_fd: int | None, template: Template | None) -> int:
    """Fork; what pid 1 inherits of the mount tree is decided here. Raises `OSError`."""
    if template is None:
        return kernel.fork_into(namespaces, cgroup_fd)
    template.enter()
    pid = -1
    try:
        pid = kernel.fork_into(namespaces, cgroup_fd)
    finally:
        if pid != 0:
            template.leave()
    return pid


def _rehearse(level: Level) -> None:
    """Touch what `start` will touch, in this process: the kernel copies the pages now, while nobody waits."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    mounts = (Mount("/usr", "/mnt", writable=False),) if level is Level.STRICT else ()
    spec = SandboxSpec(argv=("/",), env={"A": "b"}, level=level, mounts=mounts)
    with ours, theirs, contextlib.ExitStack() as stack:
        _check_stdio(ours.fileno())
        for mount in mounts:
            with contextlib.suppress(SandboxError):  # where /usr is a symbolic link
                _open_mount(stack, mount, spec, None)
        wire.send(ours, Orders.of(spec).to_message(), (ours.fileno(),))
        poller = select.poll()
        poller.register(theirs, select.POLLIN)
        poller.poll(0)
        for descriptor in wire.receive(theirs).descriptors:
            os.close(descriptor)


def _reported(body: dict[str, object]) -> SandboxError:
    try:
        return SandboxError(ErrorCode(str(body["error"])), str(body["message"]), str(body["hint"]))
    except (KeyError, ValueError):
        return SandboxError(ErrorCode.LOST, "the sandbox answered nonsense")


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


def _open_mount(stack: contextlib.ExitStack, mount: Mount, spec: SandboxSpec, owners: "_Owners | None") -> int:
    """A descriptor for the mount: a detached copy with its attributes set; without namespaces, the source itself.

    From the first open on, the descriptor counts, not the name.
    """
    try:
        source = os.open(mount.source, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        message = f"mount source {mount.source!r}: {error.strerror}"
        raise SandboxError(ErrorCode.BAD_SPEC, message, "name a path that exists") from None
    stack.callback(os.close, source)
    real = os.readlink(f"/proc/self/fd/{source}")
    if real != mount.source:
        # Whoever owns a directory on the way could turn the link after the caller has looked where it leads.
        message = f"mount source {mount.source!r} leads elsewhere, through a symbolic link or because it was moved"
        raise SandboxError(ErrorCode.BAD_SPEC, message, "name the real path (realpath)")
    _refuse_protected(mount, real, spec.protected)
    about = os.fstat(source)
    if not stat.S_ISDIR(about.st_mode) and not stat.S_ISREG(about.st_mode):
        raise SandboxError(ErrorCode.BAD_SPEC, f"mount source {mount.source!r} is neither a directory nor a file")
    if spec.level is not Level.STRICT:
        return source
    try:
        copy = kernel.open_tree_clone("", dir_fd=source)
        stack.callback(os.close, copy)
        _set_attributes(copy, mount, about, owners, is_executable=spec.programs is None)
    except OSError as error:
        hint = (
            "the file system must support idmapped mounts (ext4, xfs, btrfs, tmpfs …); otherwise run as the owner of the path"
        )
        raise SandboxError(ErrorCode.SETUP_FAILED, f"cannot mount {mount.source!r}: {error.strerror}", hint) from None
    return copy


def _set_attributes(copy: int, mount: Mount, about: os.stat_result, owners: "_Owners | None", *, is_executable: bool) -> None:
    attributes = kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV
    attributes |= (0 if mount.writable else kernel.MOUNT_ATTR_RDONLY) | (0 if is_executable else kernel.MOUNT_ATTR_NOEXEC)
    if owners is None:
        kernel.set_mount_attributes(copy, add=attributes)
    else:
        userns = owners.namespace_for(about.st_uid, about.st_gid)
        kernel.set_mount_attributes(copy, add=attributes | kernel.MOUNT_ATTR_IDMAP, userns_fd=userns)


class _Owners:
    """The id maps of one cell: one per owner of a mount source, the first made before anybody waits."""

    def __init__(self, identity: idmap.Identity, *, spares: int) -> None:
        self._identity = identity
        self._spare = [idmap.OwnerMap() for _ in range(spares)]
        self._used: list[idmap.OwnerMap] = []
        self._namespaces: dict[tuple[int, int], int] = {}

    def namespace_for(self, uid: int, gid: int) -> int:
        """A descriptor for MOUNT_ATTR_IDMAP: what this owner has outside belongs to the command inside."""
        if (uid, gid) not in self._namespaces:
            owner_map = self._spare.pop() if self._spare else idmap.OwnerMap()
            self._used.append(owner_map)
            self._namespaces[uid, gid] = owner_map.write(uid, gid, self._identity)
        return self._namespaces[uid, gid]

    def close(self) -> None:
        for owner_map in (*self._spare, *self._used):
            owner_map.close()


def _refuse_protected(mount: Mount, real: str, protected: tuple[str, ...]) -> None:
    for path in protected:
        guarded = os.path.realpath(path)
        if posixpath.commonpath((guarded, real)) in (guarded, real):
            raise SandboxError(ErrorCode.PROTECTED, f"mount {mount.source!r} would expose {path!r}", "mount another directory")
