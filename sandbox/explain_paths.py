"""What the sandbox has to say about a path that a command names.

Guarantees: an answer only when the sandbox is the reason: the path exists outside and not inside, lies in a read-only mount,
or is under no Landlock rule that allows the use. Never: a decision. The kernel looks the path up again by itself and
decides; what is said here can be overtaken by another thread that changes the name meanwhile.
"""

import errno
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sandbox import kernel, landlock

_MAX_PATH: Final = 4096
_PAGE: Final = 4096
_END_OF_MEMORY: Final = 1 << 62  # above every user's part, on every machine
_INT: Final = 0xFFFFFFFF
_O_ACCMODE: Final = 3
# Links to what is the looking process's own: from here they lead elsewhere.
_NOT_JUDGED: Final = (
    "/proc/self",
    "/proc/mounts",
    "/proc/net",
    "/etc/mtab",
    "/proc/thread-self",
    "/dev/fd",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
)
_PROC_REASON: Final = "/proc shows nothing but the command's own processes"


class Use(Enum):
    """What a call wants from the path."""

    LOOK = "look"  # stat and its kin, which Landlock lets through
    READ = "read"
    WRITE = "write"
    MAKE = "make"  # or remove: a change of the directory above
    OPEN = "open"  # decided by the flags


@dataclass(frozen=True, slots=True)
class PathCall:
    """One path of one call: which argument it is, which the directory (None: the working directory), which the flags of
    open(2)."""

    name: str
    path: int
    directory: int | None
    use: Use
    flags: int = -1


PATH_CALLS: Final = (
    PathCall("open", 0, None, Use.OPEN, 1),
    PathCall("openat", 1, 0, Use.OPEN, 2),
    PathCall("creat", 0, None, Use.MAKE),
    *(PathCall(name, 0, None, Use.LOOK) for name in ("stat", "lstat", "access", "readlink", "statfs")),
    *(PathCall(name, 1, 0, Use.LOOK) for name in ("newfstatat", "statx", "faccessat", "faccessat2", "readlinkat")),
    *(PathCall(name, 0, None, Use.READ) for name in ("execve", "chdir")),
    PathCall("execveat", 1, 0, Use.READ),
    *(PathCall(name, 0, None, Use.MAKE) for name in ("mkdir", "rmdir", "unlink", "rename", "mknod")),
    *(PathCall(name, 1, 0, Use.MAKE) for name in ("mkdirat", "unlinkat", "renameat", "renameat2", "mknodat")),
    *(PathCall(name, 1, None, Use.MAKE) for name in ("rename", "link", "symlink")),
    *(PathCall(name, 3, 2, Use.MAKE) for name in ("renameat", "renameat2", "linkat")),
    PathCall("symlinkat", 2, 1, Use.MAKE),
    *(PathCall(name, 0, None, Use.WRITE) for name in ("truncate", "chmod", "chown", "lchown", "utime", "utimes")),
    *(PathCall(name, 1, 0, Use.WRITE) for name in ("fchmodat", "fchmodat2", "fchownat", "utimensat", "futimesat")),
)


@dataclass(frozen=True, slots=True)
class View:
    """Where to look: descriptors of the host's root and /proc, and the Landlock rules (path, rights) of the command."""

    host: int
    proc: int
    rules: tuple[tuple[str, int], ...]


def read_memory(view: View, thread: int, address: int, limit: int) -> bytes:
    """Up to `limit` bytes of another process's memory; less where its mapping ends. Raises `OSError`, `ValueError`."""
    if address >= _END_OF_MEMORY:
        raise ValueError("not an address")
    descriptor = os.open(f"{thread}/mem", os.O_RDONLY | os.O_CLOEXEC, dir_fd=view.proc)
    try:
        found = b""
        while len(found) < limit:
            room = _PAGE - (address + len(found)) % _PAGE
            try:
                part = os.pread(descriptor, min(room, limit - len(found)), address + len(found))
            except OSError:
                break
            found += part
            if not part:
                break
        return found
    finally:
        os.close(descriptor)


