"""Options that several commands share, and how a command is given a secret.

Guarantees: a secret reaches a command as `Secret`; the variables it came from are gone from the environment, so that no child
inherits them. It comes from a hidden prompt, stdin, a file or a variable; from argv only where the published commands say so,
with a warning.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from janee.cli._output import warn
from janee.errors import UsageError
from janee.secret import Secret

F = TypeVar("F", bound=Callable[..., Any])
MAX_SECRET_BYTES: Final = 65_536


def json_option(function: F) -> F:
    """--json, or JANEE_JSON=1: passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, envvar="JANEE_JSON", help="Print the answer as JSON.")(function)


def secret_option(name: str, *, variable: str, help: str) -> Callable[[F], F]:  # noqa: A002 - click's own word
    """--NAME VALUE and --NAME-file FILE, $VARIABLE and $VARIABLE_FILE; passed as `Secret | None` under NAME (with _).

    argv wins over the environment, a value over a file. Raises UsageError if both forms are given in one place.
    """
    parameter = name.replace("-", "_")

    def decorate(function: F) -> F:
        @click.option(f"--{name}", parameter, metavar="VALUE", default=None, help=help, envvar=[], show_envvar=False)
        @click.option(
            f"--{name}-file",
            f"{parameter}_file",
            metavar="FILE",
            default=None,
            envvar=[],
            help=f"Read it from a file (also: {variable}, {variable}_FILE).",
        )
        @functools.wraps(function)
        def wrapper(*args: Any, **values: Any) -> Any:
            typed, file = values.pop(parameter), values.pop(f"{parameter}_file")
            values[parameter] = take_secret(name, variable, typed=typed, file=file)
            return function(*args, **values)

        return wrapper  # type: ignore[return-value]

    return decorate


def take_secret(name: str, variable: str, *, typed: str | None, file: str | None) -> Secret | None:
    """Resolve one secret option; the variables are removed from the environment whichever wins."""
    from_variable, from_file = os.environ.pop(variable, None), os.environ.pop(f"{variable}_FILE", None)
    if typed is not None and file is not None:
        raise UsageError("USAGE", f"--{name} and --{name}-file are both given", "give one of them")
    if typed is not None:
        if sys.stderr.isatty():
            warn(f"other users of this machine may see --{name} in the list of processes", f"use {variable}_FILE")
        return _not_empty(Secret(typed), f"--{name}")
    if file is not None:
        return read_secret_file(Path(file))
    if from_variable and from_file:
        raise UsageError("USAGE", f"{variable} and {variable}_FILE are both set", "set one of them")
    if from_variable:
        return Secret(from_variable)
    return read_secret_file(Path(from_file)) if from_file else None


def read_secret_file(path: Path) -> Secret:
    """The content of a file (or pipe), without one newline at its end. Warns if others may read it. Raises UsageError."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_mode & 0o044:
                warn(f"{path} can be read by others", f"chmod 600 {path}")
            return _not_empty(_stripped(file.read(MAX_SECRET_BYTES + 1), str(path)), str(path))
    except OSError as error:
        raise UsageError("USAGE", f"{path}: {os.strerror(error.errno or 0).lower()}", "name a file that you can read") from None


def read_secret_stdin() -> Secret:
    """All of stdin, without one newline at its end. Raises UsageError."""
    return _not_empty(_stripped(sys.stdin.buffer.read(MAX_SECRET_BYTES + 1), "stdin"), "stdin")


def ask_secret(what: str) -> Secret:
    """Ask on the terminal without echo. Raises UsageError without a terminal."""
    if not sys.stdin.isatty():
        raise UsageError("USAGE", f"there is no terminal to ask for the {what}", "pass it on stdin: … --from-stdin < FILE")
    import getpass

    with contextlib.suppress(EOFError):
        return _not_empty(Secret(getpass.getpass(f"{what}: ", stream=sys.stderr)), what)
    raise UsageError("USAGE", f"no {what} was given")


def _stripped(content: bytes, source: str) -> Secret:
    if len(content) > MAX_SECRET_BYTES:
        raise UsageError("USAGE", f"{source} holds more than {MAX_SECRET_BYTES} bytes", "is it the right file?")
    if content.endswith(b"\n"):
        content = content[:-1]
    return Secret(content.removesuffix(b"\r"))


def _not_empty(value: Secret, source: str) -> Secret:
    if not value:
        raise UsageError("USAGE", f"{source} is empty", "give the credential itself")
    return value
