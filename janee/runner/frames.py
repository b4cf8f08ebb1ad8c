"""What the Runner front and an Executor say to each other, over one socket pair.

A frame is a 4-byte length (big-endian, of the payload), a 1-byte type and the payload. Rules, for both directions:
- a type is a row of the table: the states that permit it, the longest payload, whether it comes once, the next state;
- an unknown type, a type that is not permitted now, a second one of a kind that comes once, or an over-long payload is fatal
  for the connection; there is no answer to it and no resynchronisation.

Pure: bytes in, frames out. It never touches a socket and knows nothing of what a payload means.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from types import MappingProxyType
from typing import Final

from janee.errors import ProtocolError

MAX_SPEC_BYTES: Final = 8 << 20  # a request of the largest control body with JSON escapes, its grant and the sealed content
MAX_CHUNK_BYTES: Final = 256 << 10
MAX_RESULT_BYTES: Final = 64 << 10

_HEADER: Final = struct.Struct("!IB")


class FrameType(IntEnum):
    HELLO = 1  # Executor: its public key
    SPEC = 2  # front: the request, the grant's public part, the sealed content
    STDIN = 3  # front: bytes for the command
    STDIN_END = 4  # front: no more of them
    CANCEL = 5  # front: kill the command
    STARTED = 6  # Executor: the command runs
    STDOUT = 7  # Executor: scrubbed bytes
    STDERR = 8  # Executor: scrubbed bytes
    RESULT = 9  # Executor: how it ended; its last frame


class State(Enum):
    """Where an execution stands, as its receiver sees it."""

    NEW = auto()
    READY = auto()  # the Executor has said hello
    GRANTED = auto()  # the Executor has its spec
    RUNNING = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """When a frame type may arrive. then: the state it leads to, None for no change."""

    states: frozenset[State]
    max_bytes: int
    once: bool = False
    then: State | None = None


Table = Mapping[FrameType, Row]

_LIVE: Final = frozenset({State.GRANTED, State.RUNNING})

# What an Executor takes. It starts in READY: it has said hello before it reads.
TO_EXECUTOR: Final[Table] = MappingProxyType(
    {
        FrameType.SPEC: Row(frozenset({State.READY}), MAX_SPEC_BYTES, once=True, then=State.GRANTED),
        FrameType.STDIN: Row(_LIVE, MAX_CHUNK_BYTES),
        FrameType.STDIN_END: Row(_LIVE, 0, once=True),
        FrameType.CANCEL: Row(_LIVE, 0, once=True),
    }
)

# What the front takes. It moves from READY to GRANTED itself, when it sends the spec.
TO_FRONT: Final[Table] = MappingProxyType(
    {
        FrameType.HELLO: Row(frozenset({State.NEW}), 1024, once=True, then=State.READY),
        FrameType.STARTED: Row(frozenset({State.GRANTED}), 1024, once=True, then=State.RUNNING),
        FrameType.STDOUT: Row(frozenset({State.RUNNING}), MAX_CHUNK_BYTES),
        FrameType.STDERR: Row(frozenset({State.RUNNING}), MAX_CHUNK_BYTES),
        FrameType.RESULT: Row(_LIVE, MAX_RESULT_BYTES, once=True, then=State.DONE),
    }
)


@dataclass(frozen=True, slots=True)
class Frame:
    type: FrameType
    payload: bytes


def encode_frame(kind: FrameType, payload: bytes = b"") -> bytes:
    return _HEADER.pack(len(payload), kind) + payload


class FrameReader:
    """Cuts a byte stream into frames and holds each against the table and the state."""

    __slots__ = ("_buffer", "_seen", "_table", "state")

    def __init__(self, table: Table, state: State) -> None:
        self._table = table
        self._buffer = bytearray()
        self._seen: set[FrameType] = set()
        self.state = state

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete with `data`, in order; `state` is advanced before each is handed out.

        Raises ProtocolError FRAME_INVALID; the connection is then to be closed.
        """
        self._buffer += data
        offset = 0
        try:
            while len(self._buffer) - offset >= _HEADER.size:
                length, code = _HEADER.unpack_from(self._buffer, offset)
                kind = self._admit(code, length)  # before the payload is there: nobody makes us buffer what we would refuse
                end = offset + _HEADER.size + length
                if len(self._buffer) < end:
                    return
                payload = bytes(self._buffer[offset + _HEADER.size : end])
                offset = end
                self._advance(kind)
                yield Frame(kind, payload)
        finally:
            del self._buffer[:offset]

    @property
    def is_mid_frame(self) -> bool:
        """Whether the peer stopped inside a frame."""
        return bool(self._buffer)

    def _admit(self, code: int, length: int) -> FrameType:
        try:
            kind = FrameType(code)
        except ValueError:
            raise _invalid(f"unknown frame type {code}") from None
        row = self._table.get(kind)
        if row is None:
            raise _invalid(f"frame {kind.name} comes from the wrong side")
        if self.state not in row.states:
            raise _invalid(f"frame {kind.name} is not permitted in state {self.state.name}")
        if length > row.max_bytes:
            raise _invalid(f"frame {kind.name} has {length} bytes, at most {row.max_bytes} are taken")
        if row.once and kind in self._seen:
            raise _invalid(f"a second frame {kind.name}")
        return kind

    def _advance(self, kind: FrameType) -> None:
        self._seen.add(kind)
        then = self._table[kind].then
        if then is not None:
            self.state = then


def _invalid(message: str) -> ProtocolError:
    return ProtocolError("FRAME_INVALID", message)
