"""Which directory of the host a command may see, and where it starts.

Guarantees: the workspace is one existing directory; the working directory lies in it, symbolic links resolved; the file
system's root, the system's own trees, a home directory itself and whatever holds Janee's state are never a workspace. With
`none` nothing of the host is shown and the command starts in its private home.

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

# Showing one of these, or a part of it, would give the command the host's own files as if they were the agent's work.
SYSTEM_TREES: Final = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib",
    "/var/run",
)


@dataclass(frozen=True, slots=True)
class Workspace:
    mounts: tuple[Mount, ...]
    cwd: str | None  # inside; None: the private home


def plan_workspace(sandbox: Mapping[str, Any], cwd: str | None, home: str | None) -> Workspace:
    """The mounts and the working directory for a grant's sandbox constraints and a request's cwd.

    home: the Runner's own home directory, which is not shown itself (directories in it are). Looks at the file system.
    Raises JaneeError WORKSPACE_REFUSED.
    """
    access = sandbox.get("workspace", "none")
    if access == "none":
        if cwd is not None:
            raise _refused("the capability has no workspace, so there is no directory to start in", "leave `cwd` out")
        return Workspace((), None)
    if access not in ("read", "write"):
        raise _refused(f"workspace access {access!r} is not known", "")
    work_dir = sandbox.get("workDir") or cwd
    if not isinstance(work_dir, str):
        raise _refused(
            "the capability works in the caller's directory, but the call names none", "give `cwd`, an absolute path"
        )
    target = _normalised(work_dir)
    source = os.path.realpath(target)
    start = target if cwd is None else _normalised(cwd)
    _check_source(source, home)
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


def _check_source(source: str, home: str | None) -> None:
    try:
        status = os.stat(source, follow_symlinks=False)
    except OSError as error:
        raise _refused(
            f"the workspace {source!r} cannot be used: {error.strerror}", "create it, or give another `cwd`"
        ) from None
    if not stat.S_ISDIR(status.st_mode):
        raise _refused(f"the workspace {source!r} is not a directory", "give the directory")
    if source == "/" or any(_lies_in(source, tree) for tree in SYSTEM_TREES):
        raise _refused(f"{source!r} belongs to the system and is not a workspace", "work in a directory of your own")
    if home and home != "/" and _lies_in(os.path.realpath(home), source):
        raise _refused(f"{source!r} holds a whole home directory", "work in a directory below it")


def _lies_in(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _refused(message: str, hint: str) -> JaneeError:
    return JaneeError("WORKSPACE_REFUSED", message, hint)
