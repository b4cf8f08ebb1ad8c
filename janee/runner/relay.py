"""The only way out of a command's network: a process outside that carries bytes to the hosts that its grant names.

The sandbox listens on 127.x.y.z:port inside for each named host; this process accepts there and connects, outside, to exactly
that host and port. Guarantees:
- The destination is the grant's, whatever the command asks for: a connection says where it goes only by the listener it came
  in on.
- A name is resolved outside; private, loopback, link-local and other addresses that are not global are refused unless the grant
  says `allowPrivate`, and the address that was checked is the one that is connected to.
- The process is forked before the grant is opened, so it never holds the secret, and dies with its Executor.
- Hosts that the grant sends through the gateway are served by `janee.runner.egress`; the key for that opens nothing else.
It never looks into the bytes of the others: a command's TLS is the command's.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import mmap
import os
import selectors
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from janee.errors import JaneeError
from janee.runner.egress import Served, serve_connection, serve_egress
from janee.runner.gateway import Gateway
from janee.runner.inside import Origin
from janee.runner.order import AuthorityAddress
from janee.runner.postgres import serve_postgres
from janee.runner.tls import postgres_context, server_context
from janee.runner.wild import ServeOpen, Wild
from janee.secret import Secret
from janee.tunnel import EgressKey
from sandbox import ANY_ADDRESS, ANY_NAME, HostEntry, protect_memory

if TYPE_CHECKING:
    import threading

CONNECT_TIMEOUT_S: Final = 15.0
MAX_CONNECTIONS: Final = 64  # at one time, of one command
MAX_REQUESTS: Final = 256  # connections of one command to hosts behind the gateway, at one time
MAX_TARGETS: Final = 32
_BUFFER: Final = 64 << 10
_MAX_ORDER: Final = 64 << 10
_COUNTERS: Final = struct.Struct("=5Q")  # of each target: connections, refused, requests, bytes out, bytes in
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
    """One host and port that a command may reach. name: host name, `*.domain` or IPv4 address, as the grant writes it."""

    name: str
    port: int

    @property
    def is_open(self) -> bool:
        """Whether it stands for many names."""
        return self.name.startswith("*.")


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went to one target: connections made and refused, requests through the gateway, bytes from the command and to it."""

    connections: int
    refused: int
    requests: int
    bytes_out: int
    bytes_in: int


@dataclass(frozen=True, slots=True)
class Egress:
    """What the relay needs for the gateway. schemes: http, https or postgres for each target that goes there. leaf: PEM."""

    schemes: Mapping[Target, str]
    key: EgressKey
    leaf: bytes = field(repr=False)
    authority: AuthorityAddress


_Work = tuple[socket.socket, Target, int]  # a listener, what it stands for, and the index of its counters


def parse_origin(text: str) -> tuple[Target, str]:
    """`https://host:port`, with `http` or `postgres` alike: the target and the scheme. Raises JaneeError TARGET_INVALID."""
    scheme, found, rest = text.partition("://")
    if not found or scheme not in ("http", "https", "postgres"):
        raise JaneeError("TARGET_INVALID", f"{text!r} is not http(s):// or postgres://HOST:PORT", "update the authority")
    return parse_target(rest), scheme


def parse_target(text: str) -> Target:
    """`host:port`, where the host may be `*.domain`. Raises JaneeError TARGET_INVALID."""
    name, colon, port = text.rpartition(":")
    if not colon or not name or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise JaneeError("TARGET_INVALID", f"{text!r} is not HOST:PORT", "write for example api.github.com:443")
    return Target(name.lower(), int(port))


def host_entries(targets: Sequence[Target]) -> tuple[HostEntry, ...]:
    """Where each target listens inside: one address a name, so that two hosts can share a port. After them, for each port of a
    wildcard, the listener of all other addresses.

    Raises JaneeError TARGET_INVALID for an address literal, which a listener on loopback cannot stand for.
    """
    if len(targets) > MAX_TARGETS:
        raise JaneeError("TARGET_INVALID", f"{len(targets)} hosts are named, at most {MAX_TARGETS} can be", "name fewer")
    addresses: dict[str, str] = {}
    exact = [target for target in dict.fromkeys(targets) if not target.is_open]
    for target in exact:
        if target.name not in addresses:
            addresses[target.name] = _address_for(target.name, len(addresses))
    named = (HostEntry(target.name, addresses[target.name], target.port) for target in exact)
    ports = sorted({target.port for target in targets if target.is_open})
    return (*named, *(HostEntry(ANY_NAME, ANY_ADDRESS, port) for port in ports))


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
        self._targets: tuple[Target, ...] = ()

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

    def start(
        self,
        targets: Sequence[Target],
        listeners: Sequence[socket.socket],
        *,
        allow_private: bool,
        egress: Egress | None = None,
    ) -> None:
        """Give the relay its work: the sandbox's listening sockets, in the order of `host_entries(targets)`, and after them the
        resolver's, if a wildcard is among them."""
        schemes: Mapping[Target, str] = {} if egress is None else egress.schemes
        order = {
            "targets": [[target.name, target.port, schemes.get(target)] for target in targets],
            "allowPrivate": allow_private,
            "egress": None if egress is None else _egress_message(egress),
        }
        self._targets = tuple(targets)
        socket.send_fds(self._control, [json.dumps(order).encode()], [listener.fileno() for listener in listeners])

    def traffic(self) -> tuple[tuple[Target, Traffic], ...]:
        counted = _COUNTERS.iter_unpack(self._counters[: len(self._targets) * _COUNTERS.size])
        return tuple((target, Traffic(*numbers)) for target, numbers in zip(self._targets, counted, strict=True))

    def close(self) -> None:
        self._control.close()


