"""What to run, and in what: the values that describe one sandboxed command.

Guarantees: a value that exists is valid in itself (absolute normalised paths, no NUL, no contradiction); anything else
raises `SandboxError(BAD_SPEC)` before anything is created. Values are immutable, and no `repr` shows the environment or
file contents. Never: a look at the file system. Whether a path exists is known only when the sandbox is started.
"""

import ipaddress
import os
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sandbox.errors import ErrorCode, SandboxError

HOME_DIR: Final = "/home/sandbox"  # private, empty, gone with the command
TRUST_BUNDLE: Final = "/run/ca-certificates.pem"  # where certificates of `SandboxSpec.trust` are, beside the system's
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
USER_NAME: Final = "sandbox"
SCRATCH_DIRS: Final = ("/tmp", "/var/tmp", HOME_DIR, "/dev/shm")  # noqa: S108  # private and writable in every strict sandbox
INSIDE_ID: Final = 1000  # uid and gid inside every strict sandbox, whatever they are outside

_OWNED_TREES: Final = ("/proc", "/dev", "/sys")  # ours whole: a mount there could fake or reveal kernel state
_OWNED_PATHS: Final = frozenset({"/", "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"})
_HOST_NAME: Final = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_-]+)*\Z")
_MAX_PORT: Final = 65535
_MAX_MOUNTS: Final = 128  # SCM_RIGHTS carries 253 descriptors a message, unix(7)
_MAX_HOSTS: Final = 64
ANY_NAME: Final = "*"
ANY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - of loopback, which is all that there is inside
RESOLVER: Final = ("127.0.0.53", 53)
_TIMED_OUT_STATUS: Final = 124
_SIGNAL_STATUS_BASE: Final = 128


class Level(StrEnum):
    """How much stands between the command and the host. There is no silent step from one to the next."""

    STRICT = "strict"  # every layer: namespaces, private root, Landlock, seccomp, limits
    LANDLOCK = "landlock"  # the same without namespaces, for containers that forbid them
    OFF = "off"  # a plain child process; must be asked for by name


def _bad(message: str, hint: str = "") -> SandboxError:
    return SandboxError(ErrorCode.BAD_SPEC, message, hint)


def _require_path(path: str, what: str) -> None:
    if not isinstance(path, str) or "\0" in path:
        raise _bad(f"{what} is not a path without NUL")
    if not path.startswith("/"):
        raise _bad(f"{what} is not absolute: {path!r}")
    if path != "/" + posixpath.normpath(path).lstrip("/"):
        raise _bad(f"{what} is not normalised: {path!r}", f"write {'/' + posixpath.normpath(path).lstrip('/')!r}")


def _require_inside_target(path: str, what: str) -> None:
    _require_path(path, what)
    if path in _OWNED_PATHS or any(path == tree or path.startswith(tree + "/") for tree in _OWNED_TREES):
        raise _bad(f"{what} {path!r} belongs to the sandbox itself", "choose a path outside /proc, /dev, /sys, /usr and /etc")


def _require_count(value: int | None, what: str, least: int, *, optional: bool = False) -> None:
    if value is None and optional:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise _bad(f"limit {what} must be a whole number of at least {least}, not {value!r}")


@dataclass(frozen=True, slots=True)
class Mount:
    """One host path shown inside. `source`: host path, of ordinary files; `target`: path inside; both absolute and normalised.

    Read-only unless `writable`. The owner of `source` outside is the command's own user inside.
    """

    source: str
    target: str
    writable: bool = False

    def __post_init__(self) -> None:
        _require_path(self.source, "mount source")
        _require_inside_target(self.target, "mount target")
        if self.source == "/":
            raise _bad("the whole file system cannot be mounted", "name the directory that the command needs")
        if any(self.source == tree or self.source.startswith(tree + "/") for tree in _OWNED_TREES):
            raise _bad(f"mount source {self.source!r} shows the kernel's state", "name a directory of ordinary files")


def closed_scratch(read_only_targets: Iterable[str]) -> frozenset[str]:
    """The scratch directories above a read-only mount, which are not writable themselves.

    A Landlock rule holds for everything below its path, through mounts, and a read-only mount alone does not stop opening a
    FIFO in it for writing: the second wall has to stand there.
    """
    targets = tuple(read_only_targets)
    return frozenset(scratch for scratch in SCRATCH_DIRS if any(path.startswith(scratch + "/") for path in targets))


