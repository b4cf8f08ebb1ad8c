"""The SQLite file: its schema, how it is created and opened, and what its errors mean.

Guarantees: a file of mode 0600 that only we wrote; WAL with synchronous=FULL, so that a commit is on disk when it returns; a
newer, foreign, damaged or empty file is refused with a sentence, not a traceback; a half-made file never has the final name.
It never looks into rows: `janee.authority.store` does.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from janee.config.home import verify_private_directory, verify_trusted
from janee.errors import ConfigError, StoreError

APPLICATION_ID: Final = 0x4A414E45  # "JANE"
SCHEMA_VERSION: Final = 1
BUSY_TIMEOUT_MS: Final = 800  # the event loop of the Authority waits as long
_EXHAUSTED_MS: Final = 50
_POLL_S: Final = 0.001
_Result = TypeVar("_Result")

SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE secrets (service TEXT NOT NULL, field TEXT NOT NULL, box BLOB NOT NULL, updated REAL NOT NULL,
  PRIMARY KEY (service, field)) STRICT, WITHOUT ROWID;
CREATE TABLE runner_keys (name TEXT PRIMARY KEY, agents TEXT NOT NULL, box BLOB NOT NULL, created REAL NOT NULL,
  revoked_at REAL) STRICT, WITHOUT ROWID;
CREATE TABLE agents (id TEXT PRIMARY KEY, token_tag BLOB UNIQUE, id_tag BLOB, created REAL NOT NULL, revoked_at REAL)
  STRICT, WITHOUT ROWID;
CREATE TABLE nonces (key_name TEXT NOT NULL, nonce TEXT NOT NULL, expires_at REAL NOT NULL,
  PRIMARY KEY (key_name, nonce)) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_expiry ON nonces (expires_at);
CREATE TABLE grants (id TEXT PRIMARY KEY, runner_key TEXT NOT NULL, runner_id TEXT NOT NULL, agent_id TEXT NOT NULL,
  capability TEXT NOT NULL, policy_hash TEXT NOT NULL, command TEXT NOT NULL, request_id TEXT, sandbox TEXT NOT NULL,
  issued_at REAL NOT NULL, expires_at REAL NOT NULL, deadline REAL NOT NULL, state TEXT NOT NULL, ended_at REAL,
  tag BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX grants_open ON grants (deadline) WHERE state = 'issued';
CREATE INDEX grants_ended ON grants (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE sessions (id TEXT PRIMARY KEY, agent TEXT NOT NULL, runner TEXT NOT NULL, first_seen REAL NOT NULL,
  last_seen REAL NOT NULL, revoked_at REAL, UNIQUE (agent, runner)) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_revoked ON sessions (agent, runner) WHERE revoked_at IS NOT NULL;
CREATE TABLE rate (bucket TEXT NOT NULL, at REAL NOT NULL, until REAL NOT NULL) STRICT;
CREATE INDEX rate_by_time ON rate (bucket, at);
CREATE INDEX rate_by_end ON rate (until);
CREATE TABLE audit (seq INTEGER PRIMARY KEY, record TEXT NOT NULL, hash TEXT NOT NULL, tag BLOB NOT NULL) STRICT;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing state database for reading and writing. Raises StoreError."""
    _verify_file(path)
    with translated(path):
        connection = _open(f"{path.as_uri()}?mode=rw")
        try:
            verify_schema(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")  # a replaced or removed secret leaves no ciphertext in free pages
            connection.execute("PRAGMA busy_timeout = 0")  # from now on `Patience` waits
        except BaseException:
            connection.close()
            raise
        return connection


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open an existing state database for looking. Raises StoreError."""
    _verify_file(path)
    with translated(path):
        connection = _open(f"{path.as_uri()}?mode=ro")
        try:
            verify_schema(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def _open(uri: str) -> sqlite3.Connection:
    # isolation_level=None: transactions are ours to begin and end; check_same_thread=False: the store serialises its callers
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_MS / 1000)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    # A damaged row may hold bytes that are not UTF-8: they must reach the check that names the row.
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    return connection


def _verify_file(path: Path) -> None:
    try:
        verify_private_directory(path.parent)
        verify_trusted(path, path.lstat(), private=True)
    except FileNotFoundError:
        raise StoreError("STORE_MISSING", f"{path} does not exist", "create it with: janee init") from None
    except ConfigError as error:
        raise StoreError("STORE_UNSAFE", error.message, error.hint) from None


class Patience:
    """Waits for a lock that another process holds: at most BUSY_TIMEOUT_MS, and after that hardly until it was free again.

    It asks every millisecond. SQLite's own waiting sleeps ever longer, up to 100 ms, and starves beside a busy writer.
    """

    __slots__ = ("_is_exhausted",)

    def __init__(self) -> None:
        self._is_exhausted = False

    def execute(self, connection: sqlite3.Connection, statement: str) -> None:
        """Execute a statement. Raises sqlite3.Error: SQLITE_BUSY if the lock was held all the time."""
        self.run(lambda: connection.execute(statement))

    def run(self, call: Callable[[], _Result]) -> _Result:
        """Call until it does not fail with SQLITE_BUSY. Raises sqlite3.Error."""
        deadline = time.monotonic() + (_EXHAUSTED_MS if self._is_exhausted else BUSY_TIMEOUT_MS) / 1000
        while True:
            try:
                result = call()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() >= deadline:
                    self._is_exhausted = True
                    raise
                time.sleep(_POLL_S)
            else:
                self._is_exhausted = False
                return result


def verify_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Return None if the file has the tables of this release and nothing else. Raises StoreError."""
    application, version = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if application != APPLICATION_ID:
        raise StoreError("STORE_FOREIGN", f"{path} is not a Janee state database", "restore it from a backup")
    if version != SCHEMA_VERSION:
        age = "newer" if version > SCHEMA_VERSION else "older"
        raise StoreError(
            "STORE_VERSION",
            f"{path} has format {version}, {age} than this release's {SCHEMA_VERSION}",
            "use the release that wrote it",
        )
    found = {(kind, name): sql for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master")}
    if {key: _squeezed(sql) for key, sql in found.items() if sql} != _expected():
        # a planted trigger or view could drop or forge rows
        raise StoreError(
            "STORE_FOREIGN", f"the tables of {path} are not those of its format: they were changed", "restore a backup"
        )


def _expected() -> dict[tuple[str, str], str]:
    result = {}
    for statement in SCHEMA.split(";"):
        words = statement.split()
        if words:
            result[words[1].lower(), words[2]] = _squeezed(statement)
    return result


def _squeezed(sql: str) -> str:
    return " ".join(sql.split())


def create(path: Path, rows: dict[str, bytes]) -> None:
    """Create the state database with the `meta` rows given, all at once. Raises StoreError; FileExistsError if it is there."""
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        with translated(path):
            _fill(temporary, rows)
        # link(2) fails if the name exists: of two creators one wins, and nobody sees a half-made file
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError as error:
        raise StoreError(
            "STORE_MISSING", f"cannot make {path}: {os.strerror(error.errno or 0).lower()}", "check the directory"
        ) from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _fill(path: Path, rows: dict[str, bytes]) -> None:
    with contextlib.closing(_open(f"{path.as_uri()}?mode=rw")) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        # Not yet WAL: that would leave a -wal file under the temporary name.
        connection.executescript(
            f"BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows.items())


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into StoreError STORE_DAMAGED or AUDIT_UNAVAILABLE."""
    try:
        yield
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        raise translate(path, error) from None


def translate(path: Path, error: Exception) -> StoreError:
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or isinstance(error, (UnicodeError, OverflowError)):
        return StoreError(
            "STORE_DAMAGED", f"{path} is damaged ({name})", "restore a backup; see how far it is intact: janee audit verify"
        )
    hints = {
        "SQLITE_FULL": "free space on its disk",
        "SQLITE_READONLY": f"make it writable: ls -ld {path.parent} {path}",
        "SQLITE_BUSY": "another process holds it; try again, and end the process that hangs",
        "SQLITE_CANTOPEN": f"check: ls -ld {path.parent} {path}",
    }
    hint = next((text for prefix, text in hints.items() if name.startswith(prefix)), f"check the disk that holds {path}")
    return StoreError("AUDIT_UNAVAILABLE", f"{path} cannot be used ({name}: {error})", hint)
