"""The frame table: what is permitted when, and that everything else is fatal."""

from __future__ import annotations

import struct

import pytest

from janee.errors import ProtocolError
from janee.runner.frames import (
    MAX_CHUNK_BYTES,
    TO_EXECUTOR,
    TO_FRONT,
    FrameReader,
    FrameType,
    State,
    Table,
    encode_frame,
)


def read(table: Table, state: State, data: bytes) -> list[tuple[FrameType, bytes]]:
    return [(frame.type, frame.payload) for frame in FrameReader(table, state).feed(data)]


@pytest.mark.parametrize("table", [TO_EXECUTOR, TO_FRONT])
@pytest.mark.parametrize("kind", list(FrameType))
@pytest.mark.parametrize("state", list(State))
def test_a_frame_is_taken_exactly_where_its_row_says_so(table: Table, kind: FrameType, state: State) -> None:
    row = table.get(kind)
    if row is not None and state in row.states:
        assert read(table, state, encode_frame(kind)) == [(kind, b"")]
    else:
        with pytest.raises(ProtocolError):
            read(table, state, encode_frame(kind))


@pytest.mark.parametrize("code", [0, 10, 255])
def test_an_unknown_type_is_fatal(code: int) -> None:
    with pytest.raises(ProtocolError):
        read(TO_EXECUTOR, State.READY, struct.pack("!IB", 0, code))


def test_an_over_long_frame_is_refused_before_its_payload_is_there() -> None:
    with pytest.raises(ProtocolError):
        read(TO_EXECUTOR, State.RUNNING, struct.pack("!IB", MAX_CHUNK_BYTES + 1, FrameType.STDIN))


def test_a_second_order_is_fatal() -> None:
    reader = FrameReader(TO_EXECUTOR, State.READY)
    assert len(list(reader.feed(encode_frame(FrameType.SPEC, b"{}")))) == 1
    with pytest.raises(ProtocolError):
        list(reader.feed(encode_frame(FrameType.SPEC, b"{}")))


@pytest.mark.parametrize("kind", [FrameType.STDIN_END, FrameType.CANCEL])
def test_what_comes_once_comes_once(kind: FrameType) -> None:
    with pytest.raises(ProtocolError):
        read(TO_EXECUTOR, State.RUNNING, encode_frame(kind) * 2)


def test_frames_are_whole_whatever_the_chunks() -> None:
    data = encode_frame(FrameType.STDIN, b"abc") + encode_frame(FrameType.STDIN, b"") + encode_frame(FrameType.STDIN_END)
    for size in range(1, len(data) + 1):
        reader = FrameReader(TO_EXECUTOR, State.RUNNING)
        frames = [frame for at in range(0, len(data), size) for frame in reader.feed(data[at : at + size])]
        assert [(frame.type, frame.payload) for frame in frames] == [
            (FrameType.STDIN, b"abc"), (FrameType.STDIN, b""), (FrameType.STDIN_END, b""),
        ]  # fmt: skip
        assert not reader.is_mid_frame


def test_the_end_inside_a_frame_is_noticed() -> None:
    reader = FrameReader(TO_EXECUTOR, State.RUNNING)
    assert list(reader.feed(encode_frame(FrameType.STDIN, b"abc")[:-1])) == []
    assert reader.is_mid_frame


def test_the_state_follows_the_table() -> None:
    reader = FrameReader(TO_FRONT, State.NEW)
    list(reader.feed(encode_frame(FrameType.HELLO)))
    assert reader.state is State.READY
    reader.state = State.GRANTED
    list(reader.feed(encode_frame(FrameType.STARTED) + encode_frame(FrameType.RESULT)))
    assert reader.state is State.DONE
    with pytest.raises(ProtocolError):
        list(reader.feed(encode_frame(FrameType.STDOUT, b"late")))
