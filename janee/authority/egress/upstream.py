"""Connections to services for streamed requests, HTTP/1.1 both ways at once.

Guarantees: a connection goes to an address that was checked, of the name that was asked for, with TLS verified against that
name, and serves that one origin only; it is used again only after a whole request without a body and a whole response; no
redirect is followed, no proxy or `.netrc` of the environment is looked at. It never scrubs and never decides.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import h11

from janee.authority.addresses import resolve, verify_addresses
from janee.authority.egress.heads import EgressHead, Headers
from janee.authority.egress.refusal import Refusal, RefusedError
from janee.config.schema import Service
from janee.errors import ProtocolError

CONNECT_S: Final = 10.0
READ_BYTES: Final = 256 << 10
BURST: Final = 64  # events of a response in a row: who sends chunks of one byte must not keep all others waiting
MAX_RESPONSE_HEAD: Final = 64 << 10
MAX_HOLDING: Final = 32
KEPT_S: Final = 30.0
KEPT_EACH: Final = 16
KEPT_ORIGINS: Final = 64

Origin = tuple[str, str, str | None, bool]  # service, scheme://host:port, CA file, whether private addresses are allowed


@dataclass(slots=True)
class Connection:
    """One connection. Not for two requests at once."""

    origin: Origin
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    protocol: h11.Connection
    is_reused: bool = False
    kept_since: float = 0.0
    is_ended: bool = False

    async def send(self, event: h11.Request | h11.Data | h11.EndOfMessage) -> None:
        """Raises OSError, RefusedError."""
        try:
            data = self.protocol.send(event)
        except h11.LocalProtocolError:
            raise RefusedError(Refusal.REQUEST_MALFORMED, "the request's body does not fit its length") from None
        if data:
            self.writer.write(data)
            await self.writer.drain()

    async def next_event(self) -> Any:
        """The next event of the response. Raises RefusedError UPSTREAM_FAILED; OSError."""
        while (event := self._event()) is h11.NEED_DATA:
            self.protocol.receive_data(await self.reader.read(READ_BYTES))
        if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            raise RefusedError(Refusal.UPSTREAM_FAILED, "the service closed the connection without an answer")
        return event

    def _event(self) -> Any:
        try:
            return self.protocol.next_event()
        except h11.RemoteProtocolError:
            raise RefusedError(Refusal.UPSTREAM_FAILED, "the service's answer is no HTTP, or it was cut off") from None

    async def next_data(self) -> bytes | None:
        """The next piece of the body, small chunks joined; None at its end. Raises RefusedError UPSTREAM_FAILED; OSError."""
        event = None if self.is_ended else await self.next_event()
        pieces: list[bytes] = []
        while isinstance(event, h11.Data):
            pieces.append(bytes(event.data))
            if len(pieces) == BURST:
                await asyncio.sleep(0)
                return b"".join(pieces)
            event = self._event()
        self.is_ended = self.is_ended or isinstance(event, h11.EndOfMessage)
        return b"".join(pieces) if pieces else None

    def close(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            self.writer.transport.abort()  # not close(): what the peer does not read must not keep us


@dataclass(slots=True)
class Connections:
    """The connections of one event loop."""

    _kept: OrderedDict[Origin, list[Connection]] = field(default_factory=OrderedDict)
    _contexts: dict[str | None, ssl.SSLContext] = field(default_factory=dict)
    _lookups: dict[tuple[str, int], asyncio.Future[tuple[str, ...]]] = field(default_factory=dict)
    holding: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_HOLDING))  # of bodies that are held whole

    async def take(self, service: Service, head: EgressHead, *, fresh: bool = False) -> Connection:
        """A connection to the origin of `head`. fresh: not one that was used before.

        Raises RefusedError UPSTREAM_FAILED.
        """
        origin = (service.name, head.origin, service.ca, service.allow_private)
        while not fresh and (kept := self._kept.get(origin)):
            found = kept.pop()
            if time.monotonic() - found.kept_since < KEPT_S and await _is_quiet(found.reader):
                found.is_reused = True
                return found
            found.close()
        return await self._connect(origin, service, head)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next request, if it is as new."""
        state = connection.protocol
        if state.our_state is not h11.DONE or state.their_state is not h11.DONE or state.trailing_data[0]:
            connection.close()
            return
        state.start_next_cycle()
        connection.is_ended = False
        connection.kept_since = time.monotonic()
        kept = self._kept.setdefault(connection.origin, [])
        self._kept.move_to_end(connection.origin)
        kept.append(connection)
        if len(kept) > KEPT_EACH:
            kept.pop(0).close()
        if len(self._kept) > KEPT_ORIGINS:
            for old in self._kept.popitem(last=False)[1]:
                old.close()

    def close(self) -> None:
        while self._kept:
            for connection in self._kept.popitem()[1]:
                connection.close()

    async def _connect(self, origin: Origin, service: Service, head: EgressHead) -> Connection:
        host = head.host.strip("[]")
        is_tls = head.scheme == "https"
        try:
            addresses = await self._addresses(host, head.port)
            verify_addresses(host, addresses, allow_private=service.allow_private, is_plain_http=not is_tls)
            context = self._context(service.ca) if is_tls else None
            reader, writer = await _open(addresses, head.port, host, context)
        except ProtocolError as error:
            raise RefusedError(Refusal.UPSTREAM_FAILED, error.message, error.hint) from None
        except (OSError, ssl.SSLError) as error:
            raise translated(host, error) from None
        connection = writer.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_RESPONSE_HEAD)
        return Connection(origin, reader, writer, protocol)

    async def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        """One look-up for all who wait for it: of the few threads for look-ups, a name without an answer takes one only.

        Raises ProtocolError UPSTREAM_FAILED; TimeoutError.
        """
        lookup = self._lookups.get((host, port))
        if lookup is None:
            lookup = self._lookups[host, port] = asyncio.ensure_future(resolve(host, port))
            lookup.add_done_callback(partial(self._looked_up, (host, port)))
        async with asyncio.timeout(CONNECT_S):
            return await asyncio.shield(lookup)

    def _looked_up(self, name: tuple[str, int], lookup: asyncio.Future[tuple[str, ...]]) -> None:
        del self._lookups[name]
        if not lookup.cancelled():
            lookup.exception()  # whoever waited has it; if nobody does any more, it is nobody's

    def _context(self, ca: str | None) -> ssl.SSLContext:
        found = self._contexts.get(ca)
        if found is None:
            try:
                found = ssl.create_default_context(cafile=ca)
            except (OSError, ssl.SSLError):
                raise RefusedError(Refusal.UPSTREAM_FAILED, "the service's CA file cannot be used", "check `ca`") from None
            found.set_alpn_protocols(["http/1.1"])
            self._contexts[ca] = found
        return found


