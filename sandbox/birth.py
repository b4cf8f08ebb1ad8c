"""Bringing pid 1 of a sandbox into the world, and holding on to it.

Guarantees: pid 1 is cloned into all its namespaces at once; it goes on only when its user is mapped, and never if whoever
had to map it died before; `Init.reap` returns when it and its whole namespace are dead. Never: a signal to a process
that has taken its number over.
"""

import contextlib
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sandbox import cgroup, idmap, init, keeper, kernel, wire
from sandbox.errors import ErrorCode, SandboxError
from sandbox.kit import Kit
from sandbox.orders import Orders
from sandbox.spec import INSIDE_ID, Level, Limits
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
CHECK_HINT: Final = "run `python -m sandbox check` for the cause and the remedy"


@dataclass(frozen=True, slots=True)
class Newborn:
    """A process that waits for `settle`. gate: write end of what it waits at; closed without a byte, it ends itself."""

    pid: int
    pidfd: int
    gate: int


def bear(
    channel: socket.socket, kit: Kit, template: Template | None, leaf: int | None, *, hurry: bool = False, guard: int = -1
) -> Newborn:
    """Clone pid 1, or the keeper that stands in for it, with `channel` as its only way out. leaf: descriptor of the
    control group to be born in. guard: pidfd of this process, for a child whose channel does not end with it. Raises
    `OSError`."""
    waiting, gate = os.pipe()
    try:
        pid, pidfd = _clone(_NAMESPACES if kit.level is Level.STRICT else 0, leaf, template)
    except OSError:
        os.close(waiting)
        os.close(gate)
        raise
    if pid == 0 and kit.level is Level.STRICT:
        init.main(channel, kit, init.Birth(waiting, guard, from_template=template is not None, hurry=hurry))
    if pid == 0:
        keeper.main(channel, kit)
    os.close(waiting)
    return Newborn(pid, pidfd, gate)


def settle(newborn: Newborn, identity: idmap.Identity) -> None:
    """Map the user of pid 1. Raises `OSError`."""
    idmap.write_maps(newborn.pid, inside_uid=INSIDE_ID, inside_gid=INSIDE_ID, identity=identity, oom_score=_OOM_SCORE)


def release(newborn: Newborn) -> None:
    """Let pid 1 go on. Raises `OSError`."""
    os.write(newborn.gate, b"M")


def _clone(namespaces: int, leaf: int | None, template: Template | None) -> tuple[int, int]:
    """Fork; what pid 1 inherits of the mount tree is decided here. Raises `OSError`."""
    if template is None:
        return kernel.fork_with_pidfd(namespaces, leaf)
    template.enter()
    pid = -1
    try:
        pid, pidfd = kernel.fork_with_pidfd(namespaces, leaf)
    finally:
        if pid != 0:
            template.leave()
    return pid, pidfd


