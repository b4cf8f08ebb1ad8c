"""Landlock: the second wall behind mounts and network namespace, and the first one at level `landlock`.

Guarantees: after `apply`, this process and all that it starts reach only the named paths and TCP ports, signal nobody
outside, and connect to no abstract socket made outside, as far as the kernel's ABI goes. Never: a rule for a path that
the caller did not name.

ABIs (Documentation/userspace-api/landlock.rst): 1 files, 2 REFER, 3 TRUNCATE, 4 TCP, 5 IOCTL_DEV, 6 scopes, 7 audit
logging only. Why before capset and seccomp: restricting needs a ruleset with open directories, and both take the means
away. Why after the mounts: Landlock forbids changes of the mount tree.
"""

import contextlib
import glob
import os
import stat
import struct
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from sandbox import kernel
from sandbox.errors import ErrorCode, SandboxError

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_CHAR, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8
_MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM, _REFER = 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1
_SCOPE_ABSTRACT_UNIX, _SCOPE_SIGNAL = 1 << 0, 1 << 1

READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
WRITE: Final = (
    READ
    | _WRITE_FILE
    | _REMOVE_DIR
    | _REMOVE_FILE
    | _MAKE_DIR
    | _MAKE_REG
    | _MAKE_SOCK
    | _MAKE_FIFO
    | _MAKE_SYM
    | _REFER
    | _TRUNCATE
)
DEVICE: Final = _READ_FILE | _WRITE_FILE
_FILE_ONLY: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

_ALL_FILES_BY_ABI: Final = ((1, (1 << 13) - 1), (2, (1 << 14) - 1), (3, (1 << 15) - 1), (5, (1 << 16) - 1))
_ABI_TRUNCATE: Final = 3
_ABI_TCP: Final = 4
_ABI_SCOPES: Final = 6
_BINARIES: Final = ("bin", "sbin", "games")
_OF_PROC: Final = ("cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "sys", "uptime", "version")
_LEADING: Final = (("/", ("usr", "proc", *_BINARIES)), ("/usr", ("local", *_BINARIES)), ("/usr/local", _BINARIES))
_LOADERS: Final = ("/lib/ld-*.so*", "/lib64/ld-*.so*", "/usr/lib/*/ld-*.so*", "/usr/lib*/ld-*.so*")
_HINT: Final = "boot a kernel of at least 5.13 with CONFIG_SECURITY_LANDLOCK=y and landlock in the lsm= parameter"


@dataclass(frozen=True, slots=True)
class PathRule:
    """`rights` (READ, WRITE or DEVICE) for everything at and below `path`."""

    path: str
    rights: int


@dataclass(frozen=True, slots=True)
class Policy:
    """paths: what can be reached. ports: TCP ports that can be connected to. any_port: leave TCP alone."""

    paths: tuple[PathRule, ...]
    ports: tuple[int, ...] = ()
    any_port: bool = False


def detect_abi() -> int:
    """The kernel's Landlock ABI. Raises `SandboxError(UNAVAILABLE)` when there is none."""
    try:
        return kernel.landlock_abi()
    except OSError as error:
        raise SandboxError(ErrorCode.UNAVAILABLE, f"landlock: {error.strerror}", _HINT) from error


def require_truncate(abi: int) -> None:
    """Raise `SandboxError(UNAVAILABLE)` where Landlock alone would let a file be emptied that may only be read."""
    if abi < _ABI_TRUNCATE:
        raise SandboxError(
            ErrorCode.UNAVAILABLE,
            f"landlock: ABI {abi} does not confine truncation, and without namespaces nothing else does",
            "boot Linux 6.2 or newer, or use --level strict",
        )


def apply(policy: Policy, abi: int) -> None:
    """Restrict this process for good. Raises `OSError` if a named path does not exist or the kernel refuses."""
    with Ruleset(policy, abi) as ruleset:
        ruleset.apply((), policy.ports)


def allow_only_programs(programs: tuple[str, ...], abi: int) -> None:
    """Restrict this process for good to executing `programs` (files, or directories with all below them; what does not exist
    is left out) and the dynamic loader.

    A second layer upon `apply`'s, which may come later: rights are what all layers allow. The loader would start any file that
    it can read (`ld.so /usr/bin/sh`), so the system's directories of programs cannot be read either, but for `programs`; what
    lies elsewhere is data to it. Nor can /proc/PID: a link of that name in the workspace would make the command's own
    environment a file to send somewhere. Raises `OSError`.
    """
    handled = _EXECUTE | _READ_FILE
    rules = [PathRule(path, _READ_FILE) for path in _beside_programs()]
    loaders = [path for pattern in _LOADERS for path in glob.glob(pattern)]
    rules += [PathRule(path, handled) for path in (*programs, *loaders) if os.path.exists(path)]
    descriptor = kernel.landlock_create_ruleset(struct.pack("=Q", handled & _handled_files(abi)))
    try:
        for rule in rules:
            _allow_path(descriptor, rule, handled)
        kernel.landlock_restrict_self(descriptor)
    finally:
        os.close(descriptor)


def _beside_programs() -> list[str]:
    """Every directory but those that lead to programs, which are walked instead."""
    found: list[str] = []
    for directory, led_to in _LEADING:
        with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
            found.extend(entry.path for entry in entries if entry.name not in led_to)
    return found + [path for path in (f"/proc/{name}" for name in _OF_PROC) if os.path.exists(path)]


class Ruleset:
    """A policy that is made early and may grow before it is applied. A context manager: leaving it closes it."""

    def __init__(self, policy: Policy, abi: int) -> None:
        self._handled = _handled_files(abi)
        self._has_ports = abi >= _ABI_TCP and not policy.any_port
        self._descriptor = kernel.landlock_create_ruleset(_attributes(policy, abi, self._handled))
        for rule in policy.paths:
            _allow_path(self._descriptor, rule, self._handled)

    def apply(self, paths: tuple[PathRule, ...], ports: tuple[int, ...]) -> None:
        """Add what is named and restrict this process for good. Raises `OSError`."""
        for rule in paths:
            _allow_path(self._descriptor, rule, self._handled)
        if self._has_ports:
            for port in sorted(set(ports)):
                kernel.landlock_allow_port(self._descriptor, _CONNECT_TCP, port)
        kernel.landlock_restrict_self(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _handled_files(abi: int) -> int:
    return max(mask for least, mask in _ALL_FILES_BY_ABI if abi >= least)


def _attributes(policy: Policy, abi: int, handled: int) -> bytes:
    """struct landlock_ruleset_attr, no longer than the ABI knows."""
    network = 0 if policy.any_port else _BIND_TCP | _CONNECT_TCP
    if abi >= _ABI_SCOPES:
        return struct.pack("=QQQ", handled, network, _SCOPE_ABSTRACT_UNIX | _SCOPE_SIGNAL)
    if abi >= _ABI_TCP:
        return struct.pack("=QQ", handled, network)
    return struct.pack("=Q", handled)


def _allow_path(ruleset: int, rule: PathRule, handled: int) -> None:
    descriptor = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = rule.rights & handled
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _FILE_ONLY  # EINVAL otherwise: directory rights mean nothing on a file
        kernel.landlock_allow_path(ruleset, rights, descriptor)
    finally:
        os.close(descriptor)