async def _is_quiet(reader: asyncio.StreamReader) -> bool:
    """Whether a kept connection is open, and holds nothing that could be taken for the next answer."""
    if reader.at_eof():
        return False
    probe = asyncio.ensure_future(reader.read(1))
    await asyncio.sleep(0)
    is_quiet = not probe.done()
    probe.cancel()
    with contextlib.suppress(asyncio.CancelledError, OSError):
        await probe
    return is_quiet


async def _open(
    addresses: tuple[str, ...], port: int, host: str, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the first of the addresses that takes a connection. Raises OSError."""
    last: OSError = OSError("no address")
    for address in addresses:
        try:
            async with asyncio.timeout(CONNECT_S):
                return await asyncio.open_connection(
                    address, port, ssl=context, server_hostname=host if context is not None else None, limit=READ_BYTES
                )
        except TimeoutError:
            last = TimeoutError()
        except ssl.SSLError:
            raise
        except OSError as error:
            last = error
    raise last


def request_event(head: EgressHead, target: str, headers: Headers) -> h11.Request:
    """The request as it is sent: `Host` first, our own framing, no encoding that we could not look into."""
    framing = [] if head.length == 0 and head.method in ("GET", "HEAD", "OPTIONS", "DELETE") else [_framing(head)]
    try:
        return h11.Request(
            method=head.method.encode("ascii"),
            target=target.encode("ascii"),
            headers=[(b"host", head.authority.encode("ascii")), *headers, (b"accept-encoding", b"identity"), *framing],
        )
    except (h11.LocalProtocolError, UnicodeError):  # the credential's doing: the rest was looked at
        raise RefusedError(
            Refusal.MISSING_SECRET, "the credential cannot stand in its place in a request", "store it anew"
        ) from None


def _framing(head: EgressHead) -> tuple[bytes, bytes]:
    if head.length is None:
        return b"transfer-encoding", b"chunked"
    return b"content-length", str(head.length).encode("ascii")


def translated(host: str, error: OSError) -> RefusedError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return RefusedError(
            Refusal.UPSTREAM_FAILED,
            f"the certificate of {host} is not valid: {error.verify_message}",
            "check the certificate; for a private CA set `ca` of the service",
        )
    if isinstance(error, ConnectionRefusedError):
        return RefusedError(Refusal.UPSTREAM_FAILED, f"{host} refuses the connection", "is it running?")
    if isinstance(error, TimeoutError):
        return RefusedError(
            Refusal.UPSTREAM_TIMEOUT,
            f"the host {host} took no connection within {CONNECT_S:g} s",
            "is it running, and reachable from the Authority?",
        )
    return RefusedError(Refusal.UPSTREAM_FAILED, f"the connection to {host} failed ({type(error).__name__})", "try again")
