"""Giving privileges up: capabilities, securebits, no_new_privs, core dumps, resource limits.

Guarantees: after `drop_all` every capability set of the process is empty, nothing it executes can gain one, and
`verify_dropped` has tried. Never: giving anything back. `apply_` functions change this process for good.
"""

import contextlib
import os
import resource
import signal
from typing import Final

import prctl

from sandbox import kernel
from sandbox.errors import ErrorCode, SandboxError
from sandbox.spec import Limits

_MIB: Final = 1024 * 1024
# SECBIT_NOROOT, NO_SETUID_FIXUP, NO_CAP_AMBIENT_RAISE and the lock of each, of KEEP_CAPS too: capabilities(7)
_SECUREBITS: Final = 0b1110_1111
_LOCKED_MEMORY_MIB: Final = 8
_MAX_PENDING_SIGNALS: Final = 4096


def leave_inherited() -> None:
    """Shed what fork and exec would pass on to the command: the caller's session keyring, its personality flags
    (`setarch -R`), and memory in core dumps.

    The dump filter, because RLIMIT_CORE does not count where core_pattern is a pipe, core(5): a handler on the host would
    get what the command knows. The keyring is a second wall behind seccomp: out of key quota, the first one has to do.
    """
    with contextlib.suppress(OSError):
        kernel.join_new_session_keyring()
    kernel.reset_personality()
    with contextlib.suppress(OSError), open("/proc/self/coredump_filter", "w") as file:  # absent without CONFIG_ELF_CORE
        file.write("0")


def die_with_parent() -> None:
    """SIGKILL for this process when the thread that created it ends. Cleared by a change of credentials: call after
    it."""
    prctl.set_pdeathsig(signal.SIGKILL)


def hide_memory() -> None:
    """Not dumpable: no core file, and no process of the same user can read this one's memory or environment."""
    prctl.set_dumpable(0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def drop_bounding_set() -> None:
    """Empty the bounding and ambient sets and lock the securebits. Needs CAP_SETPCAP, so it precedes `drop_all`."""
    kernel.prctl(kernel.PR_SET_SECUREBITS, _SECUREBITS)
    kernel.drop_bounding_set()
    kernel.prctl(kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL)


def drop_all() -> None:
    """Empty the effective, permitted and inheritable sets."""
    kernel.drop_capability_sets()


def forbid_new_privileges() -> None:
    """no_new_privs: set-id bits and file capabilities mean nothing from here on."""
    prctl.set_no_new_privs(1)


def apply_limits(limits: Limits) -> None:
    """Resource limits of this process and all that it starts; soft equals hard, so nobody can raise one."""
    table = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, limits.pids + 1),  # pid 1 counts
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_FSIZE, limits.file_size_mib * _MIB),
        (resource.RLIMIT_MEMLOCK, _LOCKED_MEMORY_MIB * _MIB),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, _MAX_PENDING_SIGNALS),
        (resource.RLIMIT_NICE, 0),
        (resource.RLIMIT_RTPRIO, 0),
    ]
    if limits.cpu_s is not None:
        table.append((resource.RLIMIT_CPU, limits.cpu_s))
    if limits.memory_mib is not None:
        table.append((resource.RLIMIT_DATA, limits.memory_mib * _MIB))
    for kind, value in table:
        hard = resource.getrlimit(kind)[1]
        bounded = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bounded, bounded))


def verify_dropped() -> None:
    """Raise `SandboxError(SETUP_FAILED)` if this process still has a capability or can make a user namespace."""
    if kernel.effective_capabilities():
        raise SandboxError(ErrorCode.SETUP_FAILED, "capabilities survived their removal")
    try:
        kernel.unshare(kernel.CLONE_NEWUSER)
    except OSError:
        return
    raise SandboxError(ErrorCode.SETUP_FAILED, "a user namespace could be made inside the sandbox")


def protect_memory() -> None:
    """For a process that holds a secret: not dumpable, no core, memory locked where allowed, dies with its parent.

    Locking is best effort: RLIMIT_MEMLOCK decides, and without it the kernel may swap.
    """
    hide_memory()
    die_with_parent()
    try:
        kernel.lock_memory()
    except OSError:
        return  # EPERM or ENOMEM: RLIMIT_MEMLOCK is lower than this process; documented as best effort
    finally:
        os.umask(0o077)
