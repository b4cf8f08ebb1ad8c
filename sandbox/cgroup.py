"""A control group of its own for each execution, where the machine lets us have one.

Guarantees: everything that the execution starts is in its leaf from its first instruction (`CLONE_INTO_CGROUP`), limits
written with `Leaf.limit` hold for all of it together, `Leaf.close` kills what is left, with nobody able to fork away from it
(`cgroup.kill`), and removes the leaf. Leaves of owners that were killed are removed by whoever makes the next one.
Never: a change to a group that was not delegated to us, a version 1 hierarchy, a process of ours moved elsewhere.

Source: Documentation/admin-guide/cgroup-v2.rst ("Delegation", "No Internal Process Constraint"), cgroups(7).
"""

import contextlib
import itertools
import os
import time
from dataclasses import dataclass
from typing import Final, Self

from sandbox.spec import Limits

_PREFIX: Final = "sandbox-"
_WANTED: Final = ("memory", "pids", "cpu")
_MIB: Final = 1024 * 1024
_REMOVAL_TIMEOUT_S: Final = 2.0
_REMOVAL_POLL_S: Final = 0.002
_CPU_PERIOD_US: Final = 100_000  # the kernel's default
_OWN_PROCESSES: Final = 1  # pid 1, or the keeper, is in the leaf too


@dataclass(frozen=True, slots=True)
class Parent:
    """Where leaves are made. controllers: what can be limited there; without any, a leaf can only be killed as one."""

    path: str
    controllers: frozenset[str]


def find_parent() -> Parent | None:
    """The nearest group, from our own upwards, where we may make leaves that limit memory; or our own, where we may make
    leaves at all; or None."""
    mount = _mount_point()
    own = None if mount is None else _own_group(*mount)
    if mount is None or own is None:
        return None
    for path in _upwards(own, mount[1]):
        controllers = _controllers_below(path)
        if "memory" in controllers and _can_make_leaf(path, "memory.max"):
            return Parent(path, controllers)
    if _can_make_leaf(own, "cgroup.kill"):
        return Parent(own, frozenset())
    return None


def sweep(path: str) -> None:
    """Remove leaves below `path` whose owner was killed before it could. Only those that our pid namespace named."""
    ours = f"{_PREFIX}{_pid_namespace()}-"
    for name in os.listdir(path):
        if name.startswith(ours) and not _is_alive(name[len(ours) :].partition("-")[0]):
            leaf = os.path.join(path, name)
            with contextlib.suppress(OSError):
                _write(os.path.join(leaf, "cgroup.kill"), "1")
            with contextlib.suppress(OSError):
                os.rmdir(leaf)


