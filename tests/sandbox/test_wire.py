"""Frames between owner and pid 1: whole, or an error."""

import json
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import HostEntry, Level, Limits, Mount, PrivateFile, SandboxError, SandboxSpec, wire
from sandbox.orders import Orders, spec_from_message, spec_to_message


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        theirs.settimeout(5)
        yield ours, theirs


def test_a_frame_arrives_with_its_descriptors_which_are_close_on_exec(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    wire.send(ours, {"a": 1}, (0, 1))
    frame = wire.receive(theirs)
    assert frame.body == {"a": 1}
    assert len(frame.descriptors) == 2
    assert not any(os.get_inheritable(descriptor) for descriptor in frame.descriptors)
    for descriptor in frame.descriptors:
        os.close(descriptor)


@pytest.mark.parametrize(
    "data",
    {
        "nothing": b"",
        "half a header": b"\0\0",
        "half a frame": struct.pack("!I", 10) + b"{",
        "too long": struct.pack("!I", 1 << 31) + b"{}",
        "not JSON": struct.pack("!I", 3) + b"abc",
        "not an object": struct.pack("!I", 2) + b"[]",
        "not UTF-8": struct.pack("!I", 2) + b"\xff\xfe",
    }.values(),
)
def test_anything_but_a_whole_frame_is_an_error(pair: tuple[socket.socket, socket.socket], data: bytes) -> None:
    ours, theirs = pair
    ours.sendall(data)
    ours.close()
    with pytest.raises(wire.WireError):
        wire.receive(theirs)


def test_an_error_never_quotes_the_frame(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    ours.sendall(struct.pack("!I", 12) + b"s3cr3t-value")
    with pytest.raises(wire.WireError) as caught:
        wire.receive(theirs)
    assert "s3cr3t" not in repr(caught.value) + repr(caught.value.__cause__)
    assert caught.value.__suppress_context__


def test_sending_to_nobody_is_an_error(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    theirs.close()
    with pytest.raises(wire.WireError):
        wire.send(ours, {})


WORDS = st.binary(max_size=20).map(lambda data: data.replace(b"\0", b"."))


@given(st.lists(WORDS, max_size=5), st.dictionaries(st.text("ABC_é", min_size=1), st.text("xyz \n=ß", max_size=9)))
def test_orders_survive_the_journey_byte_by_byte(words: list[bytes], env: dict[str, str]) -> None:
    orders = Orders.of(SandboxSpec(argv=(b"cmd", *words), env=env))
    assert Orders.from_message(json.loads(json.dumps(orders.to_message()))) == orders


def test_a_specification_survives_the_journey() -> None:
    spec = SandboxSpec(
        argv=(b"cmd", b"\xff"),
        env={"A": "\udcff"},
        cwd="/w",
        level=Level.STRICT,
        mounts=(Mount("/a", "/b", True),),
        hosts=(HostEntry("h", "127.0.0.9", 9),),
        files=(PrivateFile("/run/x", b"\0\xff", 0o400),),
        limits=Limits(wall_s=1.5, memory_mib=64),
        protected=("/home",),
        loopback=True,
    )
    assert spec_from_message(json.loads(json.dumps(spec_to_message(spec)))) == spec


@pytest.mark.parametrize(
    "change", [{"argv": [1]}, {"hosts": [["h", "10.0.0.1", 1]]}, {"limits": {"pids": -1}}, {"targets": [1]}, {"env": 5}]
)
def test_orders_are_checked_again_on_arrival(change: dict[str, Any]) -> None:
    message = Orders.of(SandboxSpec(argv=("a",))).to_message() | change
    with pytest.raises((SandboxError, TypeError, ValueError, AttributeError)):
        Orders.from_message(message)


def test_a_peer_that_closes_as_soon_as_it_has_the_frame_is_no_error() -> None:
    """It may answer and go before the sender runs again; what it was sent has arrived."""

    class Overtaken(socket.socket):
        def sendmsg(self, *arguments: Any) -> int:
            sent = super().sendmsg(*arguments)
            taken.append(wire.receive(peer).body)
            peer.close()
            return sent

    taken: list[dict[str, Any]] = []
    ours, peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with Overtaken(fileno=ours.detach()) as channel:
        wire.send(channel, {"a": 1})
    assert taken == [{"a": 1}]
