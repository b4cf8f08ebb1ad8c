"""The stream between relay and gateway: what was sent arrives, and nothing else does."""

from __future__ import annotations

import os

import pytest

from janee.errors import ProtocolError
from janee.secret import Secret
from janee.tunnel import MAX_DATA, MAX_HEAD, Direction, EgressKey, FrameKind, TunnelReader, TunnelWriter, parse_json

KEY = EgressKey("g_one", Secret(b"k" * 32))
ID = bytes(range(16))


def writer(key: EgressKey = KEY, stream: bytes = ID, direction: Direction = Direction.UP) -> TunnelWriter:
    return TunnelWriter(key, stream, direction)


def reader() -> TunnelReader:
    return TunnelReader(KEY, ID, Direction.UP)


@pytest.mark.parametrize("step", [1, 3, 1000, 1 << 20])
def test_a_stream_arrives_as_it_was_sent_in_pieces_of_any_size(step: int) -> None:
    sender, receiver = writer(), reader()
    body = os.urandom(MAX_DATA + 500) if step > 3 else os.urandom(500)
    wire = sender.head({"method": "GET"}) + sender.data(body) + sender.data(b"") + sender.end({"bytes": len(body)})
    frames = [frame for at in range(0, len(wire), step) for frame in receiver.feed(wire[at : at + step])]
    assert parse_json(frames[0][1]) == {"method": "GET"}
    assert b"".join(payload for kind, payload in frames if kind is FrameKind.DATA) == body
    assert (frames[-1][0], parse_json(frames[-1][1])) == (FrameKind.END, {"bytes": len(body)})
    assert receiver.is_ended
    assert body[:100] not in wire


@pytest.mark.parametrize(
    "other",
    [
        writer(EgressKey("g_two", KEY.key)),
        writer(EgressKey("g_one", Secret(b"x" * 32))),
        writer(stream=bytes(16)),
        writer(direction=Direction.DOWN),
    ],
    ids=["grant", "key", "stream", "direction"],
)
def test_a_frame_of_another_stream_is_refused(other: TunnelWriter) -> None:
    with pytest.raises(ProtocolError, match="not the next one"):
        list(reader().feed(other.head({})))


def test_a_changed_repeated_or_missing_frame_is_refused() -> None:
    sender = writer()
    head, first, second = sender.head({}), sender.data(b"first"), sender.data(b"second")
    for wire in (head + second, head + first + first, head + head, first, head[:-1] + b"x" + first):
        with pytest.raises(ProtocolError):
            list(reader().feed(wire))


def test_frames_have_their_places() -> None:
    for order in (("data", "head"), ("head", "head"), ("head", "end", "data"), ("end",)):
        sender = writer()
        made = {"head": lambda s=sender: s.head({}), "data": lambda s=sender: s.data(b"x"), "end": lambda s=sender: s.end()}
        with pytest.raises(ProtocolError, match="out of its place"):
            list(reader().feed(b"".join(made[name]() for name in order)))


def test_a_length_that_cannot_be_is_refused_before_it_is_waited_for() -> None:
    for length in (0, 16, MAX_HEAD + 18, 0xFFFFFFFF):
        with pytest.raises(ProtocolError, match="impossible length"):
            list(reader().feed(length.to_bytes(4)))
    with pytest.raises(ProtocolError):
        writer().head({"x": "y" * MAX_HEAD})


def test_a_cut_stream_is_not_ended() -> None:
    sender, receiver = writer(), reader()
    assert len(list(receiver.feed(sender.head({}) + sender.data(b"x") + sender.end()[:-1]))) == 2
    assert not receiver.is_ended


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"\xff", b"[" * 100000])
def test_a_head_that_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_json(payload)
