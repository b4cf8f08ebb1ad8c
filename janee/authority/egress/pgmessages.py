"""Messages of a PostgreSQL session, in both directions: where they begin and end, and how a secret in one is masked. Pure.

Guarantees: what `Framer` hands out is whole messages, or pieces of one that is too long to be kept; `mask_block` makes one
without the secret that its client can still read: values are masked where they stand, their lengths made anew. Masks of equal
length would not do (a short one tells the length, none is a marker), and cutting the connection at each hit would make a
database useless whose rows hold the word that somebody took as its password. Where a message cannot be masked (its inside
is not known here), `mask_block` refuses, and the connection is cut. A binary COPY with a mask in it is unreadable.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

from janee.authority.egress.refusal import Refusal, RefusedError, malformed
from janee.pgwire import message_of
from janee.scrubber import Scrubber

MAX_KEPT: Final = 1 << 20  # bytes of one message that is kept whole
_HEAD: Final = struct.Struct(">cI")
_LENGTH: Final = struct.Struct(">i")


class Framer:
    """Takes bytes in pieces of any size. Hands out (data, is_whole): messages, or a piece of a message that is too long."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._left = 0  # bytes of the long message that are still to come

    @property
    def is_between(self) -> bool:
        """Whether the next byte would begin a message."""
        return not self._left and not self._kept

    @property
    def is_inside(self) -> bool:
        """Whether a piece of a message has been handed out, and not its end."""
        return bool(self._left)

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Raises RefusedError REQUEST_MALFORMED."""
        self._kept += data
        while self._kept:
            if self._left:
                piece = bytes(self._kept[: self._left])
                del self._kept[: len(piece)]
                self._left -= len(piece)
                yield piece, False
                continue
            whole = self._whole()
            if whole:
                block = bytes(self._kept[:whole])
                del self._kept[:whole]
                yield block, True
            elif not self._left:
                return

    def _whole(self) -> int:
        """How many bytes of complete messages there are. Notes a long message, if one is next."""
        at = 0
        while len(self._kept) - at >= _HEAD.size:
            _, length = _HEAD.unpack_from(self._kept, at)
            if not 4 <= length < 1 << 30:  # as in the server
                raise malformed("a message of the connection has an impossible length")
            if at + length + 1 > len(self._kept):
                if length > MAX_KEPT and at == 0:
                    self._left = length + 1
                return at
            at += length + 1
        return at


def split(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each message of a block of whole ones."""
    at = 0
    while at < len(block):
        kind, length = _HEAD.unpack_from(block, at)
        yield kind, block[at + 5 : at + 1 + length]
        at += length + 1


def mask_block(block: bytes, scrub: Scrubber) -> tuple[bytes, int]:
    """Whole messages of a server without secrets, and how many there were. Raises RefusedError: one that cannot be masked."""
    found = scrub.scrub(block)[1]
    if not found:
        return block, 0
    made, hits = [], 0
    for kind, body in split(block):
        if not scrub.scrub(body)[1]:
            made.append(message_of(kind, body))
            continue
        cleaner = _CLEANERS.get(kind)
        try:
            clean = body if cleaner is None else cleaner(body, lambda value: scrub.scrub(value)[0])
        except (struct.error, ValueError, IndexError):
            clean = body
        if scrub.scrub(clean)[1]:  # over the borders of values, or in a kind of message that is not known here
            raise RefusedError(Refusal.RESPONSE_REFUSED, "the credential stands in an answer, where it cannot be masked")
        made.append(message_of(kind, clean))
        hits += 1
    if not hits:  # spread over several messages
        raise RefusedError(Refusal.RESPONSE_REFUSED, "the credential stands in an answer, where it cannot be masked")
    return b"".join(made), hits


_Clean = Callable[[bytes], bytes]


def _row(body: bytes, clean: _Clean) -> bytes:
    (count,) = struct.unpack_from(">H", body)
    at, made = 2, [body[:2]]
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(body, at)
        at += 4
        if length < 0:
            made.append(_LENGTH.pack(-1))
            continue
        value = clean(body[at : at + length])
        at += length
        made.append(_LENGTH.pack(len(value)) + value)
    if at != len(body):
        raise ValueError("a row of another length")
    return b"".join(made)


def _description(body: bytes, clean: _Clean) -> bytes:
    (count,) = struct.unpack_from(">H", body)
    at, made = 2, [body[:2]]
    for _ in range(count):
        end = body.index(b"\0", at)
        made.append(clean(body[at:end]) + body[end : end + 19])
        at = end + 19
    if at != len(body):
        raise ValueError("a description of another length")
    return b"".join(made)


def _fields(body: bytes, clean: _Clean) -> bytes:
    made = [text[:1] + clean(text[1:]) for text in body.rstrip(b"\0").split(b"\0")]
    return b"\0".join(made) + b"\0\0"


def _texts(body: bytes, clean: _Clean) -> bytes:
    return b"\0".join(clean(text) for text in body.split(b"\0"))


def _notification(body: bytes, clean: _Clean) -> bytes:
    return body[:4] + _texts(body[4:], clean)


def _copied(body: bytes, clean: _Clean) -> bytes:
    return clean(body)


_CLEANERS: Final = {
    b"D": _row,
    b"T": _description,
    b"E": _fields,
    b"N": _fields,
    b"S": _texts,
    b"C": _texts,
    b"A": _notification,
    b"d": _copied,
}
