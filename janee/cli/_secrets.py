"""Taking a service's credential from the operator.

Guarantees: a value that an HTTP header cannot carry, or that is too short to be scrubbed, is refused before it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from janee.cli._options import ask_secret, read_secret_stdin
from janee.cli._output import warn
from janee.errors import UsageError
from janee.secret import Secret

MIN_SECRET_BYTES: Final = 4  # the scrubber's floor: anything shorter would be found in ordinary text
SHORT_SECRET_BYTES: Final = 8


def collect_secrets(fields: Sequence[str], *, username: str | None, from_stdin: bool, minimum: int) -> Mapping[str, Secret]:
    """A value for each field: from stdin (one line each where there are several), or asked for. Raises UsageError.

    minimum: bytes, as the service's configuration has it.
    """
    given = {"username": Secret(username)} if username is not None and "username" in fields else {}
    wanted = [field for field in fields if field not in given]
    values = _from_stdin(wanted) if from_stdin else {field: ask_secret(field) for field in wanted}
    result = {**given, **values}
    for field, value in result.items():
        _verify(field, value, minimum)
    return result


def _from_stdin(fields: Sequence[str]) -> Mapping[str, Secret]:
    if not fields:
        return {}
    content = read_secret_stdin()
    if len(fields) == 1:
        return {fields[0]: content}
    lines = [line.removesuffix(b"\r") for line in content.expose().split(b"\n")]
    if len(lines) != len(fields):
        raise UsageError(
            "USAGE", f"stdin holds {len(lines)} lines, {len(fields)} are needed", f"one line each for: {', '.join(fields)}"
        )
    return {field: Secret(line) for field, line in zip(fields, lines, strict=True)}


def _verify(field: str, value: Secret, minimum: int) -> None:
    content = value.expose()
    if any(byte < 32 or byte == 127 for byte in content):
        raise UsageError(
            "USAGE",
            f"the {field} holds a line break or another control character",
            "a header cannot carry it; pass the value alone",
        )
    if content != content.strip():
        raise UsageError("USAGE", f"the {field} begins or ends with a blank", "pass the value without it")
    if field == "username":
        return
    if len(content) < minimum:
        raise UsageError(
            "USAGE",
            f"the {field} has fewer than {minimum} bytes",
            "ordinary output would be masked with it; take a longer one"
            + (f", or allow it: --min-secret-length {MIN_SECRET_BYTES}" if minimum > MIN_SECRET_BYTES else ""),
        )
    if len(content) < SHORT_SECRET_BYTES:
        warn(
            f"the {field} has fewer than {SHORT_SECRET_BYTES} bytes: it is easy to guess, and scrubbing it will hit other text"
        )
