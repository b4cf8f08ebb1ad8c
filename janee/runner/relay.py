"""The only way out of a command's network: a process outside that carries bytes to the hosts that its grant names.

The sandbox listens on 127.x.y.z:port inside for each named host; this process accepts there and connects, outside, to exactly
that host and port. Guarantees:
- The destination is the grant's, whatever the command asks for: a connection says where it goes only by the listener it came
  in on.
- A name is resolved outside; private, loopback, link-local and other addresses that are not global are refused unless the grant
  says `allowPrivate`, and the address that was checked is the one that is connected to.
- The process is forked before the grant is opened, so it never holds the secret, and dies with its Executor.
It never looks into the bytes: a command's TLS is the command's.
"""

from __future__ import annotations

import ipaddress
import json
import mmap
import os
import selectors
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from janee.errors import JaneeError
from sandbox import HostEntry, protect_memory

if TYPE_CHECKING:
    import threading

CONNECT_TIMEOUT_S: Final = 15.0
MAX_CONNECTIONS: Final = 64  # at one time, of one command
MAX_TARGETS: Final = 32
_BUFFER: Final = 64 << 10
_MAX_ORDER: Final = 64 << 10
_COUNTERS: Final = struct.Struct("=4Q")  # connections, refused, bytes out, bytes in
_FIRST_ADDRESS: Final = ipaddress.IPv4Address("127.77.0.1")

_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC: Final = (
    ipaddress.IPv4Network("192.88.99.0/24"),  # 6to4 relays
    ipaddress.IPv4Network("168.63.129.16/32"),  # Azure's own services, metadata among them
)

_Count = Callable[..., None]
_CountSize = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Target:
    """One host and port that a command may reach. name: host name or IPv4 address, as the grant writes it."""

    name: str
    port: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went through: connections made and refused, bytes from the command and to it."""

    connections: int
    refused: int
    bytes_out: int
    bytes_in: int


def parse_target(text: str) -> Target:
    """`host:port`. Raises JaneeError TARGET_INVALID."""
    name, colon, port = text.rpartition(":")
    if not colon or not name or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise JaneeError("TARGET_INVALID", f"{text!r} is not HOST:PORT", "write for example api.github.com:443")
    return Target(name, int(port))


def host_entries(targets: Sequence[Target]) -> tuple[HostEntry, ...]:
    """Where each target listens inside: one address a name, so that two hosts can share a port.

    Raises JaneeError TARGET_INVALID for an address literal, which a listener on loopback cannot stand for.
    """
    if len(targets) > MAX_TARGETS:
        raise JaneeError("TARGET_INVALID", f"{len(targets)} hosts are named, at most {MAX_TARGETS} can be", "name fewer")
    addresses: dict[str, str] = {}
    for target in targets:
        if target.name not in addresses:
            addresses[target.name] = _address_for(target.name, len(addresses))
    return tuple(HostEntry(target.name, addresses[target.name], target.port) for target in dict.fromkeys(targets))


def _address_for(name: str, index: int) -> str:
    if name == "localhost":
        return "127.0.0.1"
    try:
        literal = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return str(_FIRST_ADDRESS + index)
    if isinstance(literal, ipaddress.IPv4Address) and literal.is_loopback:
        return str(literal)
    raise JaneeError(
        "TARGET_INVALID", f"{name} is an address, and only names can be relayed", "name the host in the capability"
    )


def refusal(address: str) -> str | None:
    """Why `address` must not be connected to without `allowPrivate`, or None."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address} is not an address"
    if isinstance(parsed, ipaddress.IPv6Address):
        # An address of the other family in disguise is judged by what it stands for.
        embedded = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if parsed in ipaddress.IPv6Network("64:ff9b::/96"):
            embedded = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if embedded is not None:
            return refusal(str(embedded))
        # What stands for IPv4 in other ways (SIIT, IPv4-compatible), site-local and the rest: outside of global unicast.
        if parsed not in _GLOBAL_UNICAST:
            return f"{address} is not a public address"
    elif any(parsed in network for network in _NOT_PUBLIC):
        return f"{address} is not a public address"
    if not parsed.is_global or parsed.is_multicast:
        return f"{address} is not a public address"
    return None