class Leaf:
    """The group of one execution. A context manager: leaving it kills and removes."""

    def __init__(self, path: str, controllers: frozenset[str]) -> None:
        self.path = path
        self._controllers = controllers
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    @classmethod
    def make(cls, parent: Parent, *, dies_as_one: bool) -> Self:
        """A fresh, empty leaf. dies_as_one: whoever is out of memory takes all with it. Raises `OSError`."""
        sweep(parent.path)
        prefix = os.path.join(parent.path, f"{_PREFIX}{_pid_namespace()}-{os.getpid()}-")
        path = prefix + str(next(number for number in itertools.count() if not os.path.exists(prefix + str(number))))
        os.mkdir(path, 0o755)
        leaf = cls(path, parent.controllers)
        if dies_as_one and "memory" in parent.controllers:
            with contextlib.suppress(OSError):  # Linux 4.19
                _write(os.path.join(path, "memory.oom.group"), "1")
        return leaf

    def fileno(self) -> int:
        """The descriptor for `kernel.fork_into`."""
        return self._descriptor

    def limit(self, limits: Limits) -> None:
        """Hold everything in the leaf to `limits`. Raises `OSError`."""
        if "memory" in self._controllers and limits.memory_mib is not None:
            self._set("memory.max", str(limits.memory_mib * _MIB))
            with contextlib.suppress(FileNotFoundError):  # a kernel without swap
                self._set("memory.swap.max", "0")
        if "pids" in self._controllers:
            self._set("pids.max", str(limits.pids + _OWN_PROCESSES))
        if "cpu" in self._controllers and limits.cpu_percent is not None:
            self._set("cpu.max", f"{limits.cpu_percent * _CPU_PERIOD_US // 100} {_CPU_PERIOD_US}")

    def ran_out_of_memory(self) -> bool:
        """Did the kernel kill in here for want of memory?"""
        if "memory" not in self._controllers:
            return False
        with contextlib.suppress(OSError), open(os.path.join(self.path, "memory.events")) as file:
            return any(line.startswith("oom_kill ") and line.split() != ["oom_kill", "0"] for line in file)
        return False

    def close(self) -> None:
        """Kill what is left, wait until it is gone, remove the leaf."""
        if self._descriptor < 0:
            return
        os.close(self._descriptor)
        self._descriptor = -1
        deadline = time.monotonic() + _REMOVAL_TIMEOUT_S
        while not self._remove() and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                self._set("cgroup.kill", "1")
            time.sleep(_REMOVAL_POLL_S)

    def _remove(self) -> bool:
        try:
            os.rmdir(self.path)
        except FileNotFoundError:
            return True
        except OSError:  # EBUSY: not empty yet
            return False
        return True

    def _set(self, name: str, value: str) -> None:
        _write(os.path.join(self.path, name), value)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _mount_point() -> tuple[str, str] | None:
    """(root within the hierarchy, mount point) of cgroup2. proc_pid_mountinfo(5)."""
    with open("/proc/self/mountinfo") as table:
        for line in table:
            words, _, kind = line.partition(" - ")
            if kind.startswith("cgroup2 "):
                fields = words.split()
                return fields[3], fields[4]
    return None


def _own_group(root: str, mount: str) -> str | None:
    with open("/proc/self/cgroup") as table:
        own = next((line.rstrip("\n")[3:] for line in table if line.startswith("0::")), None)
    if own is None or ".." in own or not (root == "/" or own == root or own.startswith(root + "/")):
        return None  # our group is not below what is mounted
    return os.path.normpath(mount + "/" + (own if root == "/" else own[len(root) :]))


def _upwards(path: str, top: str) -> tuple[str, ...]:
    found = [path]
    while path != top and path.startswith(top):
        path = os.path.dirname(path)
        found.append(path)
    return tuple(found)


def _controllers_below(path: str) -> frozenset[str]:
    """What leaves of `path` can limit; switched on first where the group was delegated to us and is empty."""
    try:
        with open(os.path.join(path, "cgroup.subtree_control")) as file:
            enabled = set(file.read().split())
        if "memory" not in enabled and _is_delegated(path):
            with open(os.path.join(path, "cgroup.controllers")) as file:
                offered = file.read().split()
            missing = [name for name in _WANTED if name in offered and name not in enabled]
            with contextlib.suppress(OSError):  # EBUSY: processes live in it
                _write(os.path.join(path, "cgroup.subtree_control"), " ".join(f"+{name}" for name in missing))
            with open(os.path.join(path, "cgroup.subtree_control")) as file:
                enabled = set(file.read().split())
    except OSError:
        return frozenset()
    return frozenset(_WANTED) & enabled


def _is_delegated(path: str) -> bool:
    """Root owns every group: for it, only the mark counts that systemd sets with Delegate=yes."""
    if os.geteuid() != 0:
        return os.stat(path).st_uid == os.geteuid()
    for name in ("user.delegate", "trusted.delegate"):
        with contextlib.suppress(OSError):
            if os.getxattr(path, name) == b"1":
                return True
    return False


def _can_make_leaf(path: str, needed: str) -> bool:
    """Try: a leaf can be made below `path`, has the file `needed`, and we may put processes of ours into it."""
    leaf = os.path.join(path, f"{_PREFIX}{_pid_namespace()}-{os.getpid()}-trial")
    try:
        os.mkdir(leaf)
    except OSError:
        return False
    try:
        # Entering needs write access to the common ancestor of where we are and where we go.
        return all(os.access(file, os.W_OK) for file in (os.path.join(leaf, needed), os.path.join(path, "cgroup.procs")))
    finally:
        os.rmdir(leaf)


def _pid_namespace() -> int:
    return os.stat("/proc/self/ns/pid").st_ino


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
