"""`janee scrub`: a Unix filter that masks secrets, stdin to stdout.

Guarantees: what is not held back, because it may begin a secret, is written as soon as it is read, also without a line end;
constant memory; no secret in a message. The secrets come from a file, never from argv.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Final

import click

from janee.errors import UsageError
from janee.scrubber import Scrubber, ScrubberError, StreamScrubber

MAX_FILE_BYTES: Final = 16 << 20
SHORTEST: Final = 4
_CHUNK: Final = 1 << 18


@click.command("scrub")
@click.option("--secrets-file", "path", required=True, metavar="FILE", help="The secrets; see below for the format.")
@click.option("--marker", default="[REDACTED]", show_default=True, help="Written in place of a secret.")
@click.option("--min-length", type=click.IntRange(min=SHORTEST), default=8, show_default=True, help="Refuse shorter secrets.")
@click.option("--form", "forms", multiple=True, metavar="NAME", help="Only these forms (repeatable); default: all.")
@click.option(
    "--fragments/--no-fragments", default=None, help="Also 16 bytes out of the middle. Default: where it looks random."
)
@click.option("--stats", is_flag=True, help="At the end, one line of JSON on stderr.")
def command(path: str, marker: str, min_length: int, forms: tuple[str, ...], fragments: bool | None, stats: bool) -> None:
    """Filter secrets out of stdin, in every form they may come in.

    FILE has one secret a line; empty lines do not count. A line that begins with a double quote is a JSON string, which is how
    to give a value of several lines ("-----BEGIN KEY-----\\n..."). A file that begins with { is one JSON object, name to value;
    the names then stand in the statistics.
    """
    secrets = read_secrets(path)
    try:
        scrubber = Scrubber(secrets, marker=marker.encode(), forms=forms or None, fragments=fragments, min_length=min_length)
    except ScrubberError as error:
        raise UsageError(error.code, error.message, error.hint) from None
    stream = scrubber.stream()
    read, written = _filter(stream)
    if stats:
        by_secret = {str(name): count for name, count in stream.hits_by_secret.items()}
        line = {"bytesIn": read, "bytesOut": written, "hits": stream.hits, "hitsBySecret": by_secret}
        sys.stderr.write(json.dumps(line) + "\n")


def _filter(stream: StreamScrubber) -> tuple[int, int]:
    """stdin to stdout; the numbers of bytes read and written."""
    read = written = 0
    for chunk in _chunks(sys.stdin.fileno()):
        read += len(chunk)
        written += _write(stream.feed(chunk))
    return read, written + _write(stream.finish())


def _chunks(fd: int) -> Iterator[bytes]:
    while chunk := os.read(fd, _CHUNK):
        yield chunk


def _write(data: bytes) -> int:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(sys.stdout.fileno(), rest) :]
    return len(data)


def read_secrets(path: str) -> Mapping[str, bytes | str]:
    """The secrets in a file by name; those of a list are named by their line. Raises UsageError."""
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise UsageError(
            "SECRETS_FILE", f"{path}: {os.strerror(error.errno or 0).lower()}", "check the path and its mode"
        ) from None
    if len(content) > MAX_FILE_BYTES:
        raise UsageError("SECRETS_FILE", f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB", "one secret a line")
    if content.lstrip().startswith(b"{"):
        return _named(content, path)
    secrets: dict[str, bytes | str] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        line = line.removesuffix(b"\r")
        if line.strip():
            secrets[f"line {number}"] = _string(line, f"{path}, line {number}") if line.startswith(b'"') else line
    return secrets


def _named(content: bytes, path: str) -> Mapping[str, bytes | str]:
    hint = "one JSON object, name to value; a JSON document that is itself a secret must be given as a string in it"
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise UsageError("SECRETS_FILE", f"{path} begins with {{ but is not JSON", hint) from None
    if not all(isinstance(inner, str) for inner in value.values()):
        raise UsageError("SECRETS_FILE", f"{path}: a value is not a string", hint)
    return {str(name): str(inner) for name, inner in value.items()}


def _string(line: bytes, place: str) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, str):
        raise UsageError("SECRETS_FILE", f"{place}: begins with a double quote but is not a JSON string", "quote it as JSON")
    return value
