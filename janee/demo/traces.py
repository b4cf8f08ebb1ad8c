"""What a secret leaves behind where it has been: the byte strings that a search for it looks for.

Guarantees: `find_traces` finds the value as it is, its base64 (every alignment, both alphabets), its hex (both cases), its
reverse, and any part of it of `FRAGMENT` bytes. It shares no code with the scrubber, so that it can judge it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

FRAGMENT: Final = 16  # bytes; a shorter part is no use to a thief and turns up by chance in no memory


def encodings(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """(name of the form, bytes to look for), each at least as long as the secret's middle."""
    yield "plain", secret
    yield "reversed", secret[::-1]
    yield "hex", secret.hex().encode()
    yield "hex", secret.hex().upper().encode()
    for lead in range(3):
        # A base64 text holds the secret at one of three alignments; the characters at its edges depend on the neighbours.
        text = base64.b64encode(b"\0" * lead + secret + b"\0\0")
        inner = text[(lead * 8 + 5) // 6 : (lead + len(secret)) * 8 // 6]
        yield "base64", inner
        if b"+" in inner or b"/" in inner:
            yield "base64", inner.translate(bytes.maketrans(b"+/", b"-_"))


def fragments(secret: bytes) -> Iterator[tuple[str, bytes]]:
    for start in range(len(secret) - FRAGMENT + 1):
        yield "part", secret[start : start + FRAGMENT]


def find_traces(secret: bytes, data: bytes, *, parts: bool = True) -> tuple[str, ...]:
    """The names of the forms of `secret` that occur in `data`, each once; empty if there is none."""
    found = dict.fromkeys(name for name, needle in encodings(secret) if needle in data)
    if not found and parts:
        found = dict.fromkeys(name for name, needle in fragments(secret) if needle in data)
    return tuple(found)
