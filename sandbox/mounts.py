"""The paths of the host that a specification shows: checked, opened and made ready, in the zygote's view of the host.

Guarantees: what is mounted is what was checked, because from the first open on the descriptor counts, not the name; its
attributes are set before anybody else holds it. Never: a mount of a protected path, of one that leads elsewhere, of a
socket, device or FIFO.
"""

import contextlib
import os
import posixpath
import stat
from dataclasses import dataclass
from typing import Any, Self

from sandbox import idmap, kernel
from sandbox.errors import ErrorCode, SandboxError
from sandbox.spec import Level, Mount, SandboxSpec


@dataclass(frozen=True, slots=True)
class MountOrder:
    """What of a specification decides about its mounts."""

    mounts: tuple[Mount, ...]
    protected: tuple[str, ...]
    level: Level
    is_executable: bool

    @classmethod
    def of(cls, spec: SandboxSpec) -> Self:
        """The mounts of `spec`. Where only some programs may run, nothing in a mount is executable."""
        return cls(spec.mounts, spec.protected, spec.level, spec.programs is None)

    def to_message(self) -> dict[str, Any]:
        """As JSON types."""
        mounts = [[mount.source, mount.target, mount.writable] for mount in self.mounts]
        return {
            "mounts": mounts,
            "protected": list(self.protected),
            "level": self.level.value,
            "is_executable": self.is_executable,
        }

    @classmethod
    def from_message(cls, body: dict[str, Any]) -> Self:
        """The inverse. Raises `KeyError`, `TypeError`, `ValueError` or `SandboxError` for anything else."""
        mounts = tuple(Mount(*mount) for mount in body["mounts"])
        return cls(mounts, tuple(body["protected"]), Level(body["level"]), body["is_executable"] is True)


def open_mounts(stack: contextlib.ExitStack, order: MountOrder, owners: "Owners | None") -> tuple[int, ...]:
    """One descriptor per mount, in order; `stack` closes them. Needs the host view. Raises `SandboxError`."""
    return tuple(_open(stack, mount, order, owners) for mount in order.mounts)


def _open(stack: contextlib.ExitStack, mount: Mount, order: MountOrder, owners: "Owners | None") -> int:
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
    _refuse_protected(mount, real, order.protected)
    about = os.fstat(source)
    if not stat.S_ISDIR(about.st_mode) and not stat.S_ISREG(about.st_mode):
        raise SandboxError(ErrorCode.BAD_SPEC, f"mount source {mount.source!r} is neither a directory nor a file")
    if order.level is not Level.STRICT:
        return source
    try:
        copy = kernel.open_tree_clone("", dir_fd=source)
        stack.callback(os.close, copy)
        _set_attributes(copy, mount, about, owners, is_executable=order.is_executable)
    except OSError as error:
        hint = (
            "the file system must support idmapped mounts (ext4, xfs, btrfs, tmpfs …); otherwise run as the owner of the path"
        )
        raise SandboxError(ErrorCode.SETUP_FAILED, f"cannot mount {mount.source!r}: {error.strerror}", hint) from None
    return copy


def _set_attributes(copy: int, mount: Mount, about: os.stat_result, owners: "Owners | None", *, is_executable: bool) -> None:
    attributes = kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV
    attributes |= (0 if mount.writable else kernel.MOUNT_ATTR_RDONLY) | (0 if is_executable else kernel.MOUNT_ATTR_NOEXEC)
    if owners is None:
        kernel.set_mount_attributes(copy, add=attributes)
    else:
        userns = owners.namespace_for(about.st_uid, about.st_gid)
        kernel.set_mount_attributes(copy, add=attributes | kernel.MOUNT_ATTR_IDMAP, userns_fd=userns)


class Owners:
    """The id maps of one cell: one per owner of a mount source. spares: maps made before anybody waited; taken over."""

    def __init__(self, identity: idmap.Identity, spares: tuple[idmap.OwnerMap, ...] = ()) -> None:
        self._identity = identity
        self._spare = list(spares)
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
