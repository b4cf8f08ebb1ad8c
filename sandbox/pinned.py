"""The executable that was checked: what is executed is that file, whatever happens to its name.

Guarantees: a program is executed through the descriptor that was compared with what the caller had checked. A script has to
be executed by its name, because its interpreter opens it once more: its name is mounted over, and where even that was undone
(renaming another file over a mount point takes the mount away, mount_namespaces(7)), `verify` finds it when the command has
ended, and the result is withheld. Never: a look at the content; who can write into the file itself is the caller's to trust.
"""

import os
from dataclasses import dataclass

from sandbox import rootfs
from sandbox.errors import ErrorCode, SandboxError
from sandbox.spec import DEFAULT_PATH, FileIdentity

_DIRECTORY = "/run/program"  # of our root, where a name can be made for the descriptor: processes are named after it


@dataclass(frozen=True, slots=True)
class Pinned:
    """path: the file's name inside. executed: what to give to execve(2)."""

    path: str
    identity: FileIdentity
    executed: bytes
    is_script: bool

    def verify(self) -> None:
        """Raises `SandboxError(EXECUTABLE_CHANGED)` if the name of a script did not lead to it all the time."""
        if self.is_script and any(_identity(name) != self.identity for name in (self.path, os.fsdecode(self.executed))):
            raise _changed(self.path)


def pin(path: str, identity: FileIdentity, called: bytes = b"") -> Pinned:
    """Take hold of the file at `path`, before the root is sealed. called: `argv[0]`.

    Raises `SandboxError(NOT_FOUND | EXECUTABLE_CHANGED)`.
    """
    first = _open(path, identity)
    try:
        rootfs.pin_executable(path, first)
    finally:
        os.close(first)
    opened = _open(path, identity)  # through the mount, whose attributes count; stays open until pid 1 ends
    if _is_script(opened):
        return Pinned(path, identity, _script_name(path, identity, called), is_script=True)
    name = f"{_DIRECTORY}/{os.path.basename(path)}"
    os.mkdir(_DIRECTORY, 0o755)
    os.symlink(f"/proc/self/fd/{opened}", name)
    return Pinned(path, identity, os.fsencode(name), is_script=False)


def _open(path: str, identity: FileIdentity) -> int:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise SandboxError(ErrorCode.NOT_FOUND, f"{path!r}: {error.strerror}", "mount the executable") from None
    if FileIdentity.of(os.fstat(opened)) != identity:
        os.close(opened)
        raise _changed(path)
    return opened


def _is_script(opened: int) -> bool:
    try:
        with open(f"/proc/self/fd/{opened}", "rb", buffering=0) as file:
            return file.read(2) == b"#!"
    except PermissionError:
        return False  # executable, and not readable: no interpreter could read it either


def _script_name(path: str, identity: FileIdentity, called: bytes) -> bytes:
    """The name that a script is executed by: that which it was called by, if the system's directories have it as a link to it.

    Scripts look at their own name, and do another thing for each link (Debian's psql is one of a dozen of the same script).
    """
    if called and b"/" not in called:
        for directory in DEFAULT_PATH.split(":"):
            candidate = f"{directory}/{os.fsdecode(called)}"
            if _identity(candidate) == identity:
                return os.fsencode(candidate)
    return os.fsencode(path)


def _identity(path: str) -> FileIdentity | None:
    try:
        return FileIdentity.of(os.stat(path))
    except OSError:
        return None


def _changed(path: str) -> SandboxError:
    return SandboxError(ErrorCode.EXECUTABLE_CHANGED, f"{path!r} is not the file that was checked", "ask again")