def temp_dir(mounts: Iterable[Mount]) -> str:
    """The TMPDIR for a command with these mounts: the first scratch directory that it can write to."""
    closed = closed_scratch(mount.target for mount in mounts if not mount.writable)
    return next(scratch for scratch in SCRATCH_DIRS if scratch not in closed)


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Which file, and which version of it: what stat(2) can tell without reading it."""

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, stat: os.stat_result) -> "FileIdentity":
        """The identity of the file that `stat` describes."""
        return cls(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the command may use. The defaults let git, node, go and python work.

    wall_s: seconds until the whole tree is killed. cpu_s: CPU seconds per process. memory_mib: memory of the whole
    tree where a cgroup can be had (`python -m sandbox check`); otherwise private writable memory per process, and no shared
    memory without a file. pids: processes and threads of the tree. cpu_percent: of the whole tree, 100 is one core; only where
    a cgroup can be had, elsewhere without effect. open_files:
    per process. file_size_mib: one file. tmpfs_mib, tmpfs_inodes: everything the command writes outside its mounts
    (/tmp, /dev/shm, home).
    """

    wall_s: float | None = None
    cpu_s: int | None = None
    memory_mib: int | None = None
    pids: int = 512
    cpu_percent: int | None = None
    open_files: int = 4096
    file_size_mib: int = 4096
    tmpfs_mib: int = 512
    tmpfs_inodes: int = 65536

    def __post_init__(self) -> None:
        if self.wall_s is not None and not 0 < self.wall_s < float("inf"):
            raise _bad(f"limit wall_s must be positive and finite, not {self.wall_s!r}")
        _require_count(self.cpu_s, "cpu_s", 1, optional=True)
        _require_count(self.memory_mib, "memory_mib", 16, optional=True)
        _require_count(self.pids, "pids", 1)
        _require_count(self.cpu_percent, "cpu_percent", 1, optional=True)
        _require_count(self.open_files, "open_files", 16)
        _require_count(self.file_size_mib, "file_size_mib", 0)
        _require_count(self.tmpfs_mib, "tmpfs_mib", 1)
        _require_count(self.tmpfs_inodes, "tmpfs_inodes", 256)


