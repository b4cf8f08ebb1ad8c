"""Where Janee keeps its files, and opening them with care.

Guarantees:
- The master key never lies in the home directory: whoever copies or backs up the home has no key to it.
- A file is opened once, checked through its descriptor (regular, owned by us or root, not writable by others, not too large)
  and read from that same descriptor, so that it cannot be swapped after the check. A symbolic link, FIFO or device is refused.
It never creates anything (`janee init` does) and never reads the environment but in `JaneeHome.resolve`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from janee.errors import ConfigError

MAX_CONFIG_BYTES: Final = 1 << 20
_CREDENTIAL: Final = "janee-master-key"  # systemd: LoadCredentialEncrypted=janee-master-key:…


@dataclass(frozen=True, slots=True)
class JaneeHome:
    """The places of one installation. path: absolute; key_dir: absolute, outside `path`; key_override: the key file named."""

    path: Path
    key_dir: Path
    key_override: Path | None = None

    @classmethod
    def resolve(cls, environ: Mapping[str, str]) -> JaneeHome:
        """The home that `environ` names: $JANEE_HOME or ~/.janee.

        The key: $JANEE_MASTER_KEY_FILE, $CREDENTIALS_DIRECTORY/janee-master-key if there, or a file in `key_dir`, which is
        ${XDG_DATA_HOME:-~/.local/share}/janee/keys. Raises ConfigError NO_HOME.
        """
        path = _absolute(environ["JANEE_HOME"]) if environ.get("JANEE_HOME") else _user_home(environ) / ".janee"
        data = environ.get("XDG_DATA_HOME")
        # XDG base directory specification: a relative path is invalid and ignored
        base = Path(data) if data and data.startswith("/") else _user_home(environ) / ".local" / "share"
        return cls(path, base / "janee" / "keys", _key_override(environ))

    @property
    def config_file(self) -> Path:
        return self.path / "config.yaml"

    @property
    def state_db(self) -> Path:
        return self.path / "state.db"

    def key_file(self, store_id: str) -> Path:
        return self.key_override or self.key_dir / f"{store_id}.key"

    def anchor_file(self, store_id: str) -> Path:
        """Remembers outside the home how far the audit log has come."""
        return self.key_dir / f"{store_id}.anchor"

    @property
    def link_file(self) -> Path:
        """Remembers outside the home which store belongs to it."""
        name = hashlib.sha256(os.fsencode(os.path.realpath(self.path))).hexdigest()[:24]
        return self.key_dir / f"home-{name}.id"

    def key_lies_inside(self, store_id: str) -> bool:
        home, key = Path(os.path.realpath(self.path)), Path(os.path.realpath(self.key_file(store_id)))
        return key.is_relative_to(home) or Path(os.path.realpath(self.key_dir)).is_relative_to(home)


def _absolute(text: str) -> Path:
    return Path.cwd() / Path(text).expanduser()


def _user_home(environ: Mapping[str, str]) -> Path:
    found = environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    if not found.startswith("/"):
        raise ConfigError("NO_HOME", "this user has no home directory", "set JANEE_HOME and XDG_DATA_HOME to absolute paths")
    return Path(found)


def _key_override(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get("JANEE_MASTER_KEY_FILE"):
        return _absolute(named)
    if directory := environ.get("CREDENTIALS_DIRECTORY"):
        credential = Path(directory) / _CREDENTIAL
        return credential if credential.exists() else None
    return None


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """The content of a file and what it was at that moment."""

    content: bytes
    mode: int
    stamp: tuple[int, int, int, int]  # device, inode, size, mtime in ns


def file_stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    """Changes when the file is replaced or written."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def read_trusted_file(path: Path, *, limit: int, private: bool = False) -> OpenedFile:
    """Read a file that only its owner (this user or root) can have written.

    limit: bytes. private: refuse also what others may read. Raises FileNotFoundError; ConfigError UNSAFE_FILE or UNREADABLE.
    """
    try:
        # O_NONBLOCK: opening a FIFO must not wait for a writer
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _unsafe(path, "is a symbolic link", "put the file itself there") from None
        raise ConfigError(
            "UNREADABLE", f"{path}: {os.strerror(error.errno or 0).lower()}", f"check it with: ls -ld {path}"
        ) from None
    try:
        status = os.fstat(fd)
        verify_trusted(path, status, private=private)
        if status.st_size > limit:
            raise _unsafe(path, f"has {status.st_size} bytes, at most {limit} are read", "make it smaller")
        content = bytearray()
        while len(content) <= limit and (chunk := os.read(fd, limit + 1 - len(content))):
            content += chunk
        if len(content) > limit:
            raise _unsafe(path, f"has more than {limit} bytes", "make it smaller")
        return OpenedFile(bytes(content), stat.S_IMODE(status.st_mode), file_stamp(status))
    finally:
        os.close(fd)


def verify_trusted(path: Path, status: os.stat_result, *, private: bool) -> None:
    """Return None if `status` is that of a regular file nobody else can write (and, if private, read).

    Raises ConfigError UNSAFE_FILE.
    """
    if not stat.S_ISREG(status.st_mode):
        raise _unsafe(path, "is not a regular file", "put a regular file there")
    _verify_owner(path, status)
    if status.st_mode & 0o022:
        raise _unsafe(path, f"can be written by others (mode {stat.S_IMODE(status.st_mode):04o})", f"chmod go-w {path}")
    if private and status.st_mode & 0o077:
        raise _unsafe(path, f"can be read by others (mode {stat.S_IMODE(status.st_mode):04o})", f"chmod 600 {path}")


def verify_private_directory(path: Path) -> None:
    """Return None if `path` is a directory of ours that nobody else can enter.

    Raises FileNotFoundError; ConfigError UNSAFE_FILE.
    """
    status = path.stat()  # the directory itself may be reached through a link: what counts is who can write in it
    if not stat.S_ISDIR(status.st_mode):
        raise _unsafe(path, "is not a directory", "choose another place with JANEE_HOME")
    _verify_owner(path, status)
    if status.st_mode & 0o077:
        raise _unsafe(path, f"is open to others (mode {stat.S_IMODE(status.st_mode):04o})", f"chmod 700 {path}")


def _verify_owner(path: Path, status: os.stat_result) -> None:
    if status.st_uid not in (os.geteuid(), 0):
        raise _unsafe(path, f"belongs to uid {status.st_uid}, not to {os.geteuid()} or root", f"chown {os.geteuid()} {path}")


def _unsafe(path: Path, what: str, hint: str) -> ConfigError:
    return ConfigError("UNSAFE_FILE", f"{path} {what}", hint)
