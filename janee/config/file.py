"""Reading and changing config.yaml.

Guarantees:
- `load_config` gives a valid configuration or one error with file, line, what and fix; never half a configuration.
- `edit_config` keeps comments and order, never leaves an invalid or half-written file, and loses nobody's change: writers take
  turns by a lock file, and a change made by an editor meanwhile is noticed.
It never holds a secret: none is accepted in the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from janee.config._yaml import InvalidYamlError, Mapping, Node, Scalar, parse_yaml
from janee.config.home import MAX_CONFIG_BYTES, JaneeHome, OpenedFile, file_stamp, read_trusted_file
from janee.config.schema import CommandRule, Config
from janee.errors import ConfigError

__all__ = ["ConfigSource", "JaneeHome", "edit_config", "load_config", "parse_command_rule", "parse_config"]

LOCK_TIMEOUT_S: Final = 10.0
_LOCK_POLL_S: Final = 0.02
_FIX: Final = "correct it; fields and their forms: docs/config.md"


def load_config(path: Path) -> Config:
    """Read and check a configuration file. Raises ConfigError."""
    return parse_config(_read(path).content, str(path))


def parse_config(content: bytes, name: str = "config.yaml") -> Config:
    """Check the content of a configuration file; `name` stands in errors. Pure. Raises ConfigError CONFIG_INVALID."""
    from janee.config._reader import read_config

    try:
        return read_config(parse_yaml(_decode(content)))
    except InvalidYamlError as problem:
        raise _invalid(name, problem) from None


def parse_command_rule(text: str) -> CommandRule:
    """An allow-list entry as typed: a tool's name, a literal argv ("git status"), or YAML of a rule. Raises ConfigError."""
    from janee.config._rules import command_rule

    try:
        return command_rule(command_rule_node(text))
    except InvalidYamlError as problem:
        raise ConfigError("CONFIG_INVALID", f"the command rule {problem.message}", problem.hint or _FIX) from None


def command_rule_data(text: str) -> Any:
    """The same entry as plain data for config.yaml. Raises ConfigError for one that is not valid."""
    parse_command_rule(text)
    return rule_as_data(command_rule_node(text))


def command_rule_node(text: str) -> Node:
    # Only what begins like a flow mapping is YAML: in a plain text no character has a special meaning.
    return parse_yaml(text) if text.lstrip().startswith("{") else Scalar(text, False, 1)


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidYamlError(content.count(b"\n", 0, error.start) + 1, "is not UTF-8", "save it as UTF-8") from None


def _invalid(name: str, problem: InvalidYamlError) -> ConfigError:
    return ConfigError("CONFIG_INVALID", f"{name}:{problem.line}: {problem.message}", problem.hint or _FIX)


def _read(path: Path) -> OpenedFile:
    try:
        return read_trusted_file(path, limit=MAX_CONFIG_BYTES)
    except FileNotFoundError:
        raise ConfigError("CONFIG_MISSING", f"{path} does not exist", "create it with: janee init") from None


class ConfigSource:
    """A configuration file that is read again when it changes. For one thread."""

    __slots__ = ("_config", "_path", "_stamp")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, ...] | None = None
        self._config: Config | None = None

    def current(self) -> Config:
        """The configuration as the file says now; one stat(2) while it has not changed.

        Raises ConfigError when the file is missing or invalid now, however good the last one was.
        """
        try:
            status = self._path.stat(follow_symlinks=False)
        except OSError:
            self._config = None
            raise ConfigError("CONFIG_MISSING", f"{self._path} does not exist", "create it with: janee init") from None
        stamp = (*file_stamp(status), status.st_ctime_ns, status.st_mode, status.st_uid)
        if self._config is None or stamp != self._stamp:
            self._config = None  # an invalid new file must not leave the old policy in force
            # The stamp is from before the read: if the file changes in between, the next call reads it again.
            self._config, self._stamp = load_config(self._path), stamp
        return self._config


@contextlib.contextmanager
def edit_config(path: Path, *, before_replace: Callable[[Config], None] | None = None) -> Iterator[Any]:
    """Change the file in a `with` block: it yields the root mapping (ruamel's, comments kept); on leaving, the result is
    checked and put in place atomically. An exception in the block changes nothing.

    before_replace: called with the new configuration when everything but the replacing is done (audit before act); if it
    raises, nothing changes. Raises ConfigError, also when the lock is not free within 10 s.
    """
    from ruamel.yaml import YAML

    with _locked(path):
        before = _read(path)
        parse_config(before.content, str(path))  # refuses aliases and whatever else before the full loader sees it
        yaml = YAML(typ="rt", pure=True)
        yaml.preserve_quotes = True
        yaml.width = 4096
        yaml.brace_single_entry_mapping_in_flow_sequence = True  # {match: x} in a list stays as it was written
        yaml.indent(mapping=2, sequence=4, offset=2)
        root = yaml.load(before.content.decode()) or yaml.map()
        yield root
        buffer = io.StringIO()
        yaml.dump(root, buffer)
        content = buffer.getvalue().encode()
        if len(content) > MAX_CONFIG_BYTES:
            raise ConfigError("CONFIG_INVALID", f"{path} would grow beyond {MAX_CONFIG_BYTES} bytes", "remove what is not used")
        config = parse_config(content, f"{path}, as it would become")
        _verify_unchanged(path, before)
        _replace(path, content, before.mode, lambda: before_replace(config) if before_replace else None)


def _verify_unchanged(path: Path, before: OpenedFile) -> None:
    if file_stamp(path.stat(follow_symlinks=False)) != before.stamp:
        raise ConfigError("CONFIG_BUSY", f"{path} was changed by somebody else meanwhile", "run the command again")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = path.with_name(f".{path.name}.lock")
    try:
        fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            "CONFIG_BUSY", f"{lock}: {os.strerror(error.errno or 0).lower()}", "create the home with: janee init"
        ) from None
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    with os.fdopen(fd):
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConfigError("CONFIG_BUSY", f"{path} is being changed by another command", "try again") from None
                time.sleep(_LOCK_POLL_S)
        yield  # closing the descriptor gives the lock back


def _replace(path: Path, content: bytes, mode: int, commit: Callable[[], None]) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        write_new(temporary, content, mode)
        commit()
        temporary.replace(path)
    except OSError as error:
        raise ConfigError("CONFIG_WRITE", f"{path}: {os.strerror(error.errno or 0).lower()}", "nothing was changed") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
    sync_directory(path.parent)


def write_new(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Create a file that did not exist, durably. Raises FileExistsError, OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb") as file:
        os.fchmod(fd, mode)  # whatever the umask is
        file.write(content)
        file.flush()
        os.fsync(fd)


def sync_directory(path: Path) -> None:
    """Make a renamed or new name in `path` durable (fsync(2), NOTES)."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def rule_as_data(node: Node) -> Any:
    """A rule's tree as plain data, for writing it into the file."""
    if isinstance(node, Mapping):
        return {key.text: rule_as_data(value) for key, value in node.items}
    return node.text if isinstance(node, Scalar) else [rule_as_data(item) for item in node.items]