@dataclass(frozen=True, slots=True)
class HostEntry:
    """A name that resolves inside, and a TCP socket that listens on its address there.

    name: host name for /etc/hosts. address: an address of 127.0.0.0/8. port: where the listener listens.
    With the name ANY_NAME the listener takes the connections to every address of loopback (its address is ANY_ADDRESS) that no
    other entry has at this port, and the command's questions for names go to the caller: see `SandboxSpec.hosts`.
    """

    name: str
    address: str
    port: int

    def __post_init__(self) -> None:
        if self.name == ANY_NAME:
            if self.address != ANY_ADDRESS:
                raise _bad(f"{ANY_NAME!r} listens on {ANY_ADDRESS}, not on {self.address!r}")
        elif not isinstance(self.name, str) or not _HOST_NAME.match(self.name):
            raise _bad(f"not a host name: {self.name!r}")
        elif not _is_loopback(self.address):
            raise _bad(f"not an address of 127.0.0.0/8: {self.address!r}")
        if not isinstance(self.port, int) or not 0 < self.port <= _MAX_PORT:
            raise _bad(f"not a TCP port: {self.port!r}")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class PrivateFile:
    """A small file that exists only in the sandbox's memory. mode: permission bits; it belongs to the command's
    user."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o600

    def __post_init__(self) -> None:
        _require_inside_target(self.path, "private file")
        if not 0 <= self.mode <= 0o777:
            raise _bad(f"mode of {self.path!r} is not permission bits: {self.mode:#o}")


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """One command and everything it may have. What is not named here does not exist inside.

    argv: never empty; str or bytes. env: the whole environment. cwd: inside; None is the private home. executable:
    absolute path inside; None looks `argv[0]` up in `env["PATH"]` (or the default path) inside. executable_identity: if
    given, the file that is executed has exactly this identity. protected: host paths that no mount may be, contain or
    lie in. programs: None lets every program inside be executed; else only `executable`, these files and what is below these
    directories, and of the system's directories of programs nothing else can even be read and no mount is executable (so
    that the dynamic loader, which has to be executable, can start nothing else), nor is /proc/PID readable. loopback: True
    lets the command listen on, and connect to, any port of its own private loopback; otherwise only the ports of `hosts` can
    be reached. hosts: where one of them is named ANY_NAME, one more socket follows the listeners: UDP, at RESOLVER, to which
    every question for a name goes that /etc/hosts does not answer; the caller answers, or nobody does. trust: certificates
    (PEM) that are trusted inside beside the system's: in TRUST_BUNDLE, and where programs look for the system's bundle.
    explain: `run` reports what is refused (slow, and it tells of paths outside).
    """

    argv: tuple[str | bytes, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None
    executable: str | None = None
    executable_identity: FileIdentity | None = None
    level: Level = Level.STRICT
    mounts: tuple[Mount, ...] = ()
    hosts: tuple[HostEntry, ...] = ()
    files: tuple[PrivateFile, ...] = ()
    limits: Limits = field(default_factory=Limits)
    protected: tuple[str, ...] = ()
    programs: tuple[str, ...] | None = None
    loopback: bool = False
    trust: bytes = b""
    explain: bool = False

    def __post_init__(self) -> None:
        self._check_command()
        self._check_environment()
        for path, what in ((self.cwd, "working directory"), (self.executable, "executable")):
            if path is not None:
                _require_path(path, what)
        for path in self.protected:
            _require_path(path, "protected path")
        for path in self.programs or ():
            _require_path(path, "program")
        object.__setattr__(self, "level", Level(self.level))
        object.__setattr__(self, "env", MappingProxyType(dict(self.env)))
        self._check_contradictions()

    def _check_command(self) -> None:
        if not isinstance(self.argv, tuple) or not self.argv:
            raise _bad("argv must be a tuple with at least one element")
        for position, word in enumerate(self.argv):
            if not isinstance(word, str | bytes):
                raise _bad(f"argv[{position}] is neither str nor bytes")
            if (b"\0" if isinstance(word, bytes) else "\0") in word:  # type: ignore[operator]
                raise _bad(f"argv[{position}] contains NUL")
        if not self.argv[0] and self.executable is None:
            raise _bad("argv[0] is empty and no executable is named")

    def _check_environment(self) -> None:
        for name, value in self.env.items():
            if not isinstance(name, str) or not name or "=" in name or "\0" in name:
                raise _bad(f"not an environment variable name: {name!r}")
            if not isinstance(value, str) or "\0" in value:
                raise _bad(f"value of environment variable {name!r} is not a string without NUL")

    def _check_contradictions(self) -> None:
        targets = [mount.target for mount in self.mounts] + [file.path for file in self.files]
        if len(targets) > _MAX_MOUNTS:
            raise _bad(f"more than {_MAX_MOUNTS} mounts and files")
        if len(self.hosts) > _MAX_HOSTS:
            raise _bad(f"more than {_MAX_HOSTS} hosts")
        twice = sorted({target for target in targets if targets.count(target) > 1})
        if twice:
            raise _bad(f"two mounts or files at {twice[0]!r}")
        for file in self.files:
            below = [target for target in targets if target.startswith(file.path + "/")]
            if below:
                raise _bad(f"{below[0]!r} lies below the file {file.path!r}")
        endpoints = [(host.address, host.port) for host in self.hosts]
        if len(set(endpoints)) != len(endpoints):
            raise _bad("two hosts share one address and port")
        if self.level is not Level.STRICT and self.hosts:
            raise _bad(f"hosts need a network namespace, which level {self.level} has not")
        if self.level is not Level.STRICT and self.trust:
            raise _bad(f"certificates to trust need a mount namespace, which level {self.level} has not")
        moved = [mount for mount in self.mounts if mount.source != mount.target] if self.level is not Level.STRICT else []
        if moved:
            raise _bad(f"mount of {moved[0].source!r} elsewhere needs a mount namespace, which level {self.level} has not")
        if self.explain and self.level is Level.OFF:
            raise _bad("nothing is refused at level off, so nothing can be explained")
        if self.executable_identity is not None and self.executable is None:
            raise _bad("executable_identity without executable")


@dataclass(frozen=True, slots=True)
class Exit:
    """How a command ended: exactly one of `code` and `signal` is set. When it exists, its whole process tree is
    dead."""

    code: int | None
    signal: int | None
    timed_out: bool = False

    def __post_init__(self) -> None:
        if (self.code is None) == (self.signal is None):
            raise ValueError("an exit has either a code or a signal")

    @property
    def status(self) -> int:
        """What a shell would say: 124 timed out, 128+N killed by signal N, else the command's own code."""
        if self.timed_out:
            return _TIMED_OUT_STATUS
        if self.signal is not None:
            return _SIGNAL_STATUS_BASE + self.signal
        return self.code if self.code is not None else 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that the sandbox refused. call: with the arguments that decided; error: name of the errno or signal."""

    call: str
    error: str
    reason: str

    def __str__(self) -> str:
        return f"refused: {self.call} -> {self.error}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Completed:
    """What `run` returns. `stdout` and `stderr` are whole unless `truncated`. refusals: with `SandboxSpec.explain`."""

    exit: Exit
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)
    truncated: bool = False
    refusals: tuple[Refusal, ...] = ()
