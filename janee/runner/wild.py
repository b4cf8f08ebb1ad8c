"""The part of a relay that serves a grant's wildcards: names by `janee.runner.names`, and a connection by the name it came for.

Guarantees: a connection goes where the name goes whose address it came to, if a wildcard of the grant with that port covers the
name; any other is reset. The name is a grant's host to all that follows: relayed or passed to the gateway like one.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from janee.runner.egress import Served
from janee.runner.inside import Origin
from janee.runner.names import MAX_QUESTION, Names, Wildcard, answer
from sandbox import HostEntry

if TYPE_CHECKING:
    from janee.runner.relay import Target

_BURST: Final = 64  # questions answered, or connections accepted, before something else has its turn

Carry = Callable[[socket.socket, str, int, int], None]
"""Relay a connection as it is: to name, port; counted under an index."""


class ServeOpen(Protocol):
    """`janee.runner.egress.serve_connection` of one grant."""

    def __call__(self, client: socket.socket, one: Served) -> Any: ...


@dataclass(frozen=True, slots=True)
class _Way:
    """One wildcard at one port. scheme: None where bytes are relayed as they are. index: of its counters."""

    covers: Wildcard
    port: int
    scheme: str | None
    index: int


@dataclass(frozen=True, slots=True)
class Wild:
    """The wildcards of one grant. listeners: of every address, one a port, in the order of ports. resolver: UDP."""

    ways: tuple[_Way, ...]
    names: Names
    listeners: tuple[socket.socket, ...]
    resolver: socket.socket

    @classmethod
    def of(
        cls,
        targets: Sequence[Target],
        schemes: Sequence[str | None],
        exact: Sequence[HostEntry],
        sockets: Sequence[socket.socket],
    ) -> Wild:
        """exact: the entries of names that are no wildcards. sockets: the listeners of wildcards, and the resolver's."""
        # The relay's certificate has one label in the place of the star; without it, there can be more.
        ways = tuple(
            _Way(Wildcard(target.name[2:], is_deep=scheme != "https"), target.port, scheme, index)
            for index, (target, scheme) in enumerate(zip(targets, schemes, strict=True))
            if target.is_open
        )
        names = Names({entry.name: entry.address for entry in exact}, [way.covers for way in ways])
        *listeners, resolver = sockets
        return cls(ways, names, tuple(listeners), resolver)

    def serve(
        self, loop: asyncio.AbstractEventLoop, carry: Carry, serve_open: ServeOpen | None, count: Callable[..., None]
    ) -> None:
        """Start serving. serve_open: for what goes to the gateway. count: by index, as of the relay's counters."""
        tasks: set[asyncio.Future[Any]] = set()

        def accept(listener: socket.socket) -> None:
            for _ in range(_BURST):
                try:
                    client, _peer = listener.accept()
                except OSError:
                    return
                client.setblocking(False)
                address, port = client.getsockname()
                name = self.names.name_at(address)
                way = None if name is None else self._way(name, port)
                if name is None or way is None:
                    _reset(client)
                elif way.scheme is None:
                    carry(client, name, port, way.index)
                elif serve_open is None or way.scheme == "postgres":
                    _reset(client)
                else:
                    one = Served(listener, Origin(way.scheme, name, port), partial(count, way.index))
                    task = asyncio.ensure_future(serve_open(client, one))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)

        for listener in self.listeners:
            loop.add_reader(listener, accept, listener)
        loop.add_reader(self.resolver, self._answer)

    def _way(self, name: str, port: int) -> _Way | None:
        return next((way for way in self.ways if way.port == port and way.covers.covers(name)), None)

    def _answer(self) -> None:
        for _ in range(_BURST):
            try:
                question, asker = self.resolver.recvfrom(MAX_QUESTION + 1)
            except OSError:
                return
            response = answer(question, self.names)
            if response is not None:
                with suppress(OSError):
                    self.resolver.sendto(response, asker)


def _reset(client: socket.socket) -> None:
    with suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
