"""The encrypted stream between a command's relay and the Authority's gateway: one request and its answer, under a grant.

Guarantees: only who opened the grant (it carries the `EgressKey`) can begin a stream or read one; a frame that was changed,
left out, repeated, reordered, cut off or taken from another stream, direction or grant is refused (AES-256-GCM with a counter
as nonce, keys by HKDF, RFC 5869, each for one stream and direction). It never remembers a stream's id (the Authority's store
does) and never looks into what it carries.

On the wire each frame is a length of four bytes (big-endian) and a box. A direction begins with one HEAD, goes on with DATA,
and ends with one END; without END it was cut off.
"""

from __future__ import annotations

import hmac
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from janee.errors import ProtocolError
from janee.secret import Secret

MAX_HEAD: Final = 256 << 10  # bytes of JSON
MAX_DATA: Final = 64 << 10  # bytes of one DATA frame
EGRESS_PATH: Final = "/v1/egress/"  # and the grant's id; POST
STREAM_HEADER: Final = "janee-stream"  # HTTP header: the stream's id
STREAM_ID_BYTES: Final = 16  # random, once per stream; in the header as base64url without padding
_LENGTH: Final = struct.Struct(">I")
_NONCE: Final = struct.Struct(">4xQ")  # SP 800-38D, 8.2.1: a counter, as the key is never used again
_TAG: Final = 16
_LABEL: Final = b"janee-egress-v1\0"


class Direction(StrEnum):
    UP = "up"  # relay to Authority
    DOWN = "down"


class FrameKind(IntEnum):
    HEAD = 1
    DATA = 2
    END = 3


@dataclass(frozen=True, slots=True)
class EgressKey:
    """32 bytes, in a sealed grant: the right to use the gateway under it."""

    grant_id: str
    key: Secret

    def stream_key(self, stream_id: bytes, direction: Direction) -> bytes:
        """HKDF-Expand with a single block; the fields before the direction have fixed or prefixed lengths.

        Raises ProtocolError TUNNEL_BROKEN.
        """
        if len(stream_id) != STREAM_ID_BYTES:
            raise _broken("an id of an impossible length")
        grant = self.grant_id.encode()
        info = _LABEL + bytes((len(grant),)) + grant + stream_id + direction.value.encode()
        return hmac.digest(self.key.expose(), info + b"\x01", "sha256")


class TunnelWriter:
    """Makes the frames of one direction, in order."""

    def __init__(self, key: EgressKey, stream_id: bytes, direction: Direction) -> None:
        self._box = AESGCM(key.stream_key(stream_id, direction))
        self._count = 0

    def head(self, value: Mapping[str, Any]) -> bytes:
        """Raises ProtocolError TUNNEL_BROKEN: too large."""
        payload = json.dumps(value, separators=(",", ":")).encode()
        if len(payload) > MAX_HEAD:
            raise _broken(f"a head of {len(payload)} bytes, {MAX_HEAD} are taken")
        return self._frame(FrameKind.HEAD, payload)

    def data(self, payload: bytes) -> bytes:
        """One or more frames, as the payload's length asks for; none for an empty one."""
        view = memoryview(payload)
        return b"".join(self._frame(FrameKind.DATA, view[at : at + MAX_DATA]) for at in range(0, len(view), MAX_DATA))

    def end(self, value: Mapping[str, Any] | None = None) -> bytes:
        return self._frame(FrameKind.END, json.dumps(value or {}, separators=(",", ":")).encode())

    def _frame(self, kind: FrameKind, payload: bytes | memoryview) -> bytes:
        box = self._box.encrypt(_NONCE.pack(self._count), bytes((kind,)) + payload, None)
        self._count += 1
        return _LENGTH.pack(len(box)) + box


class TunnelReader:
    """Takes the bytes of one direction, in pieces of any size. After an error it takes no more."""

    def __init__(self, key: EgressKey, stream_id: bytes, direction: Direction) -> None:
        self._box = AESGCM(key.stream_key(stream_id, direction))
        self._count = 0
        self._kept = bytearray()
        self._last: FrameKind | None = None

    @property
    def is_ended(self) -> bool:
        """The END has come: the direction is complete."""
        return self._last is FrameKind.END

    def feed(self, data: bytes) -> Iterator[tuple[FrameKind, bytes]]:
        """The frames that are complete now. HEAD and END payloads are JSON (`parse_json`).

        Raises ProtocolError TUNNEL_BROKEN.
        """
        self._kept += data
        at = 0
        try:
            while len(self._kept) - at >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(self._kept, at)
                if not _TAG < length <= MAX_HEAD + _TAG + 1:
                    raise _broken("a frame of an impossible length")
                start, end = at + _LENGTH.size, at + _LENGTH.size + length
                if len(self._kept) < end:
                    break
                frame = self._open(bytes(memoryview(self._kept)[start:end]))
                at = end
                yield frame
        finally:
            del self._kept[:at]

    def _open(self, box: bytes) -> tuple[FrameKind, bytes]:
        try:
            plain = self._box.decrypt(_NONCE.pack(self._count), box, None)
            kind = FrameKind(plain[0])
        except (InvalidTag, ValueError, IndexError):
            raise _broken("a frame that is not the next one of this stream") from None
        self._count += 1
        if (kind is FrameKind.HEAD) != (self._last is None) or self._last is FrameKind.END:
            raise _broken("a frame out of its place")
        if kind is FrameKind.DATA and len(plain) > MAX_DATA + 1:
            raise _broken("a frame of an impossible length")
        self._last = kind
        return kind, plain[1:]


def parse_json(payload: bytes) -> dict[str, Any]:
    """The object in a HEAD or END. Raises ProtocolError TUNNEL_BROKEN."""
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        raise _broken("a head that is no JSON") from None
    if not isinstance(value, dict):
        raise _broken("a head that is no object")
    return value


def _broken(what: str) -> ProtocolError:
    return ProtocolError("TUNNEL_BROKEN", f"the stream between relay and Authority is broken: {what}", "try again")