class Relay:
    """Handle, in the Executor, of the relay process. Close it; it also ends when its Executor does."""

    def __init__(self, pid: int, control: socket.socket, counters: mmap.mmap) -> None:
        self._pid = pid
        self._control = control
        self._counters = counters

    @classmethod
    def fork(cls) -> Relay:
        """Start the process, which waits. To be called before the grant is opened: the child is a copy of this process."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        counters = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the child, so that reading it takes no system call
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                _close_all_but(theirs.fileno())
                _serve(theirs, counters)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        return cls(pid, ours, counters)

    def start(self, targets: Sequence[Target], listeners: Sequence[socket.socket], *, allow_private: bool) -> None:
        """Give the relay its work: the sandbox's listening sockets, in the order of the targets."""
        order = {"targets": [[target.name, target.port] for target in targets], "allowPrivate": allow_private}
        socket.send_fds(self._control, [json.dumps(order).encode()], [listener.fileno() for listener in listeners])

    def traffic(self) -> Traffic:
        return Traffic(*_COUNTERS.unpack_from(self._counters))

    def close(self) -> None:
        self._control.close()


def _close_all_but(kept: int) -> None:
    # The copy of the Executor's sockets must go: the front would wait for an end of file that this process holds back.
    os.closerange(3, kept)
    os.closerange(kept + 1, 1 << 16)


def _serve(control: socket.socket, counters: mmap.mmap) -> None:
    protect_memory()
    data, fds, _flags, _address = socket.recv_fds(control, _MAX_ORDER, MAX_TARGETS)
    if not data:
        return  # there was nothing to relay
    order = json.loads(data)
    targets = [Target(name, port) for name, port in order["targets"]]
    listeners = [socket.socket(fileno=fd) for fd in fds]
    state = _State(counters, order["allowPrivate"] is True)
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ, None)
        for listener, target in zip(listeners, targets, strict=True):
            listener.setblocking(False)
            selector.register(listener, selectors.EVENT_READ, target)
        while True:
            for key, _events in selector.select():
                if key.data is None:
                    return  # the Executor is gone, or done
                with suppress(OSError):
                    inside, _peer = key.fileobj.accept()  # type: ignore[union-attr]
                    state.start(inside, key.data)


class _State:
    """The relay process's connections: how many are open, and the shared counters."""

    def __init__(self, counters: mmap.mmap, allow_private: bool) -> None:
        self._counters = counters
        self._allow_private = allow_private
        import threading  # here, as in `_start_thread`

        self._lock = threading.Lock()
        self._open = 0

    def start(self, inside: socket.socket, target: Target) -> None:
        with self._lock:
            if self._open >= MAX_CONNECTIONS:
                inside.close()
                return
            self._open += 1
        _start_thread(self._carry, inside, target)

    def _carry(self, inside: socket.socket, target: Target) -> None:
        try:
            with inside:
                outside = _connect(target, self._allow_private)
                if outside is None:
                    self._count(refused=1)
                    _reset(inside)
                    return
                self._count(connections=1)
                with outside:
                    _splice(inside, outside, self._count)
        except OSError:
            pass  # either side went away: both are closed, which is all that can be told to them
        finally:
            with self._lock:
                self._open -= 1

    def _count(self, *, connections: int = 0, refused: int = 0, bytes_out: int = 0, bytes_in: int = 0) -> None:
        with self._lock:
            now = _COUNTERS.unpack_from(self._counters)
            _COUNTERS.pack_into(
                self._counters, 0, now[0] + connections, now[1] + refused, now[2] + bytes_out, now[3] + bytes_in
            )


def _connect(target: Target, allow_private: bool) -> socket.socket | None:
    """A connection to one of the target's permitted addresses, or None."""
    try:
        found = socket.getaddrinfo(target.name, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    for family, kind, protocol, _name, address in found:
        if not allow_private and refusal(str(address[0])) is not None:
            continue
        outside = socket.socket(family, kind, protocol)
        try:
            outside.settimeout(CONNECT_TIMEOUT_S)
            outside.connect(address)
            outside.settimeout(None)
            outside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            outside.close()
        else:
            return outside
    return None


def _reset(connection: socket.socket) -> None:
    # A reset, not an orderly end: the command must not take a refusal for an empty answer.
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _start_thread(function: Callable[..., None], *arguments: object) -> threading.Thread:
    # Imported only by a relay at work: what `threading` does after a fork costs each of the zygote's forks 130 page copies.
    import threading

    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def _splice(inside: socket.socket, outside: socket.socket, count: _Count) -> None:
    """Carry bytes both ways until both directions have ended; each reads only as fast as the other side takes."""
    upward = _start_thread(_one_way, inside, outside, lambda size: count(bytes_out=size))
    _one_way(outside, inside, lambda size: count(bytes_in=size))
    upward.join()


def _one_way(source: socket.socket, sink: socket.socket, count: _CountSize) -> None:
    try:
        while data := source.recv(_BUFFER):
            sink.sendall(data)
            count(len(data))
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # Broken on one side: nothing can follow in either direction.
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
