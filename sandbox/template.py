"""The part of the private root that no execution changes, built once by a zygote and inherited by its sandboxes.

Guarantees: the template is a mount namespace of its own that holds system directories and generated files, and an own
/proc whose pid namespace is dead, so that it shows no process; nothing else of the host exists there. Every sandbox that
is cloned inside copies it with all mounts locked (mount_namespaces(7)), takes what it needs and drops the rest. Never:
a way from the template to the host for a sandbox. The descriptors that lead back are closed by pid 1 first, and setns(2)
through them needs capabilities of the zygote's user namespace, which pid 1 never had.
"""

import os
import socket
from dataclasses import dataclass
from typing import NoReturn

from sandbox import kernel, rootfs, wire
from sandbox.errors import ErrorCode, SandboxError

_HINT = "run `python -m sandbox check` for the cause and the remedy"


@dataclass(frozen=True, slots=True)
class Template:
    """Descriptors: the template's mount namespace, the host view's, and the root directory there."""

    namespace: int
    host_namespace: int
    host_root: int

    def enter(self) -> None:
        """See the template, for a clone that inherits it. Single-threaded callers only."""
        kernel.setns(self.namespace, kernel.CLONE_NEWNS)

    def leave(self) -> None:
        """See the host again, with the root from before."""
        kernel.setns(self.host_namespace, kernel.CLONE_NEWNS)
        os.fchdir(self.host_root)
        os.chroot(".")  # setns(2) went to the root of the namespace, which a chroot would not have shown

    def close(self) -> None:
        """Give the descriptors up: a process that has its sandbox needs no way to make another."""
        for descriptor in (self.namespace, self.host_namespace, self.host_root):
            os.close(descriptor)


def make_template(host_name: str) -> Template:
    """Build it in a child. The caller has entered its host view. Raises `SandboxError(UNAVAILABLE)`."""
    host_root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    host_namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        pid = kernel.fork_into(kernel.CLONE_NEWNS | kernel.CLONE_NEWPID)
    except OSError as error:
        raise SandboxError(ErrorCode.UNAVAILABLE, f"namespaces: {error.strerror}", _HINT) from None
    if pid == 0:
        _build(theirs, host_name)
    theirs.close()
    try:
        with ours:
            frame = wire.receive(ours)
    except wire.WireError as error:
        raise SandboxError(ErrorCode.UNAVAILABLE, f"the template root was not built: {error}", _HINT) from None
    finally:
        os.waitpid(pid, 0)  # from here on its pid namespace is dead
    if "error" in frame.body:
        raise SandboxError(ErrorCode.UNAVAILABLE, str(frame.body["error"]), _HINT)
    return Template(frame.descriptors[0], host_namespace, host_root)


def _build(channel: socket.socket, host_name: str) -> NoReturn:
    try:
        namespace = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        os.umask(0o022)
        rootfs.build_template(host_name)
        wire.send(channel, {}, (namespace,))
    except OSError as error:
        wire.send(channel, {"error": f"template root: {error.strerror}"})
    finally:
        os._exit(0)