class Init:
    """pid 1 of a cell, or the keeper that stands in for it, seen by the owner of the cell.

    leaf: its control group; closed by `close`. newborn: a child of this process. None: a child of the zygote, which sends
    its pidfd through `channel` before pid 1 says anything there.
    """

    def __init__(self, channel: socket.socket, leaf: cgroup.Leaf | None, newborn: Newborn | None, *, is_keeper: bool) -> None:
        self.channel = channel
        self._leaf = leaf
        self._is_keeper = is_keeper
        self._pid = None if newborn is None else newborn.pid
        self._pidfd = -1 if newborn is None else newborn.pidfd
        self._is_born = newborn is not None
        self._is_reaped = False
        self._is_leaving = False

    @classmethod
    def launch(cls, kit: Kit, template: Template | None, *, hurry: bool) -> "tuple[Init, idmap.Identity]":
        """As a child of this process."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            newborn, leaf = _bear_in_leaf(theirs, kit, template, hurry=hurry)
        except OSError as error:
            ours.close()
            raise SandboxError(ErrorCode.UNAVAILABLE, f"namespaces: {error.strerror}", CHECK_HINT) from None
        finally:
            theirs.close()
        process = cls(ours, leaf, newborn, is_keeper=kit.level is not Level.STRICT)
        identity = idmap.choose_identity(privileged=kit.privileged)  # now: meanwhile pid 1 has begun
        try:
            if kit.level is Level.STRICT:
                settle(newborn, identity)
                release(newborn)
        except OSError as error:
            process.close()
            raise SandboxError(ErrorCode.UNAVAILABLE, f"user namespace: {error.strerror}", CHECK_HINT) from None
        finally:
            os.close(newborn.gate)
        return process, identity

    def order(
        self, orders: Orders, descriptors: tuple[int, ...], meanwhile: Callable[[], object] | None, *, mounts_follow: bool
    ) -> tuple[socket.socket, ...]:
        """Send the orders, wait for the start of the command, return its listeners."""
        message = orders.to_message() | {"mounts_follow": mounts_follow}
        frame = self._ask(message, descriptors, meanwhile)
        listeners = tuple(socket.socket(fileno=descriptor) for descriptor in frame.descriptors)
        if "error" in frame.body or len(listeners) != orders.listener_count:
            for listener in listeners:
                listener.close()
            raise reported(frame.body)
        return listeners

    def limit(self, limits: Limits) -> None:
        """Limits of the whole tree, where there is a control group for it."""
        if self._leaf is None:
            return
        try:
            self._leaf.limit(limits)
        except OSError as error:
            raise SandboxError(ErrorCode.SETUP_FAILED, f"cgroup limits: {error.strerror}", CHECK_HINT) from None

    def ran_out_of_memory(self) -> bool:
        """Did the kernel kill in here for want of memory?"""
        return self._leaf is not None and self._leaf.ran_out_of_memory()

    def prove(self) -> None:
        """Have everything locked, and nothing started."""
        frame = self._ask({"trial": True}, (), None)
        if "error" in frame.body:
            raise reported(frame.body)

    def leave(self) -> None:
        """Note that pid 1 has answered: everything else in its namespace is dead, and it ends by itself."""
        self._is_leaving = True

    def _ask(self, message: dict[str, Any], descriptors: tuple[int, ...], meanwhile: Callable[[], object] | None) -> wire.Frame:
        with contextlib.suppress(wire.WireError):  # it died while preparing: its reason is already in the channel
            wire.send(self.channel, message, descriptors)
        if meanwhile is not None:
            meanwhile()
        deadline = time.monotonic() + _START_TIMEOUT_S
        self._await_birth(deadline)
        return self._receive(deadline)

    def _receive(self, deadline: float) -> wire.Frame:
        if not self.wait_readable(deadline):
            raise SandboxError(ErrorCode.LOST, f"the sandbox was not ready within {_START_TIMEOUT_S:.0f} s")
        try:
            return wire.receive(self.channel)
        except wire.WireError as error:
            raise SandboxError(ErrorCode.LOST, f"the sandbox died while starting: {error}") from None

    def _await_birth(self, deadline: float) -> None:
        """Take the pidfd that the zygote sends. Raises `SandboxError`: there is no pid 1."""
        if self._is_born:
            return
        frame = self._receive(deadline)
        self._is_born = True
        if "error" in frame.body or len(frame.descriptors) != 1:
            raise reported(frame.body)
        (self._pidfd,) = frame.descriptors

    def wait_readable(self, deadline: float | None) -> bool:
        """Wait until pid 1 has said something or closed the channel. False: the deadline (monotonic seconds) passed."""
        poller = select.poll()
        poller.register(self.channel, select.POLLIN)
        remaining = None if deadline is None else max(0.0, (deadline - time.monotonic()) * 1000)
        return bool(poller.poll(remaining))

    def kill(self) -> None:
        """SIGKILL pid 1, and the kernel kills its namespace; a keeper is told, because its death would spare the
        tree. pid 1 of the zygote is told too: it may have a user that we must not signal, and ends when told."""
        if self._is_keeper or self._pid is None:
            with contextlib.suppress(OSError):
                self.channel.shutdown(socket.SHUT_WR)
        if not self._is_keeper and not self._is_reaped and self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def reap(self) -> None:
        """Wait for the end of pid 1, which the kernel delays until its whole namespace is dead. pid_namespaces(7)."""
        if self._is_reaped:
            return
        if self._pid is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
        elif self._pidfd >= 0:  # the zygote's child, and buried by it
            poller = select.poll()
            poller.register(self._pidfd, select.POLLIN)
            poller.poll()
        self._is_reaped = True

    def close(self) -> None:
        """Kill what is left and wait until it is gone, unless only pid 1 of the zygote is, on its way out."""
        if self._is_reaped and self._pidfd < 0:
            return
        if not (self._is_leaving and self._pid is None and self._leaf is None):
            self.kill()
            with contextlib.suppress(SandboxError):  # then there is nothing to wait for
                self._await_birth(time.monotonic() + _START_TIMEOUT_S)
            self.kill()
            self.reap()
        self._is_reaped = True
        if self._leaf is not None:
            self._leaf.close()
        self.channel.close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
        self._pidfd = -1


def _bear_in_leaf(
    channel: socket.socket, kit: Kit, template: Template | None, *, hurry: bool
) -> tuple[Newborn, cgroup.Leaf | None]:
    """Into a fresh leaf where one can be had. Raises `OSError`."""
    leaf = make_leaf(kit.leaves, dies_as_one=kit.level is Level.STRICT)
    if leaf is not None:
        try:
            return bear(channel, kit, template, leaf.fileno(), hurry=hurry), leaf
        except OSError:  # optional, and `check` says so: no clone3 in a container
            leaf.close()
    return bear(channel, kit, template, None, hurry=hurry), None


def make_leaf(parent: cgroup.Parent | None, *, dies_as_one: bool) -> cgroup.Leaf | None:
    """A fresh leaf; None where none can be had, or the group was taken away since."""
    try:
        return None if parent is None else cgroup.Leaf.make(parent, dies_as_one=dies_as_one)
    except OSError:
        return None


def reported(body: dict[str, object]) -> SandboxError:
    """The error that a frame from pid 1 or the zygote carries."""
    try:
        return SandboxError(ErrorCode(str(body["error"])), str(body["message"]), str(body["hint"]))
    except (KeyError, ValueError):
        return SandboxError(ErrorCode.LOST, "the sandbox answered nonsense")
