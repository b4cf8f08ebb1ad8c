"""Which directory of the host a command may see, and where it starts.

Guarantees: the workspace is one existing directory; the working directory lies in it, symbolic links resolved. Never a
workspace is: the system's own trees, and what contains one; a home directory, what contains one, and hidden directories in one;
a directory outside the Runner's workspace roots, where the agent chose it and there are roots. (Janee's state and code are
`SandboxSpec.protected`.) With `none` nothing of the host is shown and the command starts in its private home.

Why so strict: a Runner with root mounts the workspace so that its owner's files are the command's. An agent that could name any
directory would read and write as root through it.

It never mounts (the sandbox does) and never decides whether a capability has a workspace (the grant says so).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from janee.errors import JaneeError
from sandbox import Mount

# Showing one of these, a part of it or what contains it would give the command the host's own files as if they were work.
SYSTEM_TREES: Final = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/lost+found",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var/backups",
    "/var/cache",
    "/var/crash",
    "/var/lib",
    "/var/lock",
    "/var/log",
    "/var/mail",
    "/var/opt",
    "/var/run",
    "/var/spool",
)
# Everybody's: a directory in one can be a workspace, the whole cannot.
SHARED: Final = frozenset({"/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/tmp"})  # noqa: S108


@dataclass(frozen=True, slots=True)
class HostDirectories:
    """What of the host matters here. homes: every user's home directory. roots: directories in which an agent may choose its
    working directory; None: anywhere that is not refused."""

    homes: tuple[str, ...] = ()
    roots: tuple[str, ...] | None = None


ANYWHERE: Final = HostDirectories()


@dataclass(frozen=True, slots=True)
class Workspace:
    mounts: tuple[Mount, ...]
    cwd: str | None  # inside; None: the private home


def plan_workspace(sandbox: Mapping[str, Any], cwd: str | None, host: HostDirectories) -> Workspace:
    """The mounts and the working directory for a grant's sandbox constraints and a request's cwd.

    Looks at the file system. Raises JaneeError WORKSPACE_REFUSED.
    """
    access = sandbox.get("workspace", "none")
    if access == "none":
        if cwd is not None:
            raise _refused("the capability has no workspace, so there is no directory to start in", "leave `cwd` out")
        return Workspace((), None)
    if access not in ("read", "write"):
        raise _refused(f"workspace access {access!r} is not known", "")
    chosen_by_operator = sandbox.get("workDir")
    work_dir = chosen_by_operator or cwd
    if not isinstance(work_dir, str):
        raise _refused(
            "the capability works in the caller's directory, but the call names none", "give `cwd`, an absolute path"
        )
    target = _normalised(work_dir)
    source = os.path.realpath(target)
    start = target if cwd is None else _normalised(cwd)
    _check_source(source, host.homes)
    if not chosen_by_operator and host.roots is not None:
        _check_roots(source, host.roots)
    inside = os.path.realpath(start)
    if not _lies_in(inside, source):
        raise _refused(f"the working directory {start!r} is outside the capability's {target!r}", "choose one inside")
    # Seen from inside, the workspace is at its own name: links that lead to it from elsewhere do not exist there.
    below = os.path.relpath(inside, source)
    return Workspace((Mount(source, target, writable=access == "write"),), target if below == "." else f"{target}/{below}")


def _normalised(path: str) -> str:
    if not path.startswith("/") or "\0" in path:
        raise _refused(f"{path!r} is not an absolute path", "write the whole path, beginning with /")
    return "/" + os.path.normpath(path).lstrip("/")


def _check_source(source: str, homes: tuple[str, ...]) -> None:
    try:
        status = os.stat(source, follow_symlinks=False)
    except OSError as error:
        raise _refused(
            f"the workspace {source!r} cannot be used: {error.strerror}", "create it, or give another `cwd`"
        ) from None
    if not stat.S_ISDIR(status.st_mode):
        raise _refused(f"the workspace {source!r} is not a directory", "give the directory")
    if source in SHARED or any(_lies_in(source, tree) or _lies_in(tree, source) for tree in SYSTEM_TREES):
        raise _refused(f"{source!r} belongs to the system and is not a workspace", "work in a directory of your own")
    for home in homes:
        if _lies_in(home, source):
            raise _refused(f"{source!r} holds a whole home directory", "work in a directory below it")
        if source.startswith(f"{home}/."):
            raise _refused(
                f"{source!r} is hidden in a home directory, where keys and settings lie", "work in another directory"
            )


def _check_roots(source: str, roots: tuple[str, ...]) -> None:
    if not any(_lies_in(source, os.path.realpath(root)) for root in roots):
        raise _refused(
            f"{source!r} is outside this runner's workspace roots ({', '.join(roots) or 'none'})",
            "start the runner with --workspace-root DIRECTORY, or set workDir in the capability",
        )


def _lies_in(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _refused(message: str, hint: str) -> JaneeError:
    return JaneeError("WORKSPACE_REFUSED", message, hint)
