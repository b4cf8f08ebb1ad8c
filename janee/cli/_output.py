"""What commands print: results to stdout, errors and notes to stderr, JSON where it was asked for.

Guarantees: control characters in what is printed (a name, an argv, a server's answer) never reach a terminal as such.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from janee.errors import JaneeError


def fail(error: JaneeError) -> None:
    """Print an error and its hint."""
    _line(sys.stderr, "error", error.message)
    if error.hint:
        _line(sys.stderr, "hint", error.hint)


def warn(message: str, hint: str = "") -> None:
    _line(sys.stderr, "warning", message)
    if hint:
        _line(sys.stderr, "hint", hint)


def note(message: str) -> None:
    """Something worth knowing that is not the answer."""
    _write(sys.stderr, f"janee: {printable(message)}")


def _write(stream: TextIO, line: str) -> None:
    stream.write(f"{line}\n")


def _line(stream: TextIO, kind: str, message: str) -> None:
    _write(stream, f"janee: {_coloured(stream, kind)}: {printable(message)}")


_COLOURS = (("error", "31"), ("warning", "33"), ("hint", "36"))


def _coloured(stream: TextIO, kind: str) -> str:
    code = dict(_COLOURS).get(kind)
    return f"\x1b[{code}m{kind}\x1b[0m" if code and is_colourful(stream) else kind


def is_colourful(stream: TextIO) -> bool:
    """Whether to colour: only on a terminal, and not if NO_COLOR (https://no-color.org) is set."""
    import os

    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def printable(text: object) -> str:
    """The text with control and bidirectional characters, and lone surrogates, written as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in str(text))


def say(text: str = "") -> None:
    """One line of the answer."""
    _write(sys.stdout, "\n".join(printable(line) for line in text.split("\n")))


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """The answer as JSON (ASCII, so that it is safe on a terminal too). indent: None for one line."""
    _write(sys.stdout, json.dumps(value, indent=indent, ensure_ascii=True))
    if indent is None:
        sys.stdout.flush()  # a line of a stream: somebody may be following


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns, aligned, with headings; nothing at all without rows."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not cells:
        return
    widths = [max(len(line[column]) for line in [list(headings), *cells]) for column in range(len(headings))]
    for line in [[heading.upper() for heading in headings], *cells]:
        _write(sys.stdout, "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