def read_path(view: View, thread: int, call: PathCall, arguments: tuple[int, ...]) -> str:
    """The path that the call names, absolute as the command sees it. Raises `OSError`, `ValueError`."""
    raw, end, _ = read_memory(view, thread, arguments[call.path], _MAX_PATH).partition(b"\0")
    if not raw or not end:
        raise ValueError("no path there")
    name = os.fsdecode(raw)
    if name.startswith("/"):
        return os.path.normpath(name) if "/.." not in name else name
    number = None if call.directory is None else arguments[call.directory] & _INT
    at_cwd = number is None or number == kernel.AT_FDCWD & _INT
    base = os.readlink(f"{thread}/cwd" if at_cwd else f"{thread}/fd/{number}", dir_fd=view.proc)
    return os.path.normpath(os.path.join(base, name)) if ".." not in name else os.path.join(base, name)


def judge(view: View, thread: int, path: str, use: Use, flags: int) -> tuple[int, str] | None:
    """(errno, reason) when the sandbox refuses the use; None when it does not, or cannot be told."""
    if path.startswith(_NOT_JUDGED):
        return None
    wanted = _wanted(use, flags)
    root = os.open(f"{thread}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=view.proc)
    try:
        with_parent = wanted is Use.MAKE
        return _judge_inside(view, root, os.path.dirname(path) if with_parent else path, path, wanted)
    finally:
        os.close(root)


def _wanted(use: Use, flags: int) -> Use:
    if use is not Use.OPEN:
        return use
    return Use.WRITE if flags & _O_ACCMODE or flags & os.O_TRUNC else Use.READ


def _judge_inside(view: View, root: int, looked_up: str, path: str, use: Use) -> tuple[int, str] | None:
    try:
        found = kernel.open_beneath(looked_up, os.O_PATH, dir_fd=root, resolve=kernel.RESOLVE_IN_ROOT)
    except FileNotFoundError:
        if use is Use.WRITE and looked_up == path:  # a file that does not exist yet
            return _judge_inside(view, root, os.path.dirname(path), path, Use.MAKE)
        return _missing(view, looked_up)
    except OSError:
        return None
    try:
        if use is Use.LOOK:
            return None
        real = os.readlink(f"self/fd/{found}", dir_fd=view.proc)
        if use is Use.READ:
            return _refused_by_landlock(view, real, landlock.READ)
        if os.fstatvfs(found).f_flag & os.ST_RDONLY and not _is_device(found):
            hint = (
                "" if looked_up.startswith(("/usr", "/etc", "/dev", "/proc")) else f"; to write there: --rw {_shown(looked_up)}"
            )
            return errno.EROFS, f"read-only inside{hint}"
        return _refused_by_landlock(view, real, landlock.WRITE & ~landlock.READ)
    finally:
        os.close(found)


def _is_device(descriptor: int) -> bool:
    return os.fstat(descriptor).st_rdev != 0


def _missing(view: View, path: str) -> tuple[int, str] | None:
    """Only what is there outside can be missed because of the sandbox."""
    if path.startswith("/proc/"):
        return errno.ENOENT, _PROC_REASON
    try:
        outside = kernel.open_beneath(path, os.O_PATH, dir_fd=view.host, resolve=kernel.RESOLVE_IN_ROOT)
    except OSError:
        return None
    try:
        real = os.readlink(f"self/fd/{outside}", dir_fd=view.proc)
    finally:
        os.close(outside)
    return errno.ENOENT, f"exists outside, and is not shown inside; to show it: --ro {_shown(real)}"


def _refused_by_landlock(view: View, real: str, rights: int) -> tuple[int, str] | None:
    if any(_is_below(real, path) and granted & rights for path, granted in view.rules):
        return None
    return errno.EACCES, "no Landlock rule of this sandbox allows it; show the path: --ro or --rw"


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")


def _shown(path: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in path)[:200]


def calls_by_number(number_of: Callable[[str], int | None]) -> dict[int, tuple[PathCall, ...]]:
    """`PATH_CALLS` by the numbers of this machine."""
    found: dict[int, tuple[PathCall, ...]] = {}
    for call in PATH_CALLS:
        number = number_of(call.name)
        if number is not None:
            found[number] = (*found.get(number, ()), call)
    return found


def as_rules(rules: Iterable[landlock.PathRule]) -> list[list[object]]:
    """Landlock rules as JSON types, with the names that they had when they were made."""
    return [[os.path.realpath(rule.path), rule.rights] for rule in rules]
