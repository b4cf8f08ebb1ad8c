"""Which kernel user the command is, and how files keep their owner.

Guarantees: with privileges (CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID), every sandbox gets a kernel uid and gid that no
account has, mostly one of its own; without, the caller's own, and `Identity.is_separate` says so. Never: uid 0 of the
host.
"""

import os
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from sandbox import kernel

_CAP_SETGID, _CAP_SETUID, _CAP_SYS_ADMIN = 6, 7, 21
_NEEDED: Final = 1 << _CAP_SETGID | 1 << _CAP_SETUID | 1 << _CAP_SYS_ADMIN
# Above every range that useradd, systemd (DynamicUser, nspawn up to 0x6fff0000) and subuid files hand out, below 2^31.
_FREE_FIRST: Final = 0x7100_0000
_FREE_LAST: Final = 0x7FFF_0000
_SMALL_MAP_FIRST: Final = 60_600  # inside a container with 65536 ids: between systemd-homed (60513) and DynamicUser (61184)
_SMALL_MAP_LAST: Final = 61_100


@dataclass(frozen=True, slots=True)
class Identity:
    """The kernel ids of a command, as the process that creates the sandbox sees them."""

    uid: int
    gid: int
    is_separate: bool


def is_privileged() -> bool:
    """Can this process map other users and make mounts without a user namespace of its own?"""
    return kernel.effective_capabilities() & _NEEDED == _NEEDED


def choose_identity(*, privileged: bool) -> Identity:
    """A fresh random id of the free range (privileged, where mapped), or the caller's own. Random, because zygotes share
    no state."""
    if not privileged:
        return Identity(os.geteuid(), os.getegid(), is_separate=False)
    for first, last in ((_FREE_FIRST, _FREE_LAST), (_SMALL_MAP_FIRST, _SMALL_MAP_LAST)):
        chosen = first + int.from_bytes(os.urandom(8)) % (last - first)
        if _is_mapped(chosen, "uid") and _is_mapped(chosen, "gid"):
            return Identity(chosen, chosen, is_separate=True)
    return Identity(os.geteuid(), os.getegid(), is_separate=False)  # a user namespace that maps too few ids to spare one


def _is_mapped(value: int, kind: str) -> bool:
    with open(f"/proc/self/{kind}_map") as table:
        for line in table:
            first, _, count = (int(word) for word in line.split())
            if first <= value < first + count:
                return True
    return False


def write_maps(pid: int, *, inside_uid: int, inside_gid: int, identity: Identity, oom_score: int | None = None) -> None:
    """Map exactly one user and one group into the user namespace of `pid`, deny setgroups there, and prefer it and its
    children when memory runs out (always allowed upwards). user_namespaces(7), proc(5)."""
    directory = os.open(f"/proc/{pid}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if oom_score is not None:
            _write_at(directory, "oom_score_adj", str(oom_score))
        _write_at(directory, "setgroups", "deny")
        _write_at(directory, "gid_map", f"{inside_gid} {identity.gid} 1")
        _write_at(directory, "uid_map", f"{inside_uid} {identity.uid} 1")
    finally:
        os.close(directory)


def _write_at(directory: int, name: str, text: str) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


class OwnerMap:
    """A user namespace for MOUNT_ATTR_IDMAP whose map is written later, so that nobody waits for its creation.

    The kernel takes the map from a user namespace, and only a process can make one. The process is gone when the
    constructor returns; the open map files keep its namespace. A context manager: leaving it closes them.
    """

    def __init__(self) -> None:
        self._descriptors: list[int] = []
        files = (("setgroups", os.O_WRONLY), ("gid_map", os.O_WRONLY), ("uid_map", os.O_WRONLY), ("ns/user", os.O_RDONLY))
        try:
            with kernel.sleeper(kernel.CLONE_NEWUSER) as pid:
                for name, flags in files:
                    self._descriptors.append(os.open(f"/proc/{pid}/{name}", flags | os.O_CLOEXEC))
        except OSError:
            self.close()
            raise

    def write(self, owner_uid: int, owner_gid: int, identity: Identity) -> int:
        """Write the map, once: files of the owner belong to `identity` when seen through the mount. Returns the
        descriptor for it."""
        setgroups, gid_map, uid_map, namespace = self._descriptors
        os.write(setgroups, b"deny")
        os.write(gid_map, f"{owner_gid} {identity.gid} 1".encode())
        os.write(uid_map, f"{owner_uid} {identity.uid} 1".encode())
        return namespace

    def close(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def map_self(uid: int, gid: int) -> None:
    """After unshare(CLONE_NEWUSER): keep the ids from before, and have capabilities over what the namespace owns."""
    for name, text in (("setgroups", "deny"), ("gid_map", f"{gid} {gid} 1"), ("uid_map", f"{uid} {uid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
