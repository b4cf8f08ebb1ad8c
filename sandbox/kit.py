"""What all sandboxes of one process share, made once: the compiled filters and what the machine offers.

Guarantees: if `make_kit` returns, everything the level needs beforehand was found; otherwise it raised
`SandboxError(UNAVAILABLE)`. Never: state. A kit is a value.
"""

import contextlib
import os
import socket
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from sandbox import cgroup, idmap, kernel, landlock, privileges, wire
from sandbox.errors import ErrorCode, SandboxError
from sandbox.spec import Level

USERNS_HINT: Final = (
    "allow user namespaces: sysctl user.max_user_namespaces=15000; on Debian kernel.unprivileged_userns_clone=1; on Ubuntu "
    "kernel.apparmor_restrict_unprivileged_userns=0 or an AppArmor profile with `userns,`; in Docker a seccomp profile "
    "that allows unshare and clone"
)


@dataclass(frozen=True, slots=True)
class Kit:
    """level: what it is for. programs: seccomp filters. abi: Landlock's. privileged: may map other users. mount_programs:
    filters for a sandbox that shows paths of the host, to be loaded before the last of `programs`. pump_program: for
    `apply_pump_filter`. explain: a supervisor answers in place of the filters. leaves: where executions get a leaf each.
    memory_programs: filters for a memory limit where no leaf counts the memory of the whole tree."""

    level: Level
    programs: tuple[bytes, ...]
    abi: int
    privileged: bool
    mount_programs: tuple[bytes, ...] = ()
    pump_program: bytes | None = None
    explain: bool = False
    leaves: cgroup.Parent | None = None
    memory_programs: tuple[bytes, ...] = ()


def make_kit(level: Level, *, explain: bool = False) -> Kit:
    """Compile the filters and look at the machine. Raises `SandboxError(UNAVAILABLE)`."""
    if level is Level.OFF:
        return Kit(level, (), 0, privileged=False)
    try:
        kernel.require_supported_machine()
    except OSError as error:
        raise SandboxError(ErrorCode.UNAVAILABLE, str(error.strerror), "use an x86_64 or aarch64 machine") from None
    abi = landlock.detect_abi()
    if level is Level.LANDLOCK:
        landlock.require_truncate(abi)
    programs = _compile(level)
    leaves = cgroup.find_parent()
    counts_memory = leaves is not None and "memory" in leaves.controllers
    return Kit(
        level,
        programs=tuple(programs["command"]),
        abi=abi,
        privileged=idmap.is_privileged(),
        mount_programs=tuple(programs["mounts"]),
        pump_program=programs["pump"][0],
        explain=explain,
        leaves=leaves,
        memory_programs=() if counts_memory else tuple(programs["memory"]),
    )


def _compile(level: Level) -> dict[str, list[bytes]]:
    """The filters of `level`, compiled in a child: libseccomp and its bindings are 3 MB that every later fork would copy."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    pid = os.fork()
    if pid == 0:
        _compile_and_exit(theirs, level)
    theirs.close()
    try:
        with ours:
            body = wire.receive(ours).body
    except wire.WireError as error:
        raise SandboxError(ErrorCode.UNAVAILABLE, f"seccomp: the filters were not compiled: {error}") from None
    finally:
        with contextlib.suppress(ChildProcessError):  # where SIGCHLD is ignored
            os.waitpid(pid, 0)
    if "error" in body:
        raise SandboxError(ErrorCode(body["error"]), body["message"], body["hint"])
    return {kind: [wire.bytes_of(program) for program in programs] for kind, programs in body.items()}


def _compile_and_exit(channel: socket.socket, level: Level) -> NoReturn:
    status = 1
    try:
        from sandbox import seccomp

        is_strict = level is Level.STRICT
        compiled = {
            "command": seccomp.compile_filters(with_namespaces=is_strict),
            "mounts": seccomp.compile_mount_filters() if is_strict else (),
            "memory": seccomp.compile_memory_filters(),
            "pump": (seccomp.compile_pump_filter(),),
        }
        message: dict[str, Any] = {kind: [wire.text_of(each) for each in programs] for kind, programs in compiled.items()}
        wire.send(channel, message)
        status = 0
    except SandboxError as error:
        wire.send(channel, {"error": error.code.value, "message": error.message, "hint": error.hint})
    except ImportError as error:
        message = {"error": ErrorCode.UNAVAILABLE.value, "message": f"seccomp: {error}", "hint": "install libseccomp2"}
        wire.send(channel, message)
    finally:
        os._exit(status)


def apply_filters(programs: tuple[bytes, ...]) -> None:
    """Load `programs` into this process for good. no_new_privs must be set."""
    for program in programs:
        kernel.load_filter(program)


def enter_host_view(kit: Kit) -> None:
    """Give this process the right to copy mounts, without changing what it sees. For good; single-threaded callers
    only.

    A mount namespace of its own (nothing it does shows outside); an ordinary user gets it together with a user
    namespace that maps only himself. Level strict only.
    """
    if kit.level is not Level.OFF:
        privileges.leave_inherited()
    if kit.level is not Level.STRICT:
        return
    uid, gid = os.geteuid(), os.getegid()
    try:
        if kit.privileged:
            kernel.unshare(kernel.CLONE_NEWNS)
            with contextlib.suppress(PermissionError):  # denied for good in this user namespace, as for any ordinary user
                os.setgroups([])  # the command must not keep the group memberships of root
        else:
            kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
            idmap.map_self(uid, gid)
        root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            kernel.set_mount_attributes(root, propagation=kernel.MS_SLAVE)
        finally:
            os.close(root)
    except OSError as error:
        raise SandboxError(ErrorCode.UNAVAILABLE, f"user and mount namespaces: {error.strerror}", USERNS_HINT) from error