def _close_all_but(kept: int) -> None:
    # The copy of the Executor's sockets must go: the front would wait for an end of file that this process holds back.
    os.closerange(3, kept)
    os.closerange(kept + 1, 1 << 16)


def _serve(control: socket.socket, counters: mmap.mmap) -> None:
    protect_memory()
    data, fds, _flags, _address = socket.recv_fds(control, _MAX_ORDER, MAX_TARGETS + 1)
    if not data:
        return  # there was nothing to relay
    order = json.loads(data)
    targets = [Target(name, port) for name, port, _scheme in order["targets"]]
    schemes = [scheme for _name, _port, scheme in order["targets"]]
    listeners = [socket.socket(fileno=fd) for fd in fds]
    state = _State(counters, order["allowPrivate"] is True)
    for listener in listeners:
        listener.setblocking(False)
    exact = [(target, index) for index, target in enumerate(targets) if not target.is_open]
    works = [(listener, target, index) for listener, (target, index) in zip(listeners, exact, strict=False)]
    if len(works) == len(targets) and order["egress"] is None:
        _serve_raw(control, works, state)
    else:
        entries = host_entries([target for target, _index in exact])
        wild = Wild.of(targets, schemes, entries, listeners[len(works) :]) if len(works) < len(targets) else None
        asyncio.run(_serve_both(control, works, schemes, order["egress"], state, wild))


def _serve_raw(control: socket.socket, works: Sequence[_Work], state: _State) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ, None)
        for work in works:
            selector.register(work[0], selectors.EVENT_READ, work)
        while True:
            for key, _events in selector.select():
                if key.data is None:
                    return  # the Executor is gone, or done
                state.accept(key.data)


async def _serve_both(
    control: socket.socket,
    works: Sequence[_Work],
    schemes: Sequence[str | None],
    egress: dict[str, Any] | None,
    state: _State,
    wild: Wild | None,
) -> None:
    """Until the Executor is gone, or done."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # a broken connection is counted, and nobody reads a log here
    served: list[Served] = []
    databases: list[Served] = []
    for listener, target, index in works:
        scheme = schemes[index]
        if scheme is None:
            loop.add_reader(listener, state.accept, (listener, target, index))
        else:
            kind = databases if scheme == "postgres" else served
            kind.append(Served(listener, Origin(scheme, target.name, target.port), partial(state.count, index)))
    servers: tuple[asyncio.Server, ...] = ()
    tasks: tuple[asyncio.Task[None], ...] = ()
    serve_open: ServeOpen | None = None
    if egress is not None:
        key = EgressKey(egress["grantId"], Secret(base64.b64decode(egress["key"])))
        gateway = Gateway(AuthorityAddress(**egress["authority"]), key)
        leaf = egress["leaf"].encode()
        slots = asyncio.Semaphore(MAX_REQUESTS)
        tls = server_context(leaf)
        servers = await serve_egress(tuple(served), gateway, tls, slots)
        tasks = serve_postgres(tuple(databases), gateway, postgres_context(leaf), slots) if databases else ()
        serve_open = partial(serve_connection, gateway=gateway, tls=tls, slots=slots)
    if wild is not None:
        wild.serve(loop, lambda client, name, *at: state.carry(client, Target(name, at[0]), at[1]), serve_open, state.count)
    ended = loop.create_future()
    loop.add_reader(control, lambda: None if ended.done() else ended.set_result(None))
    await ended
    for server in servers:
        server.close()
    for task in tasks:
        task.cancel()
    os._exit(0)  # whatever is still open is the command's, which is dead


def _egress_message(egress: Egress) -> dict[str, Any]:
    return {
        "grantId": egress.key.grant_id,
        "key": base64.b64encode(egress.key.key.expose()).decode(),
        "leaf": egress.leaf.decode(),
        "authority": asdict(egress.authority),
    }


class _State:
    """The relay process's connections: how many are open, and the shared counters."""

    def __init__(self, counters: mmap.mmap, allow_private: bool) -> None:
        self._counters = counters
        self._allow_private = allow_private
        import threading  # here, as in `_start_thread`

        self._lock = threading.Lock()
        self._open = 0

    def accept(self, work: _Work) -> None:
        listener, target, index = work
        try:
            inside, _peer = listener.accept()
        except OSError:
            return
        self.carry(inside, target, index)

    def carry(self, inside: socket.socket, target: Target, index: int) -> None:
        """Connect an accepted connection to its target, and carry what comes. index: of its counters."""
        inside.setblocking(True)
        with self._lock:
            if self._open >= MAX_CONNECTIONS:
                inside.close()
                return
            self._open += 1
        _start_thread(self._carry, inside, target, index)

    def _carry(self, inside: socket.socket, target: Target, index: int) -> None:
        count = partial(self.count, index)
        try:
            with inside:
                outside = _connect(target, self._allow_private)
                if outside is None:
                    count(refused=1)
                    _reset(inside)
                    return
                count(connections=1)
                with outside:
                    _splice(inside, outside, count)
        except OSError:
            pass  # either side went away: both are closed, which is all that can be told to them
        finally:
            with self._lock:
                self._open -= 1

    def count(
        self, index: int, *, connections: int = 0, refused: int = 0, requests: int = 0, bytes_out: int = 0, bytes_in: int = 0
    ) -> None:
        """Add to the counters of the target with this index."""
        at = index * _COUNTERS.size
        more = (connections, refused, requests, bytes_out, bytes_in)
        with self._lock:
            now = _COUNTERS.unpack_from(self._counters, at)
            _COUNTERS.pack_into(self._counters, at, *(old + new for old, new in zip(now, more, strict=True)))


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
