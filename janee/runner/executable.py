"""Which file a command's name stands for, and whether it can be trusted to be that program.

Guarantees: a trusted executable was found on a fixed path that the agent does not choose, as a regular executable file; it,
every directory that leads to it and every symbolic link on the way belong to root (or to the Runner's own user where the
operator named the directory) and can be written by nobody else. Its SHA-256 is of exactly the file whose identity is handed
on, so the sandbox can insist on executing that one.
Never: a look-up in the caller's PATH or working directory. A name with a slash is taken only as the absolute path of a file on
the trusted path. What the program may do is the policy's matter.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import Final

from janee.errors import JaneeError
from janee.runner.order import Program
from sandbox import DEFAULT_PATH, FileIdentity

_CACHE_ENTRIES: Final = 256
_PIECE: Final = 1 << 20
_MAX_LINKS: Final = 40  # the kernel's own limit, path_resolution(7)
_NEXT_STEP: Final = f"install it in one of {DEFAULT_PATH}, owned by root and writable by root alone"


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    real_path: str
    identity: FileIdentity


class TrustedPath:
    """The directories in which programs are looked for, in order, and the hashes of those already met."""

    def __init__(self, directories: tuple[str, ...] = tuple(DEFAULT_PATH.split(":")), extra_owner: int | None = None) -> None:
        """extra_owner: a uid that is trusted like root, for directories of the operator's own."""
        self._directories = directories
        self._owners = frozenset({0} if extra_owner is None else {0, extra_owner})
        self._hashes: dict[str, tuple[FileIdentity, str]] = {}

    def resolve(self, name: str) -> Program:
        """The program that `name` (a bare name, or an absolute path on the trusted path) stands for.

        Reads the whole file the first time and whenever it changed. Raises JaneeError EXECUTABLE_NOT_TRUSTED.
        """
        found = self._find(name)
        known = self._hashes.get(found.real_path)
        if known is None or known[0] != found.identity:
            known = (found.identity, _hash(found))
            if len(self._hashes) >= _CACHE_ENTRIES:
                self._hashes.clear()
            self._hashes[found.real_path] = known
        return Program(found.path, found.real_path, known[1], found.identity)

    def _find(self, name: str) -> _Found:
        if "/" not in name:
            if not name or name in (".", "..") or "\0" in name:
                raise _untrusted(f"{name!r} is not the name of a program")
            candidates = [f"{directory}/{name}" for directory in self._directories]
        else:
            directory, _, last = name.rpartition("/")
            if directory not in self._directories or last in ("", ".", "..") or "\0" in name:
                raise _untrusted(f"{name!r} is not in a trusted directory")
            candidates = [name]
        for path in candidates:
            if os.path.lexists(path):
                return self._trust(path)
        raise _untrusted(f"no program {name!r} in the trusted directories")

    def _trust(self, path: str) -> _Found:
        try:
            real = os.path.realpath(path, strict=True)
            status = os.stat(real, follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o111:
                raise _untrusted(f"{path!r} is not an executable file")
            self._check_owner(real, status)
            for step in _steps(path, real):
                self._check_way(step)
        except OSError as error:
            raise _untrusted(f"{path!r} cannot be read: {error.strerror}") from None
        return _Found(path, real, FileIdentity.of(status))

    def _check_way(self, path: str) -> None:
        """Every directory above `path`, links followed, and the links themselves."""
        link = os.lstat(path)
        if link.st_uid not in self._owners:
            raise _untrusted(f"{path!r} belongs to uid {link.st_uid}, not to root")
        directory = os.path.dirname(path)
        while True:
            status = os.stat(directory)
            self._check_owner(directory, status)
            if directory == "/":
                return
            directory = os.path.dirname(directory)

    def _check_owner(self, path: str, status: os.stat_result) -> None:
        if status.st_uid not in self._owners:
            raise _untrusted(f"{path!r} belongs to uid {status.st_uid}, not to root")
        if status.st_mode & 0o002 or (status.st_mode & 0o020 and status.st_gid != 0):
            raise _untrusted(f"{path!r} can be written by others than root (mode {stat.S_IMODE(status.st_mode):04o})")


def _steps(path: str, real: str) -> list[str]:
    """`path`, each symbolic link that it leads over, and `real`: who may change one of them chooses the program."""
    steps = [path]
    while len(steps) < _MAX_LINKS and os.path.islink(steps[-1]):  # noqa: PTH114
        step = os.path.join(os.path.dirname(steps[-1]), os.readlink(steps[-1]))
        steps.append(os.path.normpath(step) if os.path.realpath(step) == os.path.realpath(os.path.normpath(step)) else step)
    return [*steps, real]


def _hash(found: _Found) -> str:
    """SHA-256 (hex) of the file, which must still be the one that was looked at when it has been read."""
    digest = hashlib.sha256()
    with open(found.real_path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
        if FileIdentity.of(os.fstat(file.fileno())) != found.identity:
            raise _untrusted(f"{found.real_path!r} changes while it is read")
    return digest.hexdigest()


def _untrusted(message: str) -> JaneeError:
    return JaneeError("EXECUTABLE_NOT_TRUSTED", message, _NEXT_STEP)
