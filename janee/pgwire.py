"""PostgreSQL's protocol, as far as relay and gateway both need it: the first packet of a connection, and its last word. Pure.

Guarantees: a `FirstPacket` is a complete packet of a length that a server would take; an error is a message that every client
shows. Nothing here knows a credential. Source: the manual of PostgreSQL 17, chapter 53 (protocol 3.0).
"""

from __future__ import annotations

import struct
from typing import Final

PROTOCOL_MAJOR: Final = 3
CANCEL: Final = 80877102
WANTS_TLS: Final = 80877103
WANTS_GSS: Final = 80877104
MAX_FIRST_PACKET: Final = 10_000  # as in the server (MAX_STARTUP_PACKET_LENGTH)
PREFIX: Final = 8  # bytes of a first packet that say how long it is and what it wants
AUTHENTICATION_OK: Final = b"R\0\0\0\x08\0\0\0\0"
_PREFIX: Final = struct.Struct(">II")
_MAX_TEXT: Final = 1000
# SQLSTATE, appendix A of the manual: the nearest of those that a client would get from a server.
_STATES: Final = {
    "UPSTREAM_FAILED": "08001",
    "UPSTREAM_TIMEOUT": "08001",
    "GATEWAY_FAILED": "08006",
    "REQUEST_MALFORMED": "08P01",
    "TOO_MUCH": "53400",
}


def read_prefix(prefix: bytes) -> tuple[int, int]:
    """Length and code of a first packet. Raises ValueError: no server would take it."""
    length, code = _PREFIX.unpack(prefix)
    if not PREFIX <= length <= MAX_FIRST_PACKET:
        raise ValueError("the first packet of the connection is no PostgreSQL")
    return length, code


def error_response(code: str, message: str, hint: str = "") -> bytes:
    """An ErrorResponse, severity FATAL: the connection ends with it. code: Janee's."""
    texts = [
        (b"S", "FATAL"),
        (b"V", "FATAL"),
        (b"C", _STATES.get(code, "42501")),
        (b"M", f"janee: {message} ({code})"),
        (b"H", hint),
    ]
    fields = b"".join(key + _text(text) + b"\0" for key, text in texts if text)
    return message_of(b"E", fields + b"\0")


def refusal_response(code: str, message: str, hint: str = "") -> bytes:
    """An `error_response` as the first answer of a connection.

    It comes after an AuthenticationOk: libpq takes an error before that for a reason to try once more, without TLS.
    """
    return AUTHENTICATION_OK + error_response(code, message, hint)


def message_of(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def _text(text: str) -> bytes:
    return text[:_MAX_TEXT].replace("\0", "").encode("utf-8", "replace")
