"""The relay: where it goes, and where it does not."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from janee.errors import JaneeError
from janee.runner.relay import Relay, Target, host_entries, parse_target, refusal

# An Executor has one thread; this process has those of the servers here, which the child never touches.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")


@pytest.mark.parametrize("text", ["host", "host:", ":443", "host:0", "host:65536", "host:https", "host:-1", "host:٤٤٣"])
def test_what_is_no_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(JaneeError):
        parse_target(text)


def test_names_get_an_address_each_and_keep_their_port() -> None:
    entries = host_entries([Target("a.example", 443), Target("b.example", 443), Target("a.example", 80)])
    assert [(entry.name, entry.port) for entry in entries] == [("a.example", 443), ("b.example", 443), ("a.example", 80)]
    assert entries[0].address == entries[2].address != entries[1].address


def test_localhost_is_where_programs_look_for_it() -> None:
    assert host_entries([Target("localhost", 8080)])[0].address == "127.0.0.1"
    assert host_entries([Target("127.0.0.1", 8080)])[0].address == "127.0.0.1"


@pytest.mark.parametrize("name", ["10.0.0.1", "1.2.3.4", "[::1]"])
def test_an_address_that_loopback_cannot_stand_for_is_refused(name: str) -> None:
    with pytest.raises(JaneeError):
        host_entries([Target(name, 443)])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "not-an-address", "::127.0.0.1",
        "::ffff:0:127.0.0.1", "fec0::1", "192.88.99.1", "168.63.129.16",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert refusal(address) is not None


@pytest.mark.parametrize("address", ["1.1.1.1", "140.82.112.5", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_not(address: str) -> None:
    assert refusal(address) is None


def relayed(port: int, *, allow_private: bool, send: bytes) -> tuple[bytes, Relay]:
    """What a client behind the relay gets, whose target is 127.0.0.1:port."""
    relay = Relay.fork()
    with socket.create_server(("127.0.0.1", 0)) as inside:
        relay.start([Target("127.0.0.1", port)], [inside], allow_private=allow_private)
        received = b""
        with socket.create_connection(inside.getsockname(), 10) as client:
            client.settimeout(10)
            try:
                client.sendall(send)
                client.shutdown(socket.SHUT_WR)
                while data := client.recv(65536):
                    received += data
            except (ConnectionResetError, BrokenPipeError):
                received = b"reset"
    return received, relay


@pytest.fixture
def echo() -> int:
    """A server that sends back what it got, once, upside down."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(10)

    def serve() -> None:
        with server:
            try:
                connection, _ = server.accept()
            except TimeoutError:
                return
            with connection:
                data = b""
                while piece := connection.recv(65536):
                    data += piece
                connection.sendall(data[::-1])

    threading.Thread(target=serve, daemon=True).start()
    port: int = server.getsockname()[1]
    return port


def test_bytes_go_both_ways_and_are_counted(echo: int) -> None:
    text = os.urandom(300_000)
    received, relay = relayed(echo, allow_private=True, send=text)
    assert received == text[::-1]
    ((_, sums),) = relay.traffic()
    assert (sums.connections, sums.bytes_out) == (1, len(text))
    relay.close()
    os.waitpid(relay._pid, 0)


def test_a_private_address_is_reset_unless_the_grant_allows_it(echo: int) -> None:
    received, relay = relayed(echo, allow_private=False, send=b"hello")
    assert received == b"reset"
    ((_, sums),) = relay.traffic()
    assert (sums.connections, sums.refused) == (0, 1)
    relay.close()
    assert os.waitpid(relay._pid, 0)[1] == 0


def test_the_relay_ends_with_its_owner() -> None:
    relay = Relay.fork()
    relay.close()
    assert os.waitpid(relay._pid, 0)[0] == relay._pid
