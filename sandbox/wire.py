"""The messages between the process that owns a sandbox and its pid 1: length-prefixed JSON with descriptors.

Guarantees: a frame is whole or an error; descriptors arrive close-on-exec; over-long, short or undecodable frames raise
`WireError`. Never: a copy of a message in an exception.

Orders (owner → pid 1) carry the environment; only the two ends ever hold the socket. Bytes travel as latin-1 text.
"""

import array
import json
import socket
import struct
from dataclasses import dataclass
from typing import Any, Final

_HEADER: Final = struct.Struct("!I")
_MAX_FRAME: Final = 64 * 1024 * 1024  # larger than any argv and environment that execve(2) takes, plus private files
_MAX_DESCRIPTORS: Final = 253  # SCM_MAX_FD, unix(7)


class WireError(Exception):
    """The peer closed the channel or broke the protocol."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message and the descriptors that came with it; the receiver owns them."""

    body: dict[str, Any]
    descriptors: tuple[int, ...]


def text_of(data: bytes) -> str:
    """Bytes as JSON text, one character a byte."""
    return data.decode("latin-1")


def bytes_of(text: str) -> bytes:
    """The inverse of `text_of`."""
    return text.encode("latin-1")


def send(channel: socket.socket, body: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    """Send one frame, blocking. Raises `WireError` when the peer is gone."""
    data = json.dumps(body).encode("ascii")
    frame = _HEADER.pack(len(data)) + data
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    try:
        sent = channel.sendmsg([frame], rights, socket.MSG_NOSIGNAL)
        if sent < len(frame):
            channel.sendall(frame[sent:], socket.MSG_NOSIGNAL)
    except OSError as error:
        raise WireError(f"send: {error.strerror}") from None


def receive(channel: socket.socket) -> Frame:
    """Receive one frame, blocking. Raises `WireError` at the end of the stream or on a malformed frame."""
    received = array.array("i")
    head = _receive_exactly(channel, _HEADER.size, received)
    (length,) = _HEADER.unpack(head)
    if length > _MAX_FRAME:
        raise WireError(f"frame of {length} bytes")
    data = _receive_exactly(channel, length, received)
    try:
        body = json.loads(data)
    except ValueError:
        raise WireError("frame is not JSON") from None
    if not isinstance(body, dict):
        raise WireError("frame is not an object")
    return Frame(body, tuple(received))


def _receive_exactly(channel: socket.socket, length: int, received: "array.array[int]") -> bytes:
    parts: list[bytes] = []
    missing = length
    space = socket.CMSG_SPACE(_MAX_DESCRIPTORS * received.itemsize)
    while missing:
        try:
            data, ancillary, flags, _ = channel.recvmsg(min(missing, 1 << 20), space, socket.MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise WireError(f"receive: {error.strerror}") from None
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                received.frombytes(payload[: len(payload) - len(payload) % received.itemsize])
        if flags & socket.MSG_CTRUNC:
            raise WireError("descriptors were cut off")
        if not data:
            raise WireError("closed by the peer")
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)
