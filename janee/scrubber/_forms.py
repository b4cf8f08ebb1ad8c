"""The forms in which a secret may come out of a command: one table, one row a form.

Each row generates byte strings that are looked for literally. The table in the documentation is made from this one.
"""

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

SHORTEST_DERIVED: Final = 4
"""A derived form shorter than this many bytes is left out: it would mask ordinary text."""


@dataclass(frozen=True, slots=True)
class Form:
    """One way of writing a secret. generate: value → what to look for (duplicates and short ones are dropped later)."""

    name: str
    reason: str
    generate: Callable[[bytes], Iterable[bytes]]


def _raw(value: bytes) -> Iterator[bytes]:
    yield value


def base64_core(value: bytes, before: int) -> bytes:
    """The base64 characters that `value` alone decides when `before` (0, 1, 2) other bytes stand in its first group."""
    encoded = base64.b64encode(bytes(before) + value)
    return encoded[-(-8 * before // 6) : 8 * (before + len(value)) // 6]


def _base64(value: bytes) -> Iterator[bytes]:
    padded = base64.b64encode(value)
    for form in (padded, padded.rstrip(b"="), *(base64_core(value, before) for before in range(3))):
        yield form
        yield form.translate(_URL_SAFE)


def _hex(value: bytes) -> Iterator[bytes]:
    text = value.hex().encode()
    yield text
    yield text.upper()


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")

FORMS: Final[tuple[Form, ...]] = (
    Form("raw", "the value as it is", _raw),
    Form("base64", "base64 and base64url, with and without padding, at any alignment inside something longer", _base64),
    Form("hex", "hexadecimal digits, both cases", _hex),
)
