"""What is remembered outside the database: how far its audit log has come, and which store belongs to a home.

Guarantees: after every commit the anchor names the last record (or, after a crash in between, one a little older: never a newer
one), so that a cut-off log, an older copy of the database and a replaced database are noticed. It never goes back, whoever
writes last, unless the operator accepts that.
It never decides what to do about it: `janee.authority.store` refuses.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from janee.authority.audit import Anchor
from janee.config.file import sync_directory, write_new
from janee.config.home import JaneeHome, read_trusted_file
from janee.errors import ConfigError, StoreError

_MAX_BYTES: Final = 512
_READ_ATTEMPTS: Final = 5  # a reader may meet a writer in the middle of its one write
_LOCK_S: Final = 0.1


def format_anchor(anchor: Anchor) -> bytes:
    line = f"janee-anchor-v2 {anchor.store_id} {anchor.seq:016d} {anchor.hash or '-' * 64} {anchor.state:016d}"
    return f"{line} {_check(line)}\n".encode()  # always of the same length: overwritten in place, no new block needed


def parse_anchor(content: bytes) -> Anchor | None:
    fields = content.decode("ascii", "replace").rstrip("\n").rsplit(" ", 1)
    parts = fields[0].split(" ")
    if (
        len(fields) != 2
        or fields[1] != _check(fields[0])
        or len(parts) != 5
        or parts[0] != "janee-anchor-v2"
        or not parts[2].isdigit()
        or not parts[4].isdigit()
    ):
        return None
    return Anchor(parts[1], int(parts[2]), parts[3], int(parts[4]))


def _check(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()[:16]


def read_anchor(home: JaneeHome, store_id: str) -> Anchor | None:
    """The anchor of a store, None if there is none: good for an empty store only. Raises StoreError ANCHOR_INVALID."""
    path = home.anchor_file(store_id)
    for _ in range(_READ_ATTEMPTS):
        try:
            content = read_trusted_file(path, limit=_MAX_BYTES).content
        except FileNotFoundError:
            return None
        except ConfigError as error:
            raise StoreError("ANCHOR_INVALID", error.message, error.hint) from None
        if not content:
            return None  # made, and never written to: there was a crash before the first record
        anchor = parse_anchor(content)
        if anchor is not None and anchor.store_id == store_id:
            return anchor
    raise _damaged(path)


def _damaged(path: Path) -> StoreError:
    return StoreError(
        "ANCHOR_INVALID",
        f"{path} is damaged: it no longer says how far the audit log had come",
        "check with: janee audit verify; to go on from what is there: janee authority --accept-rollback",
    )


class AnchorFile:
    """The open anchor of a store, perhaps shared with other processes.

    One write(2) for each `set`, no fsync but the first time: to fall behind does no harm.
    """

    __slots__ = ("_fd", "_is_synced", "_path")

    def __init__(self, home: JaneeHome, store_id: str) -> None:
        """Raises StoreError ANCHOR_UNAVAILABLE."""
        self._path = home.anchor_file(store_id)
        self._is_synced = False
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unavailable(error) from None

    def get(self) -> Anchor | None:
        """What is remembered, None if nothing is. Raises StoreError ANCHOR_INVALID, ANCHOR_UNAVAILABLE."""
        for _ in range(_READ_ATTEMPTS):
            try:
                content = os.pread(self._fd, _MAX_BYTES, 0)
            except OSError as error:
                raise self._unavailable(error) from None
            anchor = parse_anchor(content)
            if anchor is not None or not content:
                return anchor
        raise _damaged(self._path)

    def set(self, anchor: Anchor, *, may_go_back: bool = False) -> None:
        """Remember that the store came so far, unless more is remembered. Raises StoreError ANCHOR_UNAVAILABLE."""
        try:
            with self._locked():
                current = parse_anchor(os.pread(self._fd, _MAX_BYTES, 0))
                if current is not None and not may_go_back:
                    furthest = max(current, anchor, key=lambda one: one.seq)  # the first of equals
                    anchor = Anchor(anchor.store_id, furthest.seq, furthest.hash, max(current.state, anchor.state))
                if anchor == current:
                    return
                os.pwrite(self._fd, format_anchor(anchor), 0)
            if not self._is_synced:  # a new file could come back from a crash full of zeros, which says nothing
                os.fsync(self._fd)
                self._is_synced = True
        except OSError as error:
            raise self._unavailable(error) from None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Between processes (and threads: each store has a descriptor of its own). Raises OSError if it cannot be had."""
        deadline = time.monotonic() + _LOCK_S
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.001)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _unavailable(self, error: OSError) -> StoreError:
        return StoreError(
            "ANCHOR_UNAVAILABLE",
            f"{self._path} cannot be written: {os.strerror(error.errno or 0).lower()}",
            "make its directory writable, or choose another with XDG_DATA_HOME",
        )


def read_link(home: JaneeHome) -> str | None:
    """The id of the store that belongs to this home, None if none is known. Raises StoreError ANCHOR_INVALID."""
    try:
        return read_trusted_file(home.link_file, limit=_MAX_BYTES).content.decode("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    except ConfigError as error:
        raise StoreError("ANCHOR_INVALID", error.message, error.hint) from None


def write_link(home: JaneeHome, store_id: str) -> None:
    """Remember the store of this home, if none is known yet. Raises StoreError ANCHOR_UNAVAILABLE."""
    _write_once(home.link_file, f"{store_id}\n".encode())


def forget_link(home: JaneeHome) -> None:
    home.link_file.unlink(missing_ok=True)


def _write_once(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(path, content)
        sync_directory(path.parent)
    except FileExistsError:
        return
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise StoreError(
            "ANCHOR_UNAVAILABLE", f"{path} cannot be written: {reason}", "choose another place with XDG_DATA_HOME"
        ) from None
