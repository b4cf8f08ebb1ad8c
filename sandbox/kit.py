"""What all sandboxes of one process share, made once: the compiled filters and what the machine offers.

Guarantees: if `make_kit` returns, everything the level needs beforehand was found; otherwise it raised
`SandboxError(UNAVAILABLE)`. Never: state. A kit is a value.
"""

import contextlib
import os
from dataclasses import dataclass
from typing import Final

from sandbox import idmap, kernel, landlock, seccomp
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
    filters for a sandbox that shows paths of the host, to be loaded before the last of `programs`."""

    level: Level
    programs: tuple[bytes, ...]
    abi: int
    privileged: bool
    mount_programs: tuple[bytes, ...] = ()


def make_kit(level: Level) -> Kit:
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
    programs = seccomp.compile_filters(with_namespaces=level is Level.STRICT)
    mount_programs = seccomp.compile_mount_filters() if level is Level.STRICT else ()
    return Kit(level, programs, abi, idmap.is_privileged(), mount_programs)


def enter_host_view(kit: Kit) -> None:
    """Give this process the right to copy mounts, without changing what it sees. For good; single-threaded callers
    only.

    A mount namespace of its own (nothing it does shows outside); an ordinary user gets it together with a user
    namespace that maps only himself. Level strict only.
    """
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
